//! Stretches in which latency is worth more than power: workers stay up.

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicUsize, Ordering};

use crate::jobs::JobSystem;
use crate::system::System;

/// How many such stretches there are just now: read by whoever is about to sleep, rarely written.
#[derive(Default)]
pub(crate) struct Stretches(CachePadded<AtomicUsize>);

impl Stretches {
    // Relaxed: whoever is told too late sleeps once more, and is woken by the next job as ever.
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// While it lives, workers that find nothing look on instead of sleeping. Made by
/// [`JobSystem::latency_critical`]. One that is forgotten keeps them up until their system ends.
#[must_use = "the stretch ends when its guard is dropped"]
pub struct LatencyGuard<'system> {
    system: &'system System,
}

impl JobSystem {
    /// Begins a stretch in which no job shall wait for somebody to wake up: wakes the workers of all open
    /// tiers, and keeps them and whoever waits for jobs up, whatever the [`WaitPolicy`](crate::WaitPolicy),
    /// until the last such guard is gone. They spin and yield meanwhile: a processor's time for each.
    ///
    /// Wakes each sleeper by one system call, or three where it has to be kept off the caller's processor;
    /// allocates nothing, and does not block. A worker that is
    /// about to fall asleep at this very moment may sleep on until there is a job.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let critical = jobs.latency_critical();
    /// for _step in 0..10 {
    ///     jobs.frame(|frame| frame.spawn_detached(|_| { /* begins at once */ }));
    ///     // What lies between two frames lets nobody fall asleep.
    /// }
    /// drop(critical);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn latency_critical(&self) -> LatencyGuard<'_> {
        let system = self.system();
        system.stretches().0.fetch_add(1, Ordering::Relaxed);
        system.rouse_all_open();
        LatencyGuard { system }
    }
}

impl Drop for LatencyGuard<'_> {
    fn drop(&mut self) {
        self.system.stretches().0.fetch_sub(1, Ordering::Relaxed);
    }
}
