//! The project's own entries: one default configuration for every row, but for the number of workers.

use bywash::{Context, JobSystem};

/// A system with `workers` seats, as its builder makes it.
pub(crate) fn system(workers: usize) -> JobSystem {
    JobSystem::builder()
        .workers(workers)
        .build()
        .expect("a few workers can be had")
}

/// Runs `work` inside a frame of a fresh system.
pub(crate) fn inside<R>(workers: usize, work: impl for<'frame> FnOnce(&Context<'frame>) -> R) -> R {
    system(workers).frame(|frame| work(frame))
}
