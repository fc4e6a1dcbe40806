//! rayon: a pool of `workers` threads; work is installed, so the caller only waits.

/// A pool with `workers` threads.
pub(crate) fn pool(workers: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .expect("a few threads can be started")
}

/// Runs `work` on a worker of a fresh pool.
pub(crate) fn inside<R: Send>(workers: usize, work: impl FnOnce() -> R + Send) -> R {
    pool(workers).install(work)
}
