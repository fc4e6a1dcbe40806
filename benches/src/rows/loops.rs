//! Rows `loop_*`, `reduce_sum`: a million short items, and what the way of adding them up costs.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Wrong, check};
use crate::harness::tally;
use crate::ours;
use crate::rivals::{self, std_threads};
use crate::workloads::chain::fibonacci_steps;
use orx_parallel::{IntoParIter, Par};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const ITEMS: usize = 1_000_000;
const STEPS: u32 = 15;
/// Items in a chunk, for libraries that are told.
const CHUNK: usize = 4_096;

const fn row(
    name: &'static str,
    timed: &'static str,
    goals: &'static [Goal],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ns/item", timed, contenders)
        .required(&["fork_union", "orx", "rayon", "paralight"])
        .goals(goals)
}

const GOALS: &[Goal] = &[Goal::against("std threads", 1.03), Goal::FIRST];

pub(super) static ROWS: &[Row] = &[
    row(
        "loop_chunks",
        "1,000,000 Fibonacci loops of 15 steps, one addition to a shared sum for each chunk",
        GOALS,
        chunks,
    ),
    row(
        "loop_items",
        "1,000,000 Fibonacci loops of 15 steps, each added to a sum of its thread",
        GOALS,
        items,
    ),
    row(
        "reduce_sum",
        "1,000,000 Fibonacci loops of 15 steps, summed by the library's own reduction",
        GOALS,
        reduction,
    ),
    row(
        "loop_atomic",
        "1,000,000 Fibonacci loops of 15 steps, each added to one global atomic",
        &[],
        atomic,
    ),
    row(
        "loop_bare",
        "1,000,000 Fibonacci loops of 15 steps, their results thrown away",
        &[],
        bare,
    ),
];

/// The loop as a library sees it.
#[derive(Clone, Copy)]
struct Loop {
    steps: u32,
    sum: u64,
    repeats: usize,
}

impl Loop {
    fn new(setting: &Setting) -> Self {
        let steps = black_box(STEPS);
        Self {
            steps,
            sum: (0..ITEMS)
                .map(|item| fibonacci_steps(item as u64, steps))
                .fold(0, u64::wrapping_add),
            repeats: setting.repeats(6, 2),
        }
    }

    #[inline(always)]
    fn item(&self, item: usize) -> u64 {
        fibonacci_steps(item as u64, self.steps)
    }

    #[inline(always)]
    fn range(&self, items: Range<usize>) -> u64 {
        items.map(|item| self.item(item)).fold(0, u64::wrapping_add)
    }

    /// Times `run`, which says its own time and its sum, after one run to warm up.
    fn sample(&self, mut run: impl FnMut() -> (Duration, u64)) -> Result<Sample, Wrong> {
        check(run().1, self.sum)?;
        let mut total = Duration::ZERO;
        for _ in 0..self.repeats {
            let (time, sum) = run();
            check(sum, self.sum)?;
            total += time;
        }
        Ok(Sample::nanoseconds_each(total, self.repeats * ITEMS))
    }
}

/// How the items of a loop reach their sum.
trait Adding: Copy + Send + Sync + 'static {
    /// Takes one item's result.
    fn add(value: u64);
    /// What was added since the last call.
    fn total(l: &Loop) -> u64;
}

/// To a sum of the thread.
#[derive(Clone, Copy)]
struct ToThread;

impl Adding for ToThread {
    #[inline(always)]
    fn add(value: u64) {
        tally::add(value);
    }

    fn total(_: &Loop) -> u64 {
        tally::take()
    }
}

/// To one global atomic.
#[derive(Clone, Copy)]
struct ToGlobal;

static GLOBAL: AtomicU64 = AtomicU64::new(0);

impl Adding for ToGlobal {
    #[inline(always)]
    fn add(value: u64) {
        GLOBAL.fetch_add(value, Relaxed);
    }

