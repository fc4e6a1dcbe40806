//! paralight: a pool of `workers` threads; the caller only waits.

use paralight::prelude::{
    CpuPinningPolicy, ExactParallelSourceExt, IntoExactParallelSource, ParallelIteratorExt,
    RangeStrategy, ThreadCount, ThreadPool, ThreadPoolBuilder,
};

/// A work-stealing pool with `workers` threads.
pub(crate) fn pool(workers: usize) -> ThreadPool {
    ThreadPoolBuilder {
        num_threads: ThreadCount::try_from(workers).expect("a row has at least one worker"),
        range_strategy: RangeStrategy::WorkStealing,
        cpu_pinning: CpuPinningPolicy::No,
    }
    .build()
}

/// Runs `item` for each number below `count`.
pub(crate) fn for_each(pool: &mut ThreadPool, count: usize, item: impl Fn(usize) + Sync) {
    (0..count)
        .into_par_iter()
        .with_thread_pool(pool)
        .for_each(item);
}

/// Sums `item` over each number below `count`.
pub(crate) fn sum(pool: &mut ThreadPool, count: usize, item: impl Fn(usize) -> u64 + Sync) -> u64 {
    (0..count)
        .into_par_iter()
        .with_thread_pool(pool)
        .map(item)
        .reduce(|| 0, u64::wrapping_add)
}
