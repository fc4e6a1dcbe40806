//! The Chase-Lev deque with its owner and thieves on threads of their own: nothing lost, nothing twice.

use crate::numbers::{FLAVORS, Tally, built, deque, pop_all, push, steal};
use bywash_deque::chase_lev::{Options, Steal, Worker};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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

#[test]
fn of_many_thieves_each_item_is_taken_exactly_once_while_the_buffer_grows() {
    const ITEMS: usize = 40_000;
    for flavor in FLAVORS {
        let worker = built(Options::of(flavor).initial_capacity(1));
        let tally = Tally::of(ITEMS);
        tally.among_thieves(
            &worker,
            4,
            |_, thief, _| tally.take_all(steal(thief)),
            || push(&worker, 0..ITEMS),
        );
    }
}

#[test]
fn pops_steals_and_batches_of_all_flavors_lose_and_double_nothing() {
    const ITEMS: usize = 60_000;
    for flavor in FLAVORS {
        let worker = built(Options::of(flavor).initial_capacity(4));
        let tally = Tally::of(ITEMS);
        tally.among_thieves(
            &worker,
            4,
            |place, thief, own| {
                let limit = [1, 3, 8, 32][place];
                let _ = thief.steal_batch(own, limit);
                let first = thief.steal_batch_and_pop(own, limit).taken();
                tally.take_all(first.map(|item| *item));
                tally.take_all(steal(thief));
            },
            || {
                for number in 0..ITEMS {
                    push(&worker, [number]);
                    // Bursts and lulls, so that the buffer grows and shrinks under the thieves.
                    if number % 7 == 0 || (number / 2_000) % 2 == 0 && number % 3 != 0 {
                        let popped = [worker.pop(), worker.pop()];
                        tally.take_all(popped.into_iter().flatten().map(|item| *item));
                    }
                }
                tally.take_all(pop_all(&worker));
            },
        );
    }
}

#[test]
fn workers_that_rob_each_other_lose_and_double_nothing() {
    const WORKERS: usize = 3;
    const ITEMS: usize = 20_000;
    for flavor in FLAVORS {
        let workers = [(); WORKERS].map(|()| built(Options::of(flavor).initial_capacity(1)));
        let stealers = workers.each_ref().map(Worker::stealer);
        let tally = Tally::of(WORKERS * ITEMS);
        thread::scope(|scope| {
            for (place, own) in workers.into_iter().enumerate() {
                let (stealers, tally) = (&stealers, &tally);
                scope.spawn(move || {
                    for number in place * ITEMS..(place + 1) * ITEMS {
                        push(&own, [number]);
                        let _ = stealers[number % WORKERS].steal_batch(&own, 4);
                        let popped = [own.pop(), own.pop()];
                        tally.take_all(popped.into_iter().flatten().map(|item| *item));
                    }
                    tally.take_all(pop_all(&own));
                });
            }
        });
        tally.check();
    }
}

#[test]
fn no_thief_starves() {
    for flavor in FLAVORS {
        let worker = deque(flavor);
        let fed: [AtomicBool; 3] = Default::default();
        thread::scope(|scope| {
            for fed in &fed {
                let thief = worker.stealer();
                scope.spawn(move || {
                    while !fed.load(Ordering::Relaxed) {
                        match thief.steal() {
                            Steal::Taken(_) => fed.store(true, Ordering::Relaxed),
                            Steal::Empty | Steal::Retry => thread::yield_now(),
                        }
                    }
                });
            }
            // Ends only when every thief got something, whatever the owner takes itself.
            while !fed.iter().all(|fed| fed.load(Ordering::Relaxed)) {
                push(&worker, 0..4);
                worker.pop();
                thread::yield_now();
            }
        });
    }
}

/// Pushes `burst` items and pops what thieves leave of them, over and over, among thieves that take
/// batches of up to `limit`.
fn bursts_among_batches(options: Options, burst: usize, thieves: usize, limit: usize) {
    let bursts = 20_000 / burst;
    let worker = built(options);
    let tally = Tally::of(bursts * burst);
    tally.among_thieves(
        &worker,
        thieves,
        |_, thief, own| _ = thief.steal_batch(own, limit),
        || {
            for turn in 0..bursts {
                push(&worker, turn * burst..(turn + 1) * burst);
                tally.take_all(pop_all(&worker));
            }
        },
    );
}

/// A batch that read a fresh index through a stale buffer: popped twice, a double free. The exact
/// interleaving is a loom scenario; here the buffer changes size all the time.
#[test]
fn batches_while_the_buffer_changes_size_take_nothing_twice_as_in_rustsec_2021_0093() {
    bursts_among_batches(Options::lifo().initial_capacity(1), 64, 2, 16);
}

/// Half of the items stolen by one compare-and-swap while the owner pops past the middle.
#[test]
fn a_batch_and_pops_past_the_middle_share_without_overlap_as_in_crossbeam_148() {
    bursts_among_batches(Options::lifo(), 8, 1, 4);
}

/// Indices of 16 bits that came round while a thief was held up, so that its claim succeeded on
/// another item: more items than such indices tell apart, many times, through a few slots.
#[test]
fn a_thief_that_is_held_up_meets_no_index_that_came_round_as_in_tokio_5041() {
    const ITEMS: usize = 5 << 16;
    for flavor in FLAVORS {
        let worker = built(Options::of(flavor).initial_capacity(4));
        let tally = Tally::of(ITEMS);
        tally.among_thieves(
            &worker,
            2,
            |_, thief, own| _ = thief.steal_batch(own, 2),
            || {
                for number in 0..ITEMS {
                    push(&worker, [number]);
                    tally.take_all(worker.pop().map(|item| *item));
                }
            },
        );
    }
}

/// Slots that the owner filled again while a thief was still copying out of them.
#[test]
fn a_full_deque_overwrites_no_slot_that_a_thief_is_copying_as_in_tokio_2387() {
    const ITEMS: usize = 100_000;
    for flavor in FLAVORS {
        let worker = built(Options::of(flavor).maximum_capacity(4));
        let tally = Tally::of(ITEMS);
        tally.among_thieves(
            &worker,
            2,
            |_, thief, own| _ = thief.steal_batch(own, 4),
            || {
                for number in 0..ITEMS {
                    if let Err(full) = worker.push(Box::new(number)) {
                        tally.take(*full.0);
                        thread::yield_now();
                    }
                }
            },
        );
    }
}
