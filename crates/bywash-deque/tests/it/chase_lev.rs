//! The Chase-Lev deque through its public handles: order, counts, batches, capacities, drops.

use bywash_deque::Error;
use bywash_deque::chase_lev::{Flavor, Full, Options, Steal, Stealer, Worker};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

const FLAVORS: [Flavor; 2] = [Flavor::Lifo, Flavor::Fifo];

fn deque(flavor: Flavor) -> Worker<Box<usize>> {
    Options::of(flavor).build().expect("the defaults are valid")
}

fn push(worker: &Worker<Box<usize>>, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        worker.push(Box::new(number)).expect("no maximum was set");
    }
}

fn pop_all(worker: &Worker<Box<usize>>) -> Vec<usize> {
    std::iter::from_fn(|| worker.pop())
        .map(|item| *item)
        .collect()
}

/// Steals until something was taken or nothing is there.
fn steal(thief: &Stealer<Box<usize>>) -> Option<usize> {
    loop {
        match thief.steal() {
            Steal::Taken(item) => return Some(*item),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

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

#[test]
fn one_thief_sees_all_items_of_one_producer_in_order() {
    const ITEMS: usize = 50_000;
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let thief = worker.stealer();
        thread::scope(|scope| {
            scope.spawn(move || {
                for expected in 0..ITEMS {
                    let number = loop {
                        if let Some(number) = steal(&thief) {
                            break number;
                        }
                        thread::yield_now();
                    };
                    assert_eq!(number, expected);
                }
            });
            push(&worker, 0..ITEMS);
        });
    }
}

/// What several threads took, to be compared with what was pushed.
struct Tally {
    taken: Vec<AtomicUsize>,
    total: AtomicUsize,
}

impl Tally {
    fn of(items: usize) -> Self {
        Self {
            taken: (0..items).map(|_| AtomicUsize::new(0)).collect(),
            total: AtomicUsize::new(0),
        }
    }

    fn take(&self, number: usize) {
        self.taken[number].fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    fn is_complete(&self) -> bool {
        self.total.load(Ordering::Relaxed) >= self.taken.len()
    }

    fn check(&self) {
        for (number, taken) in self.taken.iter().enumerate() {
            assert_eq!(taken.load(Ordering::Relaxed), 1, "item {number}");
        }
    }
}

#[test]
fn of_many_thieves_each_item_is_taken_exactly_once() {
    const ITEMS: usize = 40_000;
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let tally = Tally::of(ITEMS);
        thread::scope(|scope| {
            for _ in 0..4 {
                let thief = worker.stealer();
                let tally = &tally;
                scope.spawn(move || {
                    while !tally.is_complete() {
                        match steal(&thief) {
                            Some(number) => tally.take(number),
                            None => thread::yield_now(),
                        }
                    }
                });
            }
            push(&worker, 0..ITEMS);
        });
        tally.check();
    }
}

#[test]
fn pops_steals_and_batches_of_all_flavors_lose_and_double_nothing() {
    const ITEMS: usize = 60_000;
    for (flavor, own_flavor) in [
        (Flavor::Lifo, Flavor::Lifo),
        (Flavor::Lifo, Flavor::Fifo),
        (Flavor::Fifo, Flavor::Lifo),
        (Flavor::Fifo, Flavor::Fifo),
    ] {
        let worker: Worker<Box<usize>> = Options::of(flavor)
            .initial_capacity(4)
            .build()
            .expect("4 slots are allowed");
        let tally = Tally::of(ITEMS);
        thread::scope(|scope| {
            for limit in [1, 3, 32] {
                let thief = worker.stealer();
                let tally = &tally;
                scope.spawn(move || {
                    let own = deque(own_flavor);
                    while !tally.is_complete() {
                        let batch = thief.steal_batch(&own, limit);
                        if let Steal::Taken(item) = thief.steal_batch_and_pop(&own, limit) {
                            tally.take(*item);
                        }
                        if let Some(number) = steal(&thief) {
                            tally.take(number);
                        }
                        for number in pop_all(&own) {
                            tally.take(number);
                        }
                        if matches!(batch, Steal::Empty) {
                            thread::yield_now();
                        }
                    }
                });
            }
            for number in 0..ITEMS {
                push(&worker, [number]);
                // Bursts and lulls, so that the buffer grows and shrinks under the thieves.
                if number % 7 == 0 || (number / 2_000) % 2 == 0 && number % 3 != 0 {
                    for _ in 0..2 {
                        if let Some(item) = worker.pop() {
                            tally.take(*item);
                        }
                    }
                }
            }
            for number in pop_all(&worker) {
                tally.take(number);
            }
        });
        tally.check();
    }
}

#[test]
fn no_thief_starves() {
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let enough: Arc<[AtomicUsize]> = (0..3).map(|_| AtomicUsize::new(0)).collect();
        thread::scope(|scope| {
            for place in 0..enough.len() {
                let (thief, enough) = (worker.stealer(), Arc::clone(&enough));
                scope.spawn(move || {
                    while enough[place].load(Ordering::Relaxed) == 0 {
                        match thief.steal() {
                            Steal::Taken(_) => enough[place].store(1, Ordering::Relaxed),
                            Steal::Empty | Steal::Retry => thread::yield_now(),
                        }
                    }
                });
            }
            // Ends only when every thief got something, whatever the owner takes itself.
            while enough
                .iter()
                .any(|count| count.load(Ordering::Relaxed) == 0)
            {
                push(&worker, 0..4);
                worker.pop();
                thread::yield_now();
            }
        });
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

/// RUSTSEC-2021-0093 of crossbeam-deque: a batch that read a fresh index through a stale buffer.
/// The exact interleaving is a loom scenario; here the buffer changes size all the time.
#[test]
fn batches_while_the_buffer_changes_size_take_nothing_twice() {
    const ROUNDS: usize = 300;
    const BURST: usize = 64;
    let worker: Worker<Box<usize>> = Options::lifo()
        .initial_capacity(1)
        .build()
        .expect("1 slot is allowed");
    let tally = Tally::of(ROUNDS * BURST);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (thief, tally) = (worker.stealer(), &tally);
            scope.spawn(move || {
                let own = deque(Flavor::Lifo);
                while !tally.is_complete() {
                    if !matches!(thief.steal_batch(&own, 16), Steal::Taken(_)) {
                        thread::yield_now();
                    }
                    for number in pop_all(&own) {
                        tally.take(number);
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            push(&worker, round * BURST..(round + 1) * BURST);
            for number in pop_all(&worker) {
                tally.take(number);
            }
        }
    });
    tally.check();
}

/// crossbeam #148: half stolen by one compare-and-swap while the owner pops past the middle.
#[test]
fn a_batch_and_an_owner_that_pops_past_the_middle_share_without_overlap() {
    const ROUNDS: usize = 2_000;
    let worker = deque(Flavor::Lifo);
    let thief = worker.stealer();
    let start = Barrier::new(2);
    let tally = Tally::of(ROUNDS * 8);
    thread::scope(|scope| {
        scope.spawn(|| {
            let own = deque(Flavor::Lifo);
            for _ in 0..ROUNDS {
                start.wait();
                let _ = thief.steal_batch(&own, 4);
                for number in pop_all(&own) {
                    tally.take(number);
                }
                start.wait();
            }
        });
        for round in 0..ROUNDS {
            push(&worker, round * 8..(round + 1) * 8);
            start.wait();
            for number in pop_all(&worker) {
                tally.take(number);
            }
            start.wait();
        }
    });
    tally.check();
}
