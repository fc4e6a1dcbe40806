//! What a caller may say about a loop: how to cut it, and how heavy its body is.

/// How a loop is cut into chunks. The default suits all but the rarest loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Partitioner {
    /// Chunks grow until one takes a few microseconds, and shrink near the end.
    #[default]
    Auto,
    /// One equal slice for each worker, claimed at once: for bodies of even cost on an idle machine.
    Static,
    /// Half of what a worker has left, each time (after Polychronopoulos and Kuck, *Guided
    /// self-scheduling*, 1987).
    Guided,
    /// This many at a time, at least 1.
    Fixed(usize),
}

/// What one call of a loop's body takes, roughly: believed instead of what is remembered of its last
/// loop. What is seen while the loop runs corrects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Granularity {
    /// A few instructions: about a nanosecond.
    Trivial,
    /// Tens of nanoseconds.
    Light,
    /// About a microsecond.
    Moderate,
    /// Tens of microseconds or more: every call is worth a worker, and the loop is open to others
    /// from its first call on, whether or not anybody looks idle then.
    Heavy,
}

impl Granularity {
    pub(super) fn nanos(self) -> f64 {
        match self {
            Self::Trivial => 1.0,
            Self::Light => 30.0,
            Self::Moderate => 1_000.0,
            Self::Heavy => 50_000.0,
        }
    }
}

/// Everything a caller may say about a loop, for [`Context::parallel_for_by`]. Hints change how fast
/// a loop is, never what it does.
///
/// [`Context::parallel_for_by`]: crate::Context::parallel_for_by
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LoopHints {
    /// How the loop is cut.
    pub partitioner: Partitioner,
    /// How heavy its body is, if that is known.
    pub granularity: Option<Granularity>,
}

impl LoopHints {
    /// Refuses what cannot make progress.
    pub(super) fn checked(self) -> Self {
        assert!(
            self.partitioner != Partitioner::Fixed(0),
            "a partitioner of Fixed(0) makes no progress: pass 1 or more, or use Auto"
        );
        self
    }
}

impl From<Partitioner> for LoopHints {
    fn from(partitioner: Partitioner) -> Self {
        Self {
            partitioner,
            ..Self::default()
        }
    }
}

impl From<Granularity> for LoopHints {
    fn from(granularity: Granularity) -> Self {
        Self {
            granularity: Some(granularity),
            ..Self::default()
        }
    }
}

impl From<(Partitioner, Granularity)> for LoopHints {
    fn from((partitioner, granularity): (Partitioner, Granularity)) -> Self {
        Self {
            partitioner,
            granularity: Some(granularity),
        }
    }
}
