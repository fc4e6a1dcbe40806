//! Whole heaps with their pages: allocating, freeing from outside, trimming, leaving.

use std::alloc::Layout;
use std::ptr::NonNull;

use bywash_arena::pool::model::Heap;
use bywash_sync::model::model;
use bywash_sync::thread;

const OWNER: u64 = 1;
const OTHER: u64 = 2;

/// A block on its way to another thread.
struct Sent(NonNull<u8>);

// SAFETY: the block is given away with its pointer.
unsafe impl Send for Sent {}

impl Sent {
    /// Frees the block on the thread `me`.
    fn free(self, me: u64) {
        // SAFETY: handed out, and freed once.
        unsafe { Heap::free(self.0, me) }
    }
}

/// A heap whose pages hold three blocks, so that it soon looks for what came home.
fn heap() -> NonNull<Heap> {
    Heap::create(OWNER, &[Layout::new::<[u64; 2048]>()])
}

fn block(heap: NonNull<Heap>) -> Sent {
    // SAFETY: called by the owner, before it closes the heap.
    Sent(unsafe { Heap::alloc(heap, 0) }.expect("memory for a page"))
}

#[test]
fn the_owner_allocates_while_a_block_comes_home() {
    model(
        "heap::the_owner_allocates_while_a_block_comes_home",
        2,
        10,
        || {
            let heap = heap();
            let sent = block(heap);
            let freer = thread::spawn(move || sent.free(OTHER));
            let own = block(heap);
            own.free(OWNER);
            freer.join().unwrap();
            // SAFETY: the owner, which leaves.
            unsafe { Heap::close(heap) };
        },
    );
}

#[test]
fn the_owner_leaves_while_two_threads_free() {
    model(
        "heap::the_owner_leaves_while_two_threads_free",
        2,
        4000,
        || {
            let heap = heap();
            let freers =
                [block(heap), block(heap)].map(|sent| thread::spawn(move || sent.free(OTHER)));
            // SAFETY: the owner, which leaves.
            unsafe { Heap::close(heap) };
            freers.into_iter().for_each(|freer| freer.join().unwrap());
        },
    );
}

#[test]
fn trimming_meets_a_block_that_comes_home() {
    model(
        "heap::trimming_meets_a_block_that_comes_home",
        2,
        10,
        || {
            let heap = heap();
            let sent = block(heap);
            let freer = thread::spawn(move || sent.free(OTHER));
            // SAFETY: the heap is open, and this is its owner.
            unsafe { Heap::trim_as_owner(heap) };
            let own = block(heap);
            own.free(OWNER);
            freer.join().unwrap();
            // SAFETY: the owner, which leaves.
            unsafe { Heap::close(heap) };
        },
    );
}