    fn total(_: &Loop) -> u64 {
        GLOBAL.swap(0, Relaxed)
    }
}

/// Nowhere. The same loop is checked by the other rows; here nothing is left to check.
#[derive(Clone, Copy)]
struct Nowhere;

impl Adding for Nowhere {
    #[inline(always)]
    fn add(value: u64) {
        black_box(value);
    }

    fn total(l: &Loop) -> u64 {
        l.sum
    }
}

fn items(setting: &Setting) -> Vec<Contender> {
    one_by_one::<ToThread>(setting)
}

fn atomic(setting: &Setting) -> Vec<Contender> {
    one_by_one::<ToGlobal>(setting)
}

fn bare(setting: &Setting) -> Vec<Contender> {
    one_by_one::<Nowhere>(setting)
}

fn one_by_one<A: Adding>(setting: &Setting) -> Vec<Contender> {
    let l = Loop::new(setting);
    let workers = setting.workers;
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            l.sample(|| {
                let time = stopwatch(|| system.parallel_for(0..ITEMS, |i| A::add(l.item(i))));
                (time, A::total(&l))
            })
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            l.sample(|| {
                let time = stopwatch(|| {
                    pool.install(|| (0..ITEMS).into_par_iter().for_each(|i| A::add(l.item(i))));
                });
                (time, A::total(&l))
            })
        }),
        Contender::rival("fork_union", move || {
            let mut pool = rivals::fork_union::pool(workers);
            l.sample(|| {
                let time = stopwatch(|| {
                    drop(pool.for_n(ITEMS, |prong| A::add(l.item(prong.task_index))));
                });
                (time, A::total(&l))
            })
        }),
        Contender::rival("orx", move || {
            l.sample(|| {
                let time = stopwatch(|| {
                    (0..ITEMS)
                        .into_par()
                        .num_threads(workers)
                        .for_each(|i| A::add(l.item(i)));
                });
                (time, A::total(&l))
            })
        }),
        Contender::rival("paralight", move || {
            let mut pool = rivals::paralight::pool(workers);
            l.sample(|| {
                let time = stopwatch(|| {
                    rivals::paralight::for_each(&mut pool, ITEMS, |i| A::add(l.item(i)));
                });
                (time, A::total(&l))
            })
        }),
        Contender::floor("std threads", move || {
            l.sample(|| {
                let time = std_threads::timed(workers, |index| {
                    std_threads::share(ITEMS, workers, index).for_each(|i| A::add(l.item(i)));
                });
                (time, A::total(&l))
            })
        }),
        Contender::floor("serial", move || {
            l.sample(|| {
                let time = stopwatch(|| (0..ITEMS).for_each(|i| A::add(l.item(i))));
                (time, A::total(&l))
            })
        }),
    ]
}

