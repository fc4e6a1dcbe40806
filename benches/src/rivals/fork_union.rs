//! fork_union: the caller works too; its threads spin between loops, so a pool lives for one sample.

/// A pool in which `workers` threads take part.
pub(crate) fn pool(workers: usize) -> fork_union::ThreadPool {
    fork_union::ThreadPool::try_spawn(workers).expect("a few threads can be started")
}
