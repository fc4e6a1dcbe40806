//! What each worker has done so far: counted where it is cheap, read when somebody asks.

use bywash_sync::atomic::{AtomicU64, Ordering};

/// What one worker has done since the system was built. Numbers lag behind by the jobs of the run
/// that a worker is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Jobs that it ran, forks that were stolen included, forks taken back excluded.
    pub run: u64,
    /// Times that it stole.
    pub steals: u64,
    /// Jobs that it stole.
    pub stolen: u64,
    /// Times that it slept, in a wait or for want of work.
    pub sleeps: u64,
    /// Sleepers that it woke.
    pub wakes: u64,
}

/// The counters behind [`WorkerStats`]. Written by the seat's occupant, with plain loads and stores.
pub(crate) struct Counters {
    run: AtomicU64,
    steals: AtomicU64,
    stolen: AtomicU64,
    sleeps: AtomicU64,
    wakes: AtomicU64,
}

/// Which counter.
#[derive(Clone, Copy)]
pub(crate) enum Did {
    Run,
    Steal,
    Stolen,
    Sleep,
    Wake,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            run: AtomicU64::new(0),
            steals: AtomicU64::new(0),
            stolen: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            wakes: AtomicU64::new(0),
        }
    }

    /// Counts; by the occupant alone.
    pub(crate) fn count(&self, what: Did, times: u64) {
        let counter = match what {
            Did::Run => &self.run,
            Did::Steal => &self.steals,
            Did::Stolen => &self.stolen,
            Did::Sleep => &self.sleeps,
            Did::Wake => &self.wakes,
        };
        counter.store(counter.load(Ordering::Relaxed) + times, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> WorkerStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WorkerStats {
            run: read(&self.run),
            steals: read(&self.steals),
            stolen: read(&self.stolen),
            sleeps: read(&self.sleeps),
            wakes: read(&self.wakes),
        }
    }
}
