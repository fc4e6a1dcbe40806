//! How long a worker without work stays up: it spins, then yields, then sleeps.
//!
//! Budgets are in time, not in turns, since a spin-loop hint costs 14 times more on some processors
//! than on others.

use std::time::Duration;

use bywash_sync::time::Instant;
use bywash_sync::{hint, thread};

/// What idle workers, and waits that find nothing to help with, trade: latency for power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WaitPolicy {
    /// Spin for 50 µs and yield for a millisecond before sleeping: for one system that owns its
    /// machine and is entered many times a frame.
    Latency,
    /// Spin for 5 µs and yield for 50 µs before sleeping.
    #[default]
    Balanced,
    /// Look around once, then sleep.
    Power,
}

impl WaitPolicy {
    fn budgets(self) -> (Duration, Duration) {
        match self {
            Self::Latency => (Duration::from_micros(50), Duration::from_micros(1_050)),
            Self::Balanced => (Duration::from_micros(5), Duration::from_micros(55)),
            Self::Power => (Duration::ZERO, Duration::ZERO),
        }
    }
}

/// What [`Patience::pause`] came to.
#[derive(PartialEq, Eq)]
pub(crate) enum Pause {
    LookAgain,
    Sleep,
}

/// One stretch of looking for work in vain.
pub(crate) struct Patience {
    spin: Duration,
    stay_up: Duration,
    thrift: Duration,
    since: Option<Instant>,
}

/// What reading the clock costs, and a little.
const MEASURING: Duration = Duration::from_nanos(60);

/// What it costs thief and victim to move a job of many.
const MOVING_A_JOB: Duration = Duration::from_nanos(20);

const LEAST_THRIFT: Duration = Duration::from_micros(1);
const MOST_THRIFT: Duration = Duration::from_micros(32);

/// Spin-loop hints between two looks around.
const HINTS: u32 = 8;

impl Patience {
    pub(crate) fn new(policy: WaitPolicy) -> Self {
        let (spin, stay_up) = policy.budgets();
        Self {
            spin,
            stay_up,
            thrift: Duration::ZERO,
            since: None,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.since = None;
    }

    /// So many stolen jobs took `elapsed`. If moving them cost about as much as running them, their victim
    /// is spared.
    pub(crate) fn weigh(&mut self, jobs: usize, elapsed: Duration) {
        if elapsed > MEASURING + MOVING_A_JOB * jobs as u32 {
            self.thrift = Duration::ZERO;
        } else {
            self.spare();
        }
    }

    /// Leaves everybody alone for a while, longer each time in a row.
    fn spare(&mut self) {
        self.thrift = (self.thrift * 2).clamp(LEAST_THRIFT, MOST_THRIFT);
        let until = Instant::now() + self.thrift;
        while Instant::now() < until {
            (0..8 * HINTS).for_each(|_| hint::spin_loop());
        }
    }

    /// Waits a little, or says that it is time to sleep, unless its caller `stays_up`.
    pub(crate) fn pause(&mut self, stays_up: bool) -> Pause {
        let now = Instant::now();
        let waited = now - *self.since.get_or_insert(now);
        if waited >= self.stay_up && !stays_up {
            return Pause::Sleep;
        }
        if waited < self.spin {
            (0..HINTS).for_each(|_| hint::spin_loop());
        } else {
            thread::yield_now();
        }
        Pause::LookAgain
    }
}
