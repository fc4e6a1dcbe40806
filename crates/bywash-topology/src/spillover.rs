//! Tiered spillover's policy: which tiers are awake, as a state machine on clock and load.

use crate::plan::Plan;

/// What wakes a sleeping thread costs, from the wake-up call to its first instruction: the
/// order of magnitude of a futex wake on an idle core. In nanoseconds; a model's figure.
pub const WAKE_NS: u64 = 5_000;

/// The cache lines that one steal moves between two cores: the victim's ring indices (two),
/// the slot, and the job. A steal's cost is this many times the level's latency.
pub const LINES_PER_STEAL: u64 = 4;

/// By how much longer load must stay low than it had to stay high.
const CLOSE_FACTOR: u64 = 64;

/// When tiers open and close. Times in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thresholds {
    /// For each tier, how long the oldest published work must have waited before the tier
    /// opens: what waking a worker there and its first steal cost. Element 0 is never used.
    pub open_after: Box<[u64]>,
    /// For each tier, how long the load must have stayed below the lower mark before the
    /// tier closes. Element 0 is never used.
    pub close_after: Box<[u64]>,
    /// The lower mark, in percent of what the tiers below the last open one can do.
    /// At most 100, or a tier could open and close at one load.
    pub lower_mark_percent: u8,
}

/// What the workers see at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Jobs that run or wait.
    pub jobs: usize,
    /// How long the oldest published work has waited, in nanoseconds; 0 without such work.
    pub oldest_age: u64,
    /// Whether workers of the tier that drains still hold jobs.
    pub is_draining_held: bool,
}

/// What a tick decided. Tiers are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an opened tier must be woken, a draining one must stop taking work"]
pub enum Decision {
    /// Nothing changes.
    Stay,
    /// The tier opened: its workers may be woken and may steal.
    Open(usize),
    /// The tier is closing: its workers take nothing new and run what they hold.
    Drain(usize),
    /// The tier has drained and is closed: its workers sleep until it opens again.
    Close(usize),
}

/// Which tiers are open, decided tick by tick from the clock and the load.
///
/// Tier 1 is always open. The last open tier's successor opens when the load exceeds the
/// number of workers in the open tiers and the oldest published work has waited longer than
/// a wake and a steal from there cost. The last open tier closes when the load has stayed at
/// or below a lower mark, which lies below what the other tiers can do, for many times as
/// long: between the two marks nothing changes (hysteresis). A closing tier drains first, and
/// opens again at once when the load rises meanwhile.
///
/// It reads no clock and knows no threads. A tick takes constant time and does not allocate.
/// Awake workers drive it: while all of them are inside long jobs, nothing opens.
///
/// ```
/// use bywash_topology::spillover::{Decision, Load, Policy};
/// use bywash_topology::{Beyond, OsNumbering, Placement, Topology};
///
/// let mut machine = Topology::builder();
/// machine.package().node().llc().cores(8, 1).llc().cores(8, 1);
/// let plan = Placement::tiered_spillover().plan(&machine.build()?, 16, Beyond::Error)?;
///
/// let mut policy = Policy::new(&plan);
/// let busy = Load { jobs: 40, oldest_age: 1_000_000, ..Load::default() };
/// assert_eq!(policy.tick(0, busy), Decision::Open(2));
/// assert_eq!(policy.open_workers(), 16);
/// # Ok::<(), bywash_topology::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    /// `capacity[t]` is the number of workers in tiers 1 to t + 1.
    capacity: Box<[usize]>,
    thresholds: Thresholds,
    /// How many tiers are open, the draining one included.
    open: usize,
    is_draining: bool,
    /// Since when the load has been low.
    low_since: Option<u64>,
}

impl Thresholds {
    /// What this plan's machine suggests: a wake and a steal across the tier's level to open,
    /// 64 times that to close, and a lower mark of 50 %.
    pub fn of(plan: &Plan) -> Thresholds {
        let opening = |tier: &crate::Tier| WAKE_NS + LINES_PER_STEAL * tier.level.line_latency_ns();
        let open_after: Box<[u64]> = plan.tiers().iter().map(opening).collect();
        Thresholds {
            close_after: open_after.iter().map(|ns| ns * CLOSE_FACTOR).collect(),
            open_after,
            lower_mark_percent: 50,
        }
    }
}

