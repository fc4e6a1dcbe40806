//! The Chase-Lev deque: every scenario ends with each item taken exactly once.

use crate::board::{Board, Labelled, Token};
use bywash_deque::Item;
use bywash_deque::chase_lev::{Flavor, Options, Steal, Stealer, Worker};
use bywash_deque::reclaim::{Epoch, Leak, Reclaim, Strict};
use bywash_sync::model::{BOUND, model};
use bywash_sync::thread::{self, JoinHandle};
use std::ptr::null_mut;

/// A deque of the given options.
fn deque<R: Reclaim>(options: Options) -> Worker<Token, R> {
    options.build_with().expect("a small deque is allowed")
}

/// LIFO, growing from two slots.
fn two_slots() -> Options {
    Options::lifo().initial_capacity(2)
}

/// LIFO, growing from four slots.
fn four_slots() -> Options {
    Options::lifo().initial_capacity(4)
}

fn push<R: Reclaim>(worker: &Worker<Token, R>, board: &Board, number: usize) {
    assert!(
        worker.push(board.make(number)).is_ok(),
        "no maximum was set"
    );
}

fn pop<R: Reclaim>(worker: &Worker<Token, R>, board: &Board) {
    if let Some(token) = worker.pop() {
        board.take(token);
    }
}

fn steal<R: Reclaim>(thief: &Stealer<Token, R>, board: &Board) {
    if let Steal::Taken(token) = thief.steal() {
        board.take(token);
    }
}

/// A thread that makes `attempts` attempts to steal one item.
fn thief<R: Reclaim>(worker: &Worker<Token, R>, board: &Board, attempts: usize) -> JoinHandle<()> {
    let (thief, board) = (worker.stealer(), board.clone());
    thread::spawn(move || {
        for _ in 0..attempts {
            steal(&thief, &board);
        }
    })
}

/// A thread that makes one attempt to steal up to `limit` items, then takes all it got.
fn batch_thief<R: Reclaim>(
    worker: &Worker<Token, R>,
    board: &Board,
    limit: usize,
) -> JoinHandle<()> {
    let (thief, board) = (worker.stealer(), board.clone());
    thread::spawn(move || {
        let own: Worker<Token, R> = deque(two_slots());
        if let Steal::Taken(count) = thief.steal_batch(&own, limit) {
            assert_eq!(own.len(), count);
        }
        drain(&own, &board);
    })
}

fn push_labelled(worker: &Worker<Labelled, Leak>, board: &Board, number: usize) {
    let item = Labelled(board.make(number));
    assert!(worker.push(item).is_ok(), "no maximum was set");
}

fn drain_labelled(worker: &Worker<Labelled, Leak>, board: &Board) {
    while let Some(item) = worker.pop() {
        board.take(item.0);
    }
}

/// A thread that makes one attempt to steal two items, and looks whether it gets what it has seen.
fn choosy_thief(worker: &Worker<Labelled, Leak>, board: &Board) -> JoinHandle<()> {
    let (thief, board) = (worker.stealer(), board.clone());
    thread::spawn(move || {
        let deque = || two_slots().build_with().expect("a small deque is allowed");
        let (own, next): (Worker<Labelled, Leak>, Worker<Labelled, Leak>) = (deque(), deque());
        let mut seen = null_mut();
        let stolen = thief.steal_batch_and_pop_if(&own, 2, |label| {
            assert!(!label.is_null(), "a label that nobody wrote");
            seen = label;
            true
        });
        let take = |item: Labelled| {
            assert_eq!(item.label(), seen, "the label of another item");
            board.take(item.0);
        };
        let Steal::Taken(Some((first, others))) = stolen else {
            return;
        };
        take(first);
        for _ in 0..others {
            let own = own.stealer();
            match own.steal_batch_and_pop_if(&next, 1, |label| label == seen) {
                Steal::Taken(Some((other, 0))) => take(other),
                _ => panic!("the label was not handed over"),
            }
        }
    })
}

fn drain<R: Reclaim>(worker: &Worker<Token, R>, board: &Board) {
    while let Some(token) = worker.pop() {
        board.take(token);
    }
}

