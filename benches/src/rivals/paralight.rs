//! paralight: a pool of `workers` threads; the caller only waits.

use paralight::prelude::{
    CpuPinningPolicy, RangeStrategy, ThreadCount, ThreadPool, ThreadPoolBuilder,
};

/// A work-stealing pool with `workers` threads.
pub fn pool(workers: usize) -> ThreadPool {
    ThreadPoolBuilder {
        num_threads: ThreadCount::try_from(workers).expect("a row has at least one worker"),
        range_strategy: RangeStrategy::WorkStealing,
        cpu_pinning: CpuPinningPolicy::No,
    }
    .build()
}
