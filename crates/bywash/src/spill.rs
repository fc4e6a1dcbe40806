//! Tiered spillover at work: the topology crate's policy, driven by whoever is awake.
//!
//! Workers of closed tiers are not woken and do not steal. As tiers follow the order of workers, the
//! open ones are those below one number. Awake workers tick the policy's clock when they publish and
//! when they search; while all of them are inside long jobs, nothing opens.

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use bywash_sync::lock::Mutex;
use bywash_sync::time::Instant;
use bywash_topology::Plan;
use bywash_topology::spillover::{Decision, Load, Policy, Thresholds};

/// Nanoseconds between two ticks, at least.
const TICK: u64 = 1_000;

/// Which workers may be awake, and the policy that says so.
pub(crate) struct Spillover {
    open: CachePadded<AtomicUsize>,
    next_tick: CachePadded<AtomicU64>,
    /// How often a tier was opened.
    openings: AtomicU64,
    started: Instant,
    policy: Mutex<Driven>,
}

struct Driven {
    policy: Policy,
    /// Since when there has been public work at every tick.
    backlog_since: Option<u64>,
}

/// What a tick looks at.
pub(crate) struct Sight {
    /// Workers that have a job: neither asleep, nor being woken, nor in search of one.
    pub(crate) busy: usize,
    /// Jobs that are public or in the inbox.
    pub(crate) waiting: usize,
    /// Whether a worker at or above the number of open ones is still up.
    pub(crate) is_closed_one_up: bool,
}

impl Spillover {
    pub(crate) fn new(plan: &Plan, thresholds: Thresholds) -> Self {
        let policy = Policy::with_thresholds(plan, thresholds);
        Self {
            open: CachePadded::new(AtomicUsize::new(policy.open_workers())),
            next_tick: CachePadded::new(AtomicU64::new(0)),
            openings: AtomicU64::new(0),
            started: Instant::now(),
            policy: Mutex::new(Driven {
                policy,
                backlog_since: None,
            }),
        }
    }

    /// How many workers, from the first on, may be awake. Relaxed: advice.
    #[inline]
    pub(crate) fn open_workers(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How often a tier was opened.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// Ticks the policy if it is time. Returns whether a tier was opened, so that somebody there
    /// may be woken. One thread ticks; others pass by.
    pub(crate) fn tick(&self, look: impl FnOnce(usize) -> Sight) -> bool {
        let now = self.started.elapsed().as_nanos() as u64;
        if now < self.next_tick.load(Ordering::Relaxed) {
            return false;
        }
        let Ok(mut driven) = self.policy.try_lock() else {
            return false;
        };
        self.next_tick.store(now + TICK, Ordering::Relaxed);
        let sight = look(driven.policy.open_workers());
        let since = match sight.waiting {
            0 => None,
            _ => Some(driven.backlog_since.unwrap_or(now)),
        };
        driven.backlog_since = since;
        let load = Load {
            jobs: sight.busy + sight.waiting,
            oldest_age: since.map_or(0, |since| now - since),
            is_draining_held: sight.is_closed_one_up,
        };
        let decision = driven.policy.tick(now, load);
        self.open
            .store(driven.policy.open_workers(), Ordering::Relaxed);
        let has_opened = matches!(decision, Decision::Open(_));
        if has_opened {
            self.openings.fetch_add(1, Ordering::Relaxed);
        }
        has_opened
    }
}
