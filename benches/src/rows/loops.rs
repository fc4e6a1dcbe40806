//! Rows `loop_*`, `reduce_sum`: a million short items, and what the way of adding them up costs.

use super::looping::{LoopTest, Looper, loopers, serial, static_halves};
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Wrong, check};
use crate::harness::tally;
use crate::workloads::chain::fibonacci_steps;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const GOALS: &[Goal] = &[Goal::against("std threads", 1.03), Goal::FIRST];

pub(super) static ROWS: &[Row] = table! {
    row("loop_chunks", BY_CHUNK,   |s| million(s, Adding::ByChunk)).goals(GOALS);
    row("loop_items",  BY_THREAD,  |s| million(s, Adding::ByThread)).goals(GOALS);
    row("reduce_sum",  BY_LIBRARY, |s| million(s, Adding::ByLibrary)).goals(GOALS);
    row("loop_atomic", AT_ONCE,    |s| million(s, Adding::AtOnce));
    row("loop_bare",   NOT_AT_ALL, |s| million(s, Adding::NotAtAll)).note(BARE);
};

const BY_CHUNK: &str = "1,000,000 Fibonacci loops of 15 steps, entered from outside; one addition to a shared sum for each chunk of 4,096";
const BY_THREAD: &str = "1,000,000 Fibonacci loops of 15 steps, entered from outside; each added to a sum of its thread";
const BY_LIBRARY: &str = "1,000,000 Fibonacci loops of 15 steps, entered from outside; summed by the library's own reduction";
const AT_ONCE: &str =
    "1,000,000 Fibonacci loops of 15 steps, entered from outside; each added to one global atomic";
const NOT_AT_ALL: &str =
    "1,000,000 Fibonacci loops of 15 steps, entered from outside; their results thrown away";
const BARE: &str =
    "The untimed run before adds up and is checked; the timed ones leave nothing to check.";

const fn row(
    name: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ns/item", timed, contenders).required(&[
        "fork_union",
        "orx",
        "rayon",
        "paralight",
    ])
}

const ITEMS: usize = 1_000_000;
const STEPS: u32 = 15;
const CHUNK: usize = 4_096;

/// How the items of a loop reach their sum.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Adding {
    ByChunk,
    ByThread,
    ByLibrary,
    AtOnce,
    NotAtAll,
}

#[derive(Clone, Copy)]
struct Million {
    adding: Adding,
    steps: u32,
    sum: u64,
    repeats: usize,
}

fn million(setting: &Setting, adding: Adding) -> Vec<Contender> {
    let mut test = Million {
        adding,
        // Hidden, or the compiler would solve the recurrence.
        steps: black_box(STEPS),
        sum: 0,
        repeats: setting.repeats(6, 2),
    };
    test.sum = (0..ITEMS)
        .map(|item| test.item(item))
        .fold(0, u64::wrapping_add);
    let mut all = loopers(setting.workers, test);
    all.extend([static_halves(setting.workers, test), serial(test)]);
    all
}

impl Million {
    #[inline(always)]
    fn item(&self, item: usize) -> u64 {
        fibonacci_steps(item as u64, self.steps)
    }

    /// One loop: its time, and its sum where there is one.
    fn run(&self, library: &mut impl Looper, adding: Adding) -> (Duration, u64) {
        let sum = AtomicU64::new(0);
        let time = match adding {
            Adding::ByChunk => library.chunks(ITEMS, CHUNK, |items| {
                let part = items.map(|item| self.item(item));
                sum.fetch_add(part.fold(0, u64::wrapping_add), Relaxed);
            }),
            Adding::ByThread => {
                let time = library.each(ITEMS, |item| tally::add(self.item(item)));
                return (time, tally::take());
            }
            Adding::ByLibrary => return library.sum(ITEMS, |item| self.item(item)),
            Adding::AtOnce => library.each(ITEMS, |item| {
                sum.fetch_add(self.item(item), Relaxed);
            }),
            Adding::NotAtAll => {
                let time = library.each(ITEMS, |item| {
                    black_box(self.item(item));
                });
                return (time, self.sum);
            }
        };
        (time, sum.into_inner())
    }
}

impl LoopTest for Million {
    fn sample(self, library: &mut impl Looper) -> Result<Sample, Wrong> {
        let warm = match self.adding {
            Adding::NotAtAll => Adding::ByThread,
            adding => adding,
        };
        check(self.run(library, warm).1, self.sum)?;
        let mut total = Duration::ZERO;
        for _ in 0..self.repeats {
            let (time, sum) = self.run(library, self.adding);
            check(sum, self.sum)?;
            total += time;
        }
        Ok(Sample::nanoseconds_each(total, self.repeats * ITEMS))
    }
}