/// Joins, takes what is left, and looks that nothing was lost.
fn finish<R: Reclaim>(worker: &Worker<Token, R>, board: &Board, threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a model's first panic ends it");
    }
    drain(worker, board);
    board.finish();
}

#[test]
fn the_last_item_goes_to_one_of_two() {
    model("chase_lev::last_item", BOUND, 60, || {
        let board = Board::new(1);
        let worker: Worker<_, Leak> = deque(two_slots());
        let threads = vec![thief(&worker, &board, 1)];
        push(&worker, &board, 0);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn two_items_meet_a_thief_that_steals_twice() {
    model("chase_lev::steal_twice", BOUND, 200, || {
        let board = Board::new(2);
        let worker: Worker<_, Leak> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 2)];
        pop(&worker, &board);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn pushes_meet_a_steal() {
    model("chase_lev::pushes", BOUND, 300, || {
        let board = Board::new(3);
        let worker: Worker<_, Leak> = deque(four_slots());
        let threads = vec![thief(&worker, &board, 1)];
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        pop(&worker, &board);
        push(&worker, &board, 2);
        finish(&worker, &board, threads);
    });
}

#[test]
fn pop_push_and_wrap_meet_two_steals() {
    model("chase_lev::wrap", BOUND, 2_000, || {
        let board = Board::new(4);
        let worker: Worker<_, Leak> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 2)];
        pop(&worker, &board);
        push(&worker, &board, 2);
        push(&worker, &board, 3);
        finish(&worker, &board, threads);
    });
}

#[test]
fn an_owner_that_only_pushes_never_writes_a_slot_that_a_thief_reads() {
    model("chase_lev::only_pushes", BOUND, 1_000, || {
        let board = Board::new(4);
        let options = Options::lifo().initial_capacity(2).maximum_capacity(2);
        let worker: Worker<_, Strict> = options.build_with().expect("2 slots are allowed");
        let threads = vec![thief(&worker, &board, 2)];
        for number in 0..4 {
            if let Err(full) = worker.push(board.make(number)) {
                board.take(full.0);
            }
        }
        finish(&worker, &board, threads);
    });
}

#[test]
fn growth_meets_a_steal() {
    model("chase_lev::growth", BOUND, 120, || {
        let board = Board::new(3);
        let worker: Worker<_, Strict> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 1)];
        push(&worker, &board, 2);
        finish(&worker, &board, threads);
    });
}

