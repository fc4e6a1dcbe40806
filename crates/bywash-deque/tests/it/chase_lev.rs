//! The Chase-Lev deque on one thread: order, counts, batches, capacities, drops.

use crate::numbers::{FLAVORS, deque, pop_all, push, steal};
use bywash_deque::chase_lev::{Flavor, Full, Options, Steal, Worker};
use bywash_deque::{Error, Item};
use std::ptr::{NonNull, without_provenance_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn the_owner_pops_newest_first_and_thieves_take_oldest_first() {
    let worker = deque(Flavor::Lifo);
    let thief = worker.stealer();
    push(&worker, 0..5);
    assert_eq!(steal(&thief), Some(0));
    assert_eq!(worker.pop(), Some(Box::new(4)));
    assert_eq!(steal(&thief), Some(1));
    assert_eq!(pop_all(&worker), [3, 2]);
    assert_eq!(steal(&thief), None);
}

#[test]
fn a_fifo_owner_pops_oldest_first() {
    let worker = deque(Flavor::Fifo);
    push(&worker, 0..5);
    assert_eq!(steal(&worker.stealer()), Some(0));
    assert_eq!(pop_all(&worker), [1, 2, 3, 4]);
}

#[test]
fn both_handles_count_the_items() {
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let thief = worker.stealer();
        assert!(worker.is_empty() && thief.is_empty());
        for count in 1..=100 {
            push(&worker, [count]);
            assert_eq!((worker.len(), thief.len()), (count, count));
        }
        assert!(!worker.is_empty() && !thief.is_empty());
        steal(&thief);
        worker.pop();
        assert_eq!((worker.len(), thief.len()), (98, 98));
    }
}

/// Counts its drops.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_remaining_item_is_dropped_once_with_the_last_handle() {
    for flavor in FLAVORS {
        let drops = AtomicUsize::new(0);
        let worker = Options::of(flavor)
            .initial_capacity(2)
            .build()
            .expect("2 slots are allowed");
        let thief = worker.stealer();
        for _ in 0..100 {
            assert!(worker.push(Box::new(Counted(&drops))).is_ok());
        }
        drop(worker.pop());
        drop(thief.steal());
        assert_eq!(drops.load(Ordering::Relaxed), 2);
        drop(worker);
        assert_eq!(drops.load(Ordering::Relaxed), 2, "a stealer is left");
        drop(thief.steal());
        drop(thief);
        assert_eq!(drops.load(Ordering::Relaxed), 100);
    }
}

#[test]
fn a_batch_is_half_at_most_and_comes_out_in_the_victims_order() {
    let cases = [
        (Flavor::Fifo, Flavor::Fifo, vec![0, 1, 2]),
        (Flavor::Fifo, Flavor::Lifo, vec![0, 1, 2]),
        (Flavor::Lifo, Flavor::Lifo, vec![2, 1, 0]),
        (Flavor::Lifo, Flavor::Fifo, vec![2, 1, 0]),
    ];
    for (victim, own, expected) in cases {
        let worker = deque(victim);
        let mine = deque(own);
        push(&worker, 0..5);
        assert_eq!(worker.stealer().steal_batch(&mine, 10), Steal::Taken(3));
        assert_eq!(pop_all(&mine), expected, "{victim:?} into {own:?}");

        push(&worker, 5..9);
        let first = worker.stealer().steal_batch_and_pop(&mine, 2);
        let rest = pop_all(&mine);
        let expected = if victim == Flavor::Fifo {
            [3, 4]
        } else {
            [4, 3]
        };
        assert_eq!(first, Steal::Taken(Box::new(expected[0])));
        assert_eq!(rest, expected[1..]);
    }
}

#[test]
fn a_batch_goes_behind_what_the_thief_already_holds() {
    let worker = deque(Flavor::Fifo);
    let mine = deque(Flavor::Fifo);
    push(&worker, 0..4);
    push(&mine, [100]);
    let first = worker.stealer().steal_batch_and_pop(&mine, 8);
    assert_eq!(first, Steal::Taken(Box::new(0)));
    assert_eq!(pop_all(&mine), [100, 1]);
}

