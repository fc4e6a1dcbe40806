//! forte: one static pool; the caller becomes a worker beside `workers - 1` threads.
//!
//! The threads stay until the row's process ends: this version joins its heartbeat thread while
//! holding the lock that thread waits for, so taking threads away hangs.

static POOL: forte::ThreadPool = forte::ThreadPool::new();

/// The pool, in which `workers` threads take part; a process asks for one number only.
pub fn pool(workers: usize) -> &'static forte::ThreadPool {
    POOL.resize_to(workers - 1);
    &POOL
}

/// Runs `work` as a worker of the pool.
pub fn inside<R>(workers: usize, work: impl FnOnce(&forte::Worker) -> R) -> R {
    pool(workers).with_worker(work)
}
