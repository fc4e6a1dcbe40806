//! What the deque and the registry hold at most, and that they give it back.

use crate::numbers::{FLAVORS, built, deque, pop_all, push};
use bywash_deque::chase_lev::Options;
use bywash_deque::registry::Registry;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Bytes in blocks of the sizes that only the buffers of this file's bursts have.
static IN_LARGE_BLOCKS: AtomicUsize = AtomicUsize::new(0);

fn is_counted(size: usize) -> bool {
    (1 << 20..4 << 20).contains(&size)
}

/// The system's allocator, with that count.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_counted(layout.size()) {
            IN_LARGE_BLOCKS.fetch_add(layout.size(), Ordering::Relaxed);
        }
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_counted(layout.size()) {
            IN_LARGE_BLOCKS.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        // SAFETY: the caller's promises are the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Lets the epochs move on until `is_settled`; other tests pin them meanwhile, but none for long.
fn settle(what: &str, is_settled: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if is_settled() {
            return;
        }
        crossbeam_epoch::pin().flush();
        thread::yield_now();
    }
    panic!("the epochs moved on, and {what}");
}

#[test]
fn the_buffer_is_at_most_twice_its_high_water_and_is_given_back_after_a_burst() {
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let first = worker.capacity();
        let mut high_water = 0;
        for number in 0..10_000 {
            push(&worker, [number]);
            high_water = worker.len().max(high_water);
            assert!(worker.capacity() <= (2 * high_water).max(first));
            if number % 3 == 0 {
                worker.pop();
            }
        }
        while worker.pop().is_some() {
            assert!(worker.capacity() <= (4 * worker.len() + 4).max(first));
        }
        assert_eq!(worker.capacity(), first);
    }
}

#[test]
fn a_buffer_that_thieves_emptied_is_given_back_by_pops_that_find_nothing() {
    let worker = built(Options::lifo().initial_capacity(1));
    push(&worker, 0..1_000);
    let thief = worker.stealer();
    while thief.steal().taken().is_some() {}
    for _ in 0..1_000_usize.next_power_of_two().ilog2() {
        assert_eq!(worker.pop(), None);
    }
    assert_eq!(worker.capacity(), 1);
}

#[test]
fn replaced_buffers_are_freed_when_the_epochs_move_on() {
    const ITEMS: usize = (1 << 17) + 1;
    let worker = deque(FLAVORS[0]);
    push(&worker, 0..ITEMS);
    settle("a buffer that was outgrown is still there", || {
        IN_LARGE_BLOCKS.load(Ordering::Relaxed) <= 2 * ITEMS * size_of::<usize>()
    });
    assert!(
        IN_LARGE_BLOCKS.load(Ordering::Relaxed) > 0,
        "nothing was counted"
    );
    pop_all(&worker);
    settle("a buffer of the burst is still there", || {
        IN_LARGE_BLOCKS.load(Ordering::Relaxed) == 0
    });
}

#[test]
fn what_left_the_registry_is_dropped_when_the_epochs_move_on() {
    const MEMBERS: usize = 300;
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Member;
    impl Drop for Member {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let registry = Registry::new();
    let memberships: Vec<_> = (0..MEMBERS).map(|_| registry.join(Member)).collect();
    drop(memberships);
    settle("a list with a member that left is still there", || {
        DROPPED.load(Ordering::Relaxed) == MEMBERS
    });
}
