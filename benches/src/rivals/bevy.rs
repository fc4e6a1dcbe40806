//! bevy_tasks: the caller runs tasks while its scope waits, beside `workers - 1` threads.

/// A pool in which `workers` threads take part.
pub(crate) fn pool(workers: usize) -> bevy_tasks::TaskPool {
    bevy_tasks::TaskPoolBuilder::new()
        .num_threads(workers - 1)
        .build()
}
