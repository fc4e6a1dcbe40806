//! forte: one static pool; the caller becomes a worker beside `workers - 1` threads.
//!
//! Its threads stay until their process ends: this version joins its heartbeat thread while it
//! holds the lock that thread waits for, so taking threads away hangs. And the heartbeat ticks as
//! long as there are threads. So each sample of forte is taken in a process of its own.

static POOL: forte::ThreadPool = forte::ThreadPool::new();

/// The pool, in which `workers` threads take part; a process asks for one number only.
pub(crate) fn pool(workers: usize) -> &'static forte::ThreadPool {
    POOL.resize_to(workers - 1);
    &POOL
}

/// Runs `work` as a worker of the pool.
pub(crate) fn inside<R>(workers: usize, work: impl FnOnce(&forte::Worker) -> R) -> R {
    pool(workers).with_worker(work)
}