#[test]
fn a_batch_into_its_own_deque_moves_nothing_and_batch_and_pop_is_a_pop() {
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let thief = worker.stealer();
        assert_eq!(thief.steal_batch(&worker, 8), Steal::Empty);
        assert_eq!(thief.steal_batch_and_pop(&worker, 8), Steal::Empty);
        push(&worker, 0..4);
        assert_eq!(thief.steal_batch(&worker, 8), Steal::Taken(0));
        let expected = if flavor == Flavor::Lifo { 3 } else { 0 };
        assert_eq!(
            thief.steal_batch_and_pop(&worker, 8),
            Steal::Taken(Box::new(expected))
        );
        assert_eq!(worker.len(), 3);
    }
}

#[test]
fn a_batch_takes_no_more_than_its_limit_and_the_room_of_the_thief() {
    let worker = deque(Flavor::Lifo);
    let thief = worker.stealer();
    let mine: Worker<Box<usize>> = Options::lifo()
        .maximum_capacity(3)
        .build()
        .expect("3 is a valid maximum");
    push(&worker, 0..100);
    assert_eq!(thief.steal_batch(&mine, 0), Steal::Taken(0));
    assert_eq!(thief.steal_batch(&mine, 2), Steal::Taken(2));
    assert_eq!(thief.steal_batch(&mine, 20), Steal::Taken(1));
    assert_eq!(thief.steal_batch(&mine, 20), Steal::Taken(0));
    assert_eq!(
        thief.steal_batch_and_pop(&mine, 20),
        Steal::Taken(Box::new(3))
    );
    assert_eq!(pop_all(&mine), [2, 1, 0]);
}

/// An item whose label is its tens.
#[derive(Debug, PartialEq)]
struct Labelled(usize);

// SAFETY: a number, dressed up as a pointer that is never followed.
unsafe impl Item for Labelled {
    const IS_LABELLED: bool = true;

    fn into_raw(self) -> NonNull<()> {
        NonNull::new(without_provenance_mut(self.0 + 1)).unwrap()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self(raw.addr().get() - 1)
    }

    fn label(&self) -> *mut () {
        without_provenance_mut(1 + self.0 / 10)
    }
}

#[test]
fn a_thief_chooses_by_the_label_and_takes_none_of_another() {
    for flavor in FLAVORS {
        let deque = || Options::of(flavor).initial_capacity(2).build().unwrap();
        let (worker, own): (Worker<Labelled>, Worker<Labelled>) = (deque(), deque());
        let thief = worker.stealer();
        assert_eq!(thief.front_label(), None);
        for number in 18..28 {
            worker.push(Labelled(number)).unwrap();
        }
        assert_eq!(thief.front_label(), Some(without_provenance_mut(2)));
        let steal = |wanted| {
            thief.steal_batch_and_pop_if(&own, 9, |label| label == without_provenance_mut(wanted))
        };
        assert_eq!(steal(3), Steal::Taken(None));
        let first = if flavor == Flavor::Lifo { 19 } else { 18 };
        assert_eq!(steal(2), Steal::Taken(Some((Labelled(first), 1))));
        assert_eq!(steal(2), Steal::Taken(None));
        assert_eq!(thief.front_label(), Some(without_provenance_mut(3)));
        assert_eq!(own.stealer().front_label(), Some(without_provenance_mut(2)));
        assert_eq!((worker.len(), own.len()), (8, 1));
    }
}

#[test]
fn the_owner_may_look_at_what_it_would_pop() {
    static ITEMS: [usize; 3] = [0, 1, 2];
    let worker = Worker::lifo();
    assert_eq!(worker.peek(0), None);
    ITEMS.iter().for_each(|item| worker.push(item).unwrap());
    let at = |newer| worker.peek(newer);
    let raw = |item: usize| Some(NonNull::from(&ITEMS[item]).cast());
    assert_eq!([at(0), at(1), at(2), at(3)], [raw(2), raw(1), raw(0), None]);
    assert_eq!(worker.stealer().steal(), Steal::Taken(&ITEMS[0]));
    assert_eq!([at(1), at(2)], [raw(1), None]);
}

