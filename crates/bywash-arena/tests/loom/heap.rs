//! Whole heaps with their pages: allocating, freeing from outside, trimming, leaving.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Arc;

use bywash_arena::pool::model::{Heap, Trace};
use bywash_sync::model::{BOUND, model};
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
fn heap() -> Arc<Heap> {
    let layout = Layout::new::<[u64; 2048]>();
    Heap::create(OWNER, &[layout], Arc::new(Trace::default()))
}

fn block(heap: &Heap) -> Sent {
    // SAFETY: called by the owner, before anybody leaves the heap.
    Sent(unsafe { heap.alloc(0) }.expect("memory for a page"))
}

fn leave_as_owner(heap: &Heap) {
    // SAFETY: the owner, which makes no use of the heap after this.
    unsafe { heap.leave_as_owner() };
}

fn leave_as_pool(heap: &Heap) {
    // SAFETY: nothing is allocated from the heap any more.
    unsafe { heap.leave_as_pool() };
}

#[test]
fn the_owner_allocates_while_a_block_comes_home() {
    model(
        "heap::the_owner_allocates_while_a_block_comes_home",
        2,
        10,
        || {
            let heap = heap();
            let sent = block(&heap);
            let freer = thread::spawn(move || sent.free(OTHER));
            let own = block(&heap);
            own.free(OWNER);
            freer.join().unwrap();
            leave_as_owner(&heap);
            assert!(!heap.has_pages(), "the pages go back");
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
                [block(&heap), block(&heap)].map(|sent| thread::spawn(move || sent.free(OTHER)));
            leave_as_owner(&heap);
            freers.into_iter().for_each(|freer| freer.join().unwrap());
            assert!(!heap.has_pages(), "the pages go back");
        },
    );
}

#[test]
fn trimming_meets_a_block_that_comes_home() {
    model(
        "heap::trimming_meets_a_block_that_comes_home",
        BOUND,
        90,
        || {
            let heap = heap();
            let sent = block(&heap);
            let freer = thread::spawn(move || sent.free(OTHER));
            let own = block(&heap);
            assert_eq!(heap.trim(), 0, "a page with a live block stays");
            own.free(OWNER);
            heap.trim();
            freer.join().unwrap();
            heap.trim();
            assert!(!heap.has_pages(), "trimming takes what came home");
            leave_as_owner(&heap);
        },
    );
}

#[test]
fn the_pool_leaves_while_the_owner_frees() {
    model(
        "heap::the_pool_leaves_while_the_owner_frees",
        BOUND,
        160,
        || {
            let heap = heap();
            let own = block(&heap);
            let pools = Arc::clone(&heap);
            let pool = thread::spawn(move || leave_as_pool(&pools));
            own.free(OWNER);
            leave_as_owner(&heap);
            pool.join().unwrap();
            assert!(!heap.has_pages(), "the pages go back");
        },
    );
}

#[test]
fn the_last_block_of_a_pool_that_left_takes_the_pages_along() {
    model(
        "heap::the_last_block_of_a_pool_that_left_takes_the_pages_along",
        BOUND,
        700,
        || {
            let heap = heap();
            let (own, sent) = (block(&heap), block(&heap));
            let freer = thread::spawn(move || sent.free(OTHER));
            leave_as_pool(&heap);
            own.free(OWNER);
            freer.join().unwrap();
            assert!(
                !heap.has_pages(),
                "the pages go back before the owner leaves"
            );
            leave_as_owner(&heap);
        },
    );
}
