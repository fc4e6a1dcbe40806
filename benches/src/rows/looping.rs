//! How any row with a loop is measured: one test, and every library that runs a loop in parallel.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Sample, Wrong};
use crate::ours;
use crate::rivals::{self, std_threads};
use bywash::JobSystem;
use orx_parallel::{IntoParIter, Par};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A library that runs loops; each says how long it took, the entry from outside included.
pub(super) trait Looper {
    /// Calls `body` with each number below `count`.
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration;

    /// Calls `body` with ranges that cover the numbers below `count`: of `chunk` numbers each, or
    /// of what the library makes of that where it cuts by itself.
    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration;

    /// Adds up `item` of each number below `count`, by the library's own reduction where it has one.
    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64);
}

/// What a row does with each of them: one sample, its answers checked.
pub(super) trait LoopTest: Copy + Send + 'static {
    fn sample(self, library: &mut impl Looper) -> Result<Sample, Wrong>;
}

/// Ours and the rivals with a loop.
pub(super) fn loopers(workers: usize, test: impl LoopTest) -> Vec<Contender> {
    vec![
        Contender::ours(move || test.sample(&mut ours::system(workers))),
        Contender::rival("rayon", move || {
            test.sample(&mut rivals::rayon::pool(workers))
        }),
        Contender::rival("fork_union", move || {
            let pool = rivals::fork_union::pool(workers);
            test.sample(&mut ForkUnion::<false>(pool))
        }),
        Contender::rival("fork_union.dynamic", move || {
            let pool = rivals::fork_union::pool(workers);
            test.sample(&mut ForkUnion::<true>(pool))
        }),
        Contender::rival("orx", move || test.sample(&mut Orx { workers })),
        Contender::rival("paralight", move || {
            test.sample(&mut rivals::paralight::pool(workers))
        }),
    ]
}

/// The floor: threads that wait spinning, each with its half.
pub(super) fn static_halves(workers: usize, test: impl LoopTest) -> Contender {
    Contender::floor("std threads", move || {
        test.sample(&mut StdThreads { workers })
    })
}

/// The floor: the loop itself.
pub(super) fn serial(test: impl LoopTest) -> Contender {
    Contender::floor("serial", move || test.sample(&mut Serial))
}

/// The numbers of chunk `which` below `count`.
fn nth_chunk(which: usize, chunk: usize, count: usize) -> Range<usize> {
    which * chunk..((which + 1) * chunk).min(count)
}

fn add_up(items: Range<usize>, item: impl Fn(usize) -> u64) -> u64 {
    items.map(item).fold(0, u64::wrapping_add)
}

/// Runs `work` and says how long it took and what it came to.
fn timed(work: impl FnOnce() -> u64) -> (Duration, u64) {
    let start = Instant::now();
    let sum = work();
    (start.elapsed(), sum)
}

impl Looper for JobSystem {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        stopwatch(|| self.parallel_for(0..count, body))
    }

    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        stopwatch(|| self.parallel_for_chunks(0..count, chunk, body))
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        let fold = |sum: u64, i| sum.wrapping_add(item(i));
        timed(|| self.parallel_reduce(0..count, || 0, fold, u64::wrapping_add))
    }
}

impl Looper for rayon::ThreadPool {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        stopwatch(|| self.install(|| (0..count).into_par_iter().for_each(body)))
    }

    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        let chunks = (0..count.div_ceil(chunk)).into_par_iter();
        stopwatch(|| self.install(|| chunks.for_each(|which| body(nth_chunk(which, chunk, count)))))
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        let items = (0..count).into_par_iter().map(item);
        timed(|| self.install(|| items.reduce(|| 0, u64::wrapping_add)))
    }
}

/// fork_union, its loops cut beforehand or, where dynamic, item by item.
struct ForkUnion<const IS_DYNAMIC: bool>(fork_union::ThreadPool);

/// One thread's part of a sum, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Part(AtomicU64);