#[test]
fn a_buffer_shrinks_unless_it_is_to_keep_its_capacity() {
    let capacity_after_a_burst = |options: Options| {
        let worker = options.build().unwrap();
        push(&worker, 0..1_000);
        pop_all(&worker);
        worker.capacity()
    };
    assert_eq!(capacity_after_a_burst(Options::lifo()), 64);
    assert_eq!(
        capacity_after_a_burst(Options::lifo().keep_capacity()),
        1_024
    );
}

#[test]
fn large_items_do_not_pass_through_the_stack() {
    struct Large([u8; 8 << 20]);
    let worker: Worker<Arc<Large>> = Worker::lifo();
    let large: Arc<Large> = {
        let zeroed: Arc<std::mem::MaybeUninit<Large>> = Arc::new_zeroed();
        // SAFETY: an array of bytes may be all zeros.
        unsafe { zeroed.assume_init() }
    };
    // A thread with a stack far smaller than one item.
    thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(move || {
            for _ in 0..100 {
                worker.push(Arc::clone(&large)).expect("no maximum was set");
            }
            assert!(worker.stealer().steal().taken().is_some());
            assert_eq!(worker.pop().map(|item| item.0[8 << 10]), Some(0));
        })
        .expect("a thread starts")
        .join()
        .expect("the small stack was enough");
}

#[test]
fn indices_wrap_at_the_integers_end() {
    for flavor in FLAVORS {
        for before_the_end in 0..6 {
            let worker: Worker<Box<usize>> = Options::of(flavor)
                .initial_capacity(2)
                .first_index(u64::MAX - before_the_end)
                .build()
                .expect("2 slots are allowed");
            let thief = worker.stealer();
            push(&worker, 0..8);
            assert_eq!((worker.len(), thief.len()), (8, 8));
            assert_eq!(steal(&thief), Some(0));
            let mine = deque(Flavor::Fifo);
            assert_eq!(thief.steal_batch(&mine, 2), Steal::Taken(2));
            let mut rest: Vec<usize> = pop_all(&worker);
            rest.sort_unstable();
            assert_eq!(rest, [3, 4, 5, 6, 7]);
            push(&worker, [8]);
            assert_eq!(steal(&thief), Some(8));
            assert!(worker.is_empty() && thief.is_empty());
        }
    }
}

#[test]
fn a_full_deque_gives_the_item_back() {
    for flavor in FLAVORS {
        let worker: Worker<Box<usize>> = Options::of(flavor)
            .initial_capacity(2)
            .maximum_capacity(5)
            .build()
            .expect("5 is a valid maximum");
        push(&worker, 0..5);
        assert_eq!(worker.push(Box::new(5)), Err(Full(Box::new(5))));
        assert_eq!(steal(&worker.stealer()), Some(0));
        assert_eq!(worker.push(Box::new(6)), Ok(()));
        assert_eq!(worker.len(), 5);
    }
}

#[test]
fn impossible_capacities_are_refused() {
    let build = |options: Options| options.build::<Box<usize>>().map(|_| ()).unwrap_err();
    assert_eq!(
        build(Options::lifo().maximum_capacity(0)),
        Error::NoCapacity
    );
    assert_eq!(
        build(Options::fifo().initial_capacity(9).maximum_capacity(8)),
        Error::InitialAboveMaximum {
            initial: 9,
            maximum: 8
        }
    );
    assert!(matches!(
        build(
            Options::lifo()
                .initial_capacity(usize::MAX)
                .maximum_capacity(usize::MAX)
        ),
        Error::TooLarge {
            asked: usize::MAX,
            ..
        }
    ));
}