impl Policy {
    /// The policy for a plan's tiers, with the thresholds its machine suggests; tier 1 open.
    pub fn new(plan: &Plan) -> Policy {
        Policy::with_thresholds(plan, Thresholds::of(plan))
    }

    /// The policy for a plan's tiers with thresholds of your own. Missing elements are taken
    /// as 0; a lower mark above 100 % as 100 %.
    pub fn with_thresholds(plan: &Plan, mut thresholds: Thresholds) -> Policy {
        let capacity: Box<[usize]> = plan.tiers().iter().map(|t| t.workers.end).collect();
        let padded = |times: &[u64]| {
            let tiers = 0..capacity.len();
            tiers
                .map(|tier| times.get(tier).copied().unwrap_or(0))
                .collect()
        };
        thresholds.open_after = padded(&thresholds.open_after);
        thresholds.close_after = padded(&thresholds.close_after);
        thresholds.lower_mark_percent = thresholds.lower_mark_percent.min(100);
        Policy {
            open: capacity.len().min(1),
            capacity,
            thresholds,
            is_draining: false,
            low_since: None,
        }
    }

    /// Looks at the load at time `now` (nanoseconds on a clock that does not go back) and
    /// makes at most one transition. Constant time; does not allocate.
    pub fn tick(&mut self, now: u64, load: Load) -> Decision {
        let last = self.open;
        if self.is_draining {
            return self.tick_draining(last, load);
        }
        if self.wants_next(load) {
            self.open += 1;
            self.low_since = None;
            return Decision::Open(self.open);
        }
        if last < 2 || load.jobs > self.lower_mark(last) {
            self.low_since = None;
            return Decision::Stay;
        }
        let since = *self.low_since.get_or_insert(now);
        if now.saturating_sub(since) < self.thresholds.close_after[last - 1] {
            return Decision::Stay;
        }
        self.is_draining = true;
        self.low_since = None;
        Decision::Drain(last)
    }

    fn tick_draining(&mut self, last: usize, load: Load) -> Decision {
        if load.jobs > self.capacity[last - 2]
            && load.oldest_age > self.thresholds.open_after[last - 1]
        {
            self.is_draining = false;
            return Decision::Open(last);
        }
        if load.is_draining_held {
            return Decision::Stay;
        }
        self.is_draining = false;
        self.open -= 1;
        Decision::Close(last)
    }

    fn wants_next(&self, load: Load) -> bool {
        let next = self.open;
        (1..self.capacity.len()).contains(&next)
            && load.jobs > self.capacity[next - 1]
            && load.oldest_age > self.thresholds.open_after[next]
    }

    /// The load at or below which tier `last` is not needed.
    fn lower_mark(&self, last: usize) -> usize {
        let without = self.capacity[last - 2];
        without * usize::from(self.thresholds.lower_mark_percent) / 100
    }

    /// How many tiers are open; a draining one is not.
    pub fn open_tiers(&self) -> usize {
        self.open - usize::from(self.is_draining)
    }

    /// How many workers the open tiers have: workers with a lower index are open, others
    /// are not.
    pub fn open_workers(&self) -> usize {
        match self.open_tiers() {
            0 => 0,
            open => self.capacity[open - 1],
        }
    }

    /// Whether a tier (numbered from 1) is open: may be woken, and may steal.
    pub fn is_open(&self, tier: usize) -> bool {
        tier <= self.open_tiers()
    }

    /// The tier that drains, if one does.
    pub fn draining_tier(&self) -> Option<usize> {
        self.is_draining.then_some(self.open)
    }

    /// Whether a worker of this tier may sleep only after it has run what it holds.
    pub fn is_awake(&self, tier: usize) -> bool {
        tier <= self.open
    }

    /// The thresholds in force.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }
}