impl<const IS_DYNAMIC: bool> Looper for ForkUnion<IS_DYNAMIC> {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        let item = |prong: fork_union::Prong| body(prong.task_index);
        stopwatch(|| {
            if IS_DYNAMIC {
                drop(self.0.for_n_dynamic(count, item));
            } else {
                drop(self.0.for_n(count, item));
            }
        })
    }

    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        stopwatch(|| {
            if IS_DYNAMIC {
                let chunks = count.div_ceil(chunk);
                drop(self.0.for_n_dynamic(chunks, |prong| {
                    body(nth_chunk(prong.task_index, chunk, count));
                }));
            } else {
                drop(self.0.for_slices(count, |prong, length| {
                    body(prong.task_index..prong.task_index + length);
                }));
            }
        })
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        let parts: Vec<Part> = (0..self.0.threads()).map(|_| Part::default()).collect();
        let add = |thread: usize, value: u64| {
            let part = &parts[thread].0;
            part.store(part.load(Relaxed).wrapping_add(value), Relaxed);
        };
        timed(|| {
            if IS_DYNAMIC {
                drop(self.0.for_n_dynamic(count, |prong| {
                    add(prong.thread_index, item(prong.task_index));
                }));
            } else {
                drop(self.0.for_slices(count, |prong, length| {
                    let items = prong.task_index..prong.task_index + length;
                    add(prong.thread_index, add_up(items, item));
                }));
            }
            add_up(0..parts.len(), |thread| parts[thread].0.load(Relaxed))
        })
    }
}

/// orx-parallel, which starts its threads for each loop.
struct Orx {
    workers: usize,
}

impl Looper for Orx {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        stopwatch(|| {
            (0..count)
                .into_par()
                .num_threads(self.workers)
                .for_each(body)
        })
    }

    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        let chunks = (0..count.div_ceil(chunk)).into_par();
        let chunks = chunks.num_threads(self.workers).chunk_size(1);
        stopwatch(|| chunks.for_each(|which| body(nth_chunk(which, chunk, count))))
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        let items = (0..count).into_par().num_threads(self.workers).map(item);
        timed(|| items.reduce(u64::wrapping_add).unwrap_or(0))
    }
}

impl Looper for paralight::prelude::ThreadPool {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        stopwatch(|| rivals::paralight::for_each(self, count, body))
    }

    fn chunks(
        &mut self,
        count: usize,
        chunk: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        let chunks = count.div_ceil(chunk);
        let run = |which| body(nth_chunk(which, chunk, count));
        stopwatch(|| rivals::paralight::for_each(self, chunks, run))
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        timed(|| rivals::paralight::sum(self, count, item))
    }
}

/// Plain threads, which are timed from when all of them are running.
struct StdThreads {
    workers: usize,
}

impl Looper for StdThreads {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        self.chunks(count, count, |items| items.for_each(&body))
    }

    fn chunks(
        &mut self,
        count: usize,
        _: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        std_threads::timed(self.workers, |index| {
            body(std_threads::share(count, self.workers, index));
        })
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        let sum = AtomicU64::new(0);
        let time = self.chunks(count, count, |items| {
            sum.fetch_add(add_up(items, item), Relaxed);
        });
        (time, sum.into_inner())
    }
}

/// One thread. How far it goes is hidden, so that nothing is worked out beforehand.
pub(super) struct Serial;

impl Looper for Serial {
    fn each(&mut self, count: usize, body: impl Fn(usize) + Send + Sync + Copy) -> Duration {
        self.chunks(count, count, |items| items.for_each(&body))
    }

    fn chunks(
        &mut self,
        count: usize,
        _: usize,
        body: impl Fn(Range<usize>) + Send + Sync + Copy,
    ) -> Duration {
        stopwatch(|| body(0..std::hint::black_box(count)))
    }

    fn sum(
        &mut self,
        count: usize,
        item: impl Fn(usize) -> u64 + Send + Sync + Copy,
    ) -> (Duration, u64) {
        timed(|| add_up(0..std::hint::black_box(count), item))
    }
}
