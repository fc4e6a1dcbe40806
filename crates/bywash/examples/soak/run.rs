//! A program run by the job system, with a ticket in every closure that tells whether it was dropped.

use crate::program::Piece;
use bywash::{Context, Priority};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The words of a panic that the program asked for.
pub(crate) const PLANNED: &str = "planned";

/// What a run adds up to, and the closures that are alive.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sum: AtomicU64,
    pub(crate) tickets: AtomicI64,
}

impl Tally {
    fn add(&self, value: u64) {
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn ticket(&self) -> Ticket<'_> {
        self.tickets.fetch_add(1, Ordering::Relaxed);
        Ticket(self)
    }
}

/// Lies in a closure; its drop says that the closure is gone.
pub(crate) struct Ticket<'a>(&'a Tally);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.tickets.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs `piece` inside a frame; what it spawned is done by that frame's end.
pub(crate) fn run<'frame>(context: &Context<'frame>, piece: &'frame Piece, tally: &'frame Tally) {
    match piece {
        Piece::Leaf(value) => {
            // Some hundred nanoseconds now and then, so that thieves come in between.
            for turn in 0..value % 500 {
                black_box(turn);
            }
            tally.add(*value);
        }
        Piece::Join(sides) => {
            let (first, second) = (tally.ticket(), tally.ticket());
            context.join(
                |context| {
                    let _ticket = first;
                    run(context, &sides[0], tally);
                },
                |context| {
                    let _ticket = second;
                    run(context, &sides[1], tally);
                },
            );
        }
        Piece::Detached(pieces) => detach_all(context, pieces, tally),
        Piece::Counted(pieces, last) => {
            let counter = context.counter();
            for piece in pieces {
                let ticket = tally.ticket();
                context.spawn_with_counter(counter, move |context| {
                    let _ticket = ticket;
                    run(context, piece, tally);
                });
            }
            if let Some(last) = last {
                let ticket = tally.ticket();
                context.spawn_after(counter, move |context| {
                    let _ticket = ticket;
                    run(context, last, tally);
                });
            }
            context.wait(counter);
            assert!(counter.is_zero(), "a wait ended before its counter");
        }
        Piece::Job(piece, is_awaited) => {
            let ticket = tally.ticket();
            let job = context.spawn_job(move |context| {
                run(context, piece, tally);
                ticket
            });
            if *is_awaited {
                drop(job.wait(context));
            }
        }
        Piece::Batch(values) => context.spawn_batch(values.iter().map(|value| {
            let ticket = tally.ticket();
            move |_: &Context<'_>| {
                let _ticket = ticket;
                tally.add(*value);
            }
        })),
        Piece::Frame(pieces) => context.frame(|inner| detach_all(inner, pieces, tally)),
        Piece::Urgent(piece, is_high) => {
            let priority = if *is_high {
                Priority::High
            } else {
                Priority::Low
            };
            let ticket = tally.ticket();
            context.spawn_with_priority(priority, move |context| {
                let _ticket = ticket;
                run(context, piece, tally);
            });
        }
        Piece::Loop(length) => {
            context.parallel_for(0..*length as usize, |index| tally.add(index as u64));
        }
        Piece::Reduce(length) => {
            let length = *length as usize;
            let sum =
                context.parallel_reduce(0..length, || 0, |sum, i| sum + i as u64, |a, b| a + b);
            tally.add(sum);
        }
        Piece::Panics(pieces) => expect_panic(|| {
            context.frame(|inner| {
                detach_all(inner, pieces, tally);
                let ticket = tally.ticket();
                inner.spawn_detached(move |_| {
                    let _ticket = ticket;
                    panic!("{PLANNED}");
                });
            });
        }),
        Piece::JoinPanics => {
            let ticket = tally.ticket();
            expect_panic(|| {
                context.join(
                    |_| panic!("{PLANNED}"),
                    |_| {
                        let _ticket = ticket;
                    },
                );
            });
        }
    }
}

fn detach_all<'frame>(context: &Context<'frame>, pieces: &'frame [Piece], tally: &'frame Tally) {
    for piece in pieces {
        let ticket = tally.ticket();
        context.spawn_detached(move |context| {
            let _ticket = ticket;
            run(context, piece, tally);
        });
    }
    if pieces.len() % 5 == 4 {
        context.yield_now();
    }
}

fn expect_panic(body: impl FnOnce()) {
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("a planned panic got lost");
    assert!(
        is_planned(&*payload),
        "another panic than the planned one came out"
    );
}

/// Whether a panic was asked for by the program.
pub(crate) fn is_planned(payload: &(dyn std::any::Any + Send)) -> bool {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text == Some(PLANNED)
}