fn chunks(setting: &Setting) -> Vec<Contender> {
    let l = Loop::new(setting);
    let workers = setting.workers;
    let whole = |chunk: usize| chunk * CHUNK..((chunk + 1) * CHUNK).min(ITEMS);
    const CHUNKS: usize = ITEMS.div_ceil(CHUNK);
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = stopwatch(|| {
                    system.parallel_for_chunks(0..ITEMS, CHUNK, |items| {
                        sum.fetch_add(l.range(items), Relaxed);
                    });
                });
                (time, sum.into_inner())
            })
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = stopwatch(|| {
                    pool.install(|| {
                        (0..ITEMS)
                            .into_par_iter()
                            .with_min_len(CHUNK)
                            .fold(|| 0, |sum: u64, i| sum.wrapping_add(l.item(i)))
                            .for_each(|part| {
                                sum.fetch_add(part, Relaxed);
                            });
                    });
                });
                (time, sum.into_inner())
            })
        }),
        Contender::rival("fork_union", move || {
            let mut pool = rivals::fork_union::pool(workers);
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = stopwatch(|| {
                    drop(pool.for_slices(ITEMS, |prong, count| {
                        let part = l.range(prong.task_index..prong.task_index + count);
                        sum.fetch_add(part, Relaxed);
                    }));
                });
                (time, sum.into_inner())
            })
        }),
        Contender::rival("orx", move || {
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = stopwatch(|| {
                    (0..CHUNKS)
                        .into_par()
                        .num_threads(workers)
                        .chunk_size(1)
                        .for_each(|chunk| {
                            sum.fetch_add(l.range(whole(chunk)), Relaxed);
                        });
                });
                (time, sum.into_inner())
            })
        }),
        Contender::rival("paralight", move || {
            let mut pool = rivals::paralight::pool(workers);
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = stopwatch(|| {
                    rivals::paralight::for_each(&mut pool, CHUNKS, |chunk| {
                        sum.fetch_add(l.range(whole(chunk)), Relaxed);
                    });
                });
                (time, sum.into_inner())
            })
        }),
        Contender::floor("std threads", move || {
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = std_threads::timed(workers, |index| {
                    sum.fetch_add(l.range(std_threads::share(ITEMS, workers, index)), Relaxed);
                });
                (time, sum.into_inner())
            })
        }),
        serial(l),
    ]
}

fn serial(l: Loop) -> Contender {
    Contender::floor("serial", move || {
        l.sample(|| {
            let start = Instant::now();
            let sum = l.range(0..black_box(ITEMS));
            (start.elapsed(), sum)
        })
    })
}

fn reduction(setting: &Setting) -> Vec<Contender> {
    let l = Loop::new(setting);
    let workers = setting.workers;
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            l.sample(|| {
                let start = Instant::now();
                let sum = system.parallel_reduce(
                    0..ITEMS,
                    || 0,
                    |sum: u64, i| sum.wrapping_add(l.item(i)),
                    u64::wrapping_add,
                );
                (start.elapsed(), sum)
            })
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            l.sample(|| {
                let start = Instant::now();
                let sum = pool.install(|| {
                    (0..ITEMS)
                        .into_par_iter()
                        .map(|i| l.item(i))
                        .reduce(|| 0, u64::wrapping_add)
                });
                (start.elapsed(), sum)
            })
        }),
        Contender::rival("fork_union", move || {
            #[repr(align(128))]
            #[derive(Default)]
            struct Part(AtomicU64);
            let mut pool = rivals::fork_union::pool(workers);
            let parts: Vec<Part> = (0..workers).map(|_| Part::default()).collect();
            l.sample(|| {
                let start = Instant::now();
                drop(pool.for_slices(ITEMS, |prong, count| {
                    let part = l.range(prong.task_index..prong.task_index + count);
                    parts[prong.thread_index].0.store(part, Relaxed);
                }));
                let sum = parts
                    .iter()
                    .map(|part| part.0.load(Relaxed))
                    .fold(0, u64::wrapping_add);
                (start.elapsed(), sum)
            })
        }),
        Contender::rival("orx", move || {
            l.sample(|| {
                let start = Instant::now();
                let sum = (0..ITEMS)
                    .into_par()
                    .num_threads(workers)
                    .map(|i| l.item(i))
                    .reduce(u64::wrapping_add)
                    .unwrap_or(0);
                (start.elapsed(), sum)
            })
        }),
        Contender::rival("paralight", move || {
            let mut pool = rivals::paralight::pool(workers);
            l.sample(|| {
                let start = Instant::now();
                let sum = rivals::paralight::sum(&mut pool, ITEMS, |i| l.item(i));
                (start.elapsed(), sum)
            })
        }),
        Contender::floor("std threads", move || {
            l.sample(|| {
                let sum = AtomicU64::new(0);
                let time = std_threads::timed(workers, |index| {
                    sum.fetch_add(l.range(std_threads::share(ITEMS, workers, index)), Relaxed);
                });
                (time, sum.into_inner())
            })
        }),
        serial(l),
    ]
}
