//! What each worker has done so far: counted where it is cheap, read when somebody asks.

use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_topology::Level;

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
    /// Times that it slept in a wait, counted as it lies down.
    pub sleeps: u64,
    /// Times that it slept for want of work, counted when it is woken.
    pub parked: u64,
    /// Sleepers that it woke.
    pub wakes: u64,
    steals_at: [u64; Level::ALL.len()],
}

impl WorkerStats {
    /// Times that it stole from a victim as near as `level`. All zero without a placement, and for what
    /// is stolen from or by guests: where they run is not known.
    pub fn steals_at(&self, level: Level) -> u64 {
        self.steals_at[place_of(level)]
    }

    /// The sums of two workers.
    fn plus(mut self, other: &Self) -> Self {
        self.run += other.run;
        self.steals += other.steals;
        self.stolen += other.stolen;
        self.sleeps += other.sleeps;
        self.parked += other.parked;
        self.wakes += other.wakes;
        for (mine, its) in self.steals_at.iter_mut().zip(other.steals_at) {
            *mine += its;
        }
        self
    }
}

/// What a system has done since it was built: its workers and its guests together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SystemStats {
    /// The sums of all who work or worked in it.
    pub total: WorkerStats,
    /// Times that a tier was opened.
    pub tiers_opened: u64,
    /// How many workers, from the first on, may be awake now.
    pub open_workers: usize,
}

/// Where a level's count lies.
fn place_of(level: Level) -> usize {
    usize::from(level.number()) - 1
}

/// The counters behind [`WorkerStats`]. Written by the seat's occupant, with plain loads and stores.
pub(crate) struct Counters {
    run: AtomicU64,
    steals: AtomicU64,
    stolen: AtomicU64,
    sleeps: AtomicU64,
    parked: AtomicU64,
    wakes: AtomicU64,
    steals_at: [AtomicU64; Level::ALL.len()],
}

/// Which counter.
#[derive(Clone, Copy)]
pub(crate) enum Did {
    Run,
    Steal,
    StealAt(Level),
    Stolen,
    Sleep,
    Park,
    Wake,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            run: zero(),
            steals: zero(),
            stolen: zero(),
            sleeps: zero(),
            parked: zero(),
            wakes: zero(),
            steals_at: std::array::from_fn(|_| zero()),
        }
    }

    /// Counts; by the occupant alone.
    pub(crate) fn count(&self, what: Did, times: u64) {
        let counter = match what {
            Did::Run => &self.run,
            Did::Steal => &self.steals,
            Did::StealAt(level) => &self.steals_at[place_of(level)],
            Did::Stolen => &self.stolen,
            Did::Sleep => &self.sleeps,
            Did::Park => &self.parked,
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
            parked: read(&self.parked),
            wakes: read(&self.wakes),
            steals_at: std::array::from_fn(|place| read(&self.steals_at[place])),
        }
    }
}

impl crate::system::System {
    /// What all have done together.
    pub(crate) fn stats(&self) -> SystemStats {
        let workers = self.all_seats().map(|seat| seat.counters.read());
        SystemStats {
            total: workers.fold(WorkerStats::default(), |sum, worker| sum.plus(&worker)),
            tiers_opened: self.spillover().map_or(0, |spillover| spillover.openings()),
            open_workers: self.open_workers(),
        }
    }
}