#[test]
fn grow_drain_push_drain_meets_a_thief() {
    model("chase_lev::grow_drain", BOUND, 20_000, || {
        let board = Board::new(5);
        let worker: Worker<_, Strict> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 1)];
        push(&worker, &board, 2);
        drain(&worker, &board);
        push(&worker, &board, 3);
        push(&worker, &board, 4);
        drain(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn shrinking_meets_a_steal() {
    model("chase_lev::shrink", BOUND, 500, || {
        let board = Board::new(6);
        let worker: Worker<_, Strict> = deque(two_slots());
        // Five items need eight slots; with one left the buffer halves, and again when empty.
        for number in 0..5 {
            push(&worker, &board, number);
        }
        for _ in 0..3 {
            pop(&worker, &board);
        }
        let threads = vec![thief(&worker, &board, 2)];
        pop(&worker, &board);
        push(&worker, &board, 5);
        finish(&worker, &board, threads);
    });
}

#[test]
fn a_batch_meets_pops_beyond_the_middle() {
    model("chase_lev::batch", BOUND, 600, || {
        let board = Board::new(4);
        let worker: Worker<_, Leak> = deque(four_slots());
        for number in 0..4 {
            push(&worker, &board, number);
        }
        let threads = vec![batch_thief(&worker, &board, 2)];
        for _ in 0..3 {
            pop(&worker, &board);
        }
        finish(&worker, &board, threads);
    });
}

#[test]
fn a_batch_meets_growth_and_an_index_that_was_used_again() {
    model("chase_lev::batch_growth", BOUND, 40_000, || {
        let board = Board::new(6);
        let worker: Worker<_, Strict> = deque(four_slots());
        for number in 0..4 {
            push(&worker, &board, number);
        }
        let threads = vec![batch_thief(&worker, &board, 2)];
        // The fifth item needs a new buffer. Unless the thief was quick, the last push uses the
        // second index again, and what it puts there is in the new buffer alone.
        push(&worker, &board, 4);
        for _ in 0..4 {
            pop(&worker, &board);
        }
        push(&worker, &board, 5);
        finish(&worker, &board, threads);
    });
}

#[test]
fn two_thieves_and_the_owner_meet_over_two_items() {
    model("chase_lev::two_thieves", BOUND, 3_000, || {
        let board = Board::new(2);
        let worker: Worker<_, Leak> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 1), thief(&worker, &board, 1)];
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn a_fifo_owner_meets_a_batch_and_wraps() {
    model("chase_lev::fifo_batch", BOUND, 500, || {
        let board = Board::new(5);
        let worker: Worker<_, Strict> = deque(Options::fifo().initial_capacity(4));
        for number in 0..4 {
            push(&worker, &board, number);
        }
        let threads = vec![batch_thief(&worker, &board, 2)];
        pop(&worker, &board);
        push(&worker, &board, 4);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn a_fifo_owner_races_a_thief_and_writes_the_slot_again() {
    model("chase_lev::fifo_pop", BOUND, 350, || {
        let board = Board::new(4);
        let options = Options::fifo().initial_capacity(2).maximum_capacity(2);
        let worker: Worker<_, Strict> = options.build_with().expect("2 slots are allowed");
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 1)];
        pop(&worker, &board);
        for number in 2..4 {
            if let Err(full) = worker.push(board.make(number)) {
                board.take(full.0);
            }
        }
        finish(&worker, &board, threads);
    });
}

#[test]
fn an_owner_that_oversteps_leaves_the_index_out() {
    for flavor in [Flavor::Lifo, Flavor::Fifo] {
        model("chase_lev::overstep", BOUND, 750, move || {
            let board = Board::new(2);
            let options = Options::of(flavor).initial_capacity(1).maximum_capacity(1);
            let worker: Worker<_, Leak> = deque(options);
            push(&worker, &board, 0);
            let threads = vec![thief(&worker, &board, 2)];
            pop(&worker, &board);
            push(&worker, &board, 1);
            finish(&worker, &board, threads);
        });
    }
}

#[test]
fn an_owner_that_oversteps_meets_two_thieves() {
    for flavor in [Flavor::Lifo, Flavor::Fifo] {
        model(
            "chase_lev::overstep_two_thieves",
            BOUND,
            15_000,
            move || {
                let board = Board::new(2);
                let worker: Worker<_, Leak> = deque(Options::of(flavor).initial_capacity(2));
                push(&worker, &board, 0);
                let threads = vec![thief(&worker, &board, 1), thief(&worker, &board, 1)];
                pop(&worker, &board);
                push(&worker, &board, 1);
                finish(&worker, &board, threads);
            },
        );
    }
}

#[test]
fn an_owner_that_oversteps_pushes_on_and_meets_the_thief_again() {
    model("chase_lev::overstep_pushes", BOUND, 5_000, || {
        let board = Board::new(3);
        let worker: Worker<_, Leak> = deque(two_slots());
        push(&worker, &board, 0);
        let threads = vec![thief(&worker, &board, 2)];
        pop(&worker, &board);
        push(&worker, &board, 1);
        push(&worker, &board, 2);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn an_owner_that_oversteps_takes_no_larger_batch_than_it_has_room_for() {
    model("chase_lev::overstep_room", BOUND, 300, || {
        let board = Board::new(5);
        let other: Worker<_, Leak> = deque(four_slots());
        for number in 1..5 {
            push(&other, &board, number);
        }
        let own: Worker<_, Leak> = deque(Options::lifo().initial_capacity(1).maximum_capacity(1));
        push(&own, &board, 0);
        let threads = vec![thief(&own, &board, 1)];
        pop(&own, &board);
        assert_eq!(other.stealer().steal_batch(&own, 2), Steal::Taken(1));
        drain(&own, &board);
        finish(&other, &board, threads);
    });
}

#[test]
fn a_batch_with_its_first_item_meets_the_owner() {
    for options in [four_slots(), Options::fifo().initial_capacity(4)] {
        model("chase_lev::batch_and_pop", BOUND, 500, move || {
            let board = Board::new(4);
            let worker: Worker<_, Leak> = deque(options);
            for number in 0..4 {
                push(&worker, &board, number);
            }
            let thief = {
                let (thief, board) = (worker.stealer(), board.clone());
                thread::spawn(move || {
                    let own: Worker<Token, Leak> = deque(two_slots());
                    if let Steal::Taken(token) = thief.steal_batch_and_pop(&own, 2) {
                        board.take(token);
                    }
                    drain(&own, &board);
                })
            };
            pop(&worker, &board);
            pop(&worker, &board);
            pop(&worker, &board);
            finish(&worker, &board, vec![thief]);
        });
    }
}

#[test]
fn a_batch_holds_what_carries_the_label_that_its_thief_has_seen() {
    model("chase_lev::label", BOUND, 1_000, || {
        let board = Board::new(5);
        let worker: Worker<Labelled, Leak> = four_slots().build_with().expect("4 slots");
        // Two labels: of the first item, and of the next two.
        for number in 1..4 {
            push_labelled(&worker, &board, number);
        }
        let thief = choosy_thief(&worker, &board);
        for _ in 0..3 {
            if let Some(item) = worker.pop() {
                board.take(item.0);
            }
        }
        // Where an item of another label was.
        push_labelled(&worker, &board, 0);
        push_labelled(&worker, &board, 4);
        thief.join().expect("a model's first panic ends it");
        drain_labelled(&worker, &board);
        board.finish();
    });
}

#[test]
fn labels_move_to_a_larger_buffer_with_their_items() {
    model("chase_lev::label_growth", BOUND, 20_000, || {
        let board = Board::new(5);
        let worker: Worker<Labelled, Leak> = two_slots().build_with().expect("2 slots");
        push_labelled(&worker, &board, 0);
        let thief = choosy_thief(&worker, &board);
        if let Some(item) = worker.pop() {
            board.take(item.0);
        }
        // The index of the first item is not among those that are copied.
        for number in 1..5 {
            push_labelled(&worker, &board, number);
        }
        thief.join().expect("a model's first panic ends it");
        let last = choosy_thief(&worker, &board);
        last.join().expect("a model's first panic ends it");
        assert!(worker.len() < 4, "a thief by itself takes nothing");
        drain_labelled(&worker, &board);
        board.finish();
    });
}

#[test]
fn whoever_looks_at_the_oldest_item_sees_its_label() {
    model("chase_lev::front_label", BOUND, 4_000, || {
        let board = Board::new(4);
        let worker: Worker<Labelled, Leak> = two_slots().build_with().expect("2 slots");
        push_labelled(&worker, &board, 0);
        let looker = {
            let looker = worker.stealer();
            thread::spawn(move || {
                let label = looker.front_label();
                assert_ne!(label, Some(null_mut()), "a label that nobody wrote");
            })
        };
        let first = worker.pop().expect("nobody steals");
        board.take(first.0);
        for number in 1..4 {
            push_labelled(&worker, &board, number);
        }
        looker.join().expect("a model's first panic ends it");
        drain_labelled(&worker, &board);
        board.finish();
    });
}

#[test]
fn growth_meets_a_steal_while_the_collector_runs() {
    // Bound 2: the epochs' own atomics make the search large.
    model("chase_lev::collector", 2, 30_000, || {
        let board = Board::new(3);
        let worker: Worker<_, Epoch> = deque(two_slots());
        push(&worker, &board, 0);
        push(&worker, &board, 1);
        let threads = vec![thief(&worker, &board, 1)];
        push(&worker, &board, 2);
        for _ in 0..3 {
            crossbeam_epoch::pin().flush();
        }
        finish(&worker, &board, threads);
    });
    assert!(
        bywash_deque::reclaim::freed_by_epochs() > 0,
        "no schedule freed a buffer: the scenario is blind"
    );
}
