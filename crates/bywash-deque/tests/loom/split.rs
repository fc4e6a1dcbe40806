//! The split deque: every scenario ends with each item taken exactly once.

use crate::board::{Board, Token};
use bywash_deque::Item;
use bywash_deque::split::{Core, Steal, Stealer, TakeBack, Worker, deque};
use bywash_sync::model::{BOUND, model};
use bywash_sync::thread::{self, JoinHandle};
use std::ptr::null_mut;
use std::sync::Arc;

fn push(worker: &Worker<Token>, board: &Board, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        worker.push(board.make(number));
    }
}

fn pop(worker: &Worker<Token>, board: &Board) {
    if let Some(token) = worker.pop() {
        board.take(token);
    }
}

/// A thread that makes `attempts` attempts to steal one item.
fn thief(stealer: &Stealer<Token>, board: &Board, attempts: usize) -> JoinHandle<()> {
    let (stealer, board) = (stealer.clone(), board.clone());
    thread::spawn(move || {
        for _ in 0..attempts {
            if let Steal::Taken(token) = stealer.steal() {
                board.take(token);
            }
        }
    })
}

/// A thread that makes one attempt to steal a batch.
fn batch_thief(stealer: &Stealer<Token>, board: &Board) -> JoinHandle<()> {
    let (stealer, board) = (stealer.clone(), board.clone());
    thread::spawn(move || {
        let (own, _) = deque();
        if let Steal::Taken(token) = own.steal_batch_from(&stealer, 2) {
            board.take(token);
        }
        drain(&own, &board);
    })
}

fn drain(worker: &Worker<Token>, board: &Board) {
    while let Some(token) = worker.pop() {
        board.take(token);
    }
}

/// Joins, takes what is left, and looks that nothing was lost.
fn finish(worker: &Worker<Token>, board: &Board, threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a model's first panic ends it");
    }
    drain(worker, board);
    board.finish();
}

#[test]
fn the_last_item_goes_to_one_of_two() {
    model("split::last_item", BOUND, 2_000, || {
        let board = Board::new(1);
        let (worker, stealer) = deque();
        let threads = vec![thief(&stealer, &board, 1)];
        push(&worker, &board, [0]);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn two_public_items_meet_a_thief_that_steals_twice() {
    model("split::steal_twice", BOUND, 8_000, || {
        let board = Board::new(3);
        let (worker, stealer) = deque();
        push(&worker, &board, 0..3);
        let threads = vec![thief(&stealer, &board, 2)];
        drain(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn an_owner_that_only_pushes_never_writes_a_slot_that_a_thief_reads() {
    // Pushes 1, 2, 4 and 6 fill the ring; push 16 publishes again if a thief has made room.
    model("split::only_pushes", BOUND, 90, || {
        let board = Board::new(16);
        let (worker, stealer) = deque();
        push(&worker, &board, 0..15);
        let threads = vec![thief(&stealer, &board, 2)];
        push(&worker, &board, [15]);
        finish(&worker, &board, threads);
    });
}

#[test]
fn a_batch_meets_an_owner_that_takes_everything_back() {
    model("split::batch", BOUND, 30_000, || {
        let board = Board::new(7);
        let (worker, stealer) = deque();
        push(&worker, &board, 0..7);
        let threads = vec![batch_thief(&stealer, &board)];
        drain(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn slots_come_round_through_reclaiming_while_a_thief_reads_one() {
    // Bound 2: the owner goes round the whole ring, which makes the search large.
    model("split::reclaim_wrap", 2, 20_000, || {
        let board = Board::new(5);
        let (worker, stealer) = deque();
        push(&worker, &board, [0]);
        let threads = vec![thief(&stealer, &board, 1)];
        for number in 1..5 {
            pop(&worker, &board);
            push(&worker, &board, [number]);
            worker.expose();
        }
        finish(&worker, &board, threads);
    });
}

#[test]
fn two_thieves_and_the_owner_meet_over_two_public_items() {
    model("split::two_thieves", BOUND, 30_000, || {
        let board = Board::new(3);
        let (worker, stealer) = deque();
        push(&worker, &board, 0..3);
        let threads = vec![thief(&stealer, &board, 1), batch_thief(&stealer, &board)];
        pop(&worker, &board);
        pop(&worker, &board);
        finish(&worker, &board, threads);
    });
}

#[test]
fn what_is_pushed_and_exposed_meets_a_thief() {
    // Two items are public and one is not, unless the thief has taken both before, or asks.
    model("split::expose", BOUND, 5_000, || {
        let board = Board::new(4);
        let (worker, stealer) = deque();
        push(&worker, &board, 0..3);
        let threads = vec![thief(&stealer, &board, 2)];
        worker.expose();
        push(&worker, &board, [3]);
        finish(&worker, &board, threads);
    });
}

#[test]
fn whoever_looks_at_the_oldest_public_item_sees_its_label() {
    model("split::front_label", BOUND, 50, || {
        let board = Board::new(1);
        let core = Arc::new(Core::<Token>::new());
        // SAFETY: this thread makes the only view, and keeps it to the end.
        let owner = unsafe { core.owner() };
        let looker = {
            let core = Arc::clone(&core);
            thread::spawn(move || {
                let label = core.front_label();
                assert_ne!(label, Some(null_mut()), "a label that nobody wrote");
            })
        };
        owner.push(board.make(0));
        looker.join().expect("a model's first panic ends it");
        board.take(owner.pop(0).expect("nobody steals"));
        board.finish();
    });
}

#[test]
fn a_fork_is_taken_back_or_stolen_never_both() {
    model("split::take_back", BOUND, 20_000, || {
        let board = Board::new(3);
        let core = Arc::new(Core::<Token>::new());
        // SAFETY: this thread makes the only view, and keeps it to the end.
        let owner = unsafe { core.owner() };
        let thief = {
            let (core, board) = (Arc::clone(&core), board.clone());
            thread::spawn(move || {
                if let Steal::Taken(token) = core.steal() {
                    board.take(token);
                }
            })
        };
        owner.push(board.make(0));
        let fork = board.make(1);
        owner.push(fork);
        owner.push(board.make(2));
        loop {
            match owner.take_back(fork.into_raw()) {
                TakeBack::Mine => {
                    board.take(fork);
                    break;
                }
                TakeBack::Below(position) => owner
                    .pop(position)
                    .into_iter()
                    .for_each(|above| board.take(above)),
                TakeBack::Stolen => break,
            }
        }
        thief.join().expect("a model's first panic ends it");
        while let Some(token) = owner.pop(0) {
            board.take(token);
        }
        board.finish();
    });
}
