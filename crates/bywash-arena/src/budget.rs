//! How much an arena or a frame may hand out: a soft mark that tells, and a hard one that refuses.

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::ArenaError;

/// A limit on the bytes that a level hands out, padding and its nested frames included.
///
/// Costs nothing on the allocation path: the arena lowers the address it compares with anyway.
/// Of two nested frames that are open beside each other, each is measured alone.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    soft: usize,
    hard: usize,
    event: Option<fn(Overrun)>,
    pub(crate) told: bool,
}

/// What the handler of a soft budget is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overrun {
    /// The soft budget, in bytes.
    pub limit: usize,
    /// What has been handed out, the allocation that crossed the mark included.
    pub used: usize,
}

impl Budget {
    /// No limit.
    pub const NONE: Self = Self {
        soft: usize::MAX,
        hard: usize::MAX,
        event: None,
        told: false,
    };

    /// At most `bytes`: an allocation beyond them is refused with [`ArenaError::OverBudget`].
    #[must_use]
    pub const fn hard(bytes: usize) -> Self {
        Self {
            hard: bytes,
            ..Self::NONE
        }
    }

    /// Calls `event` once (again after a reset) when more than `bytes` are handed out.
    ///
    /// The handler runs inside the allocation that crossed the mark, after it succeeded.
    #[must_use]
    pub const fn soft(bytes: usize, event: fn(Overrun)) -> Self {
        Self {
            soft: bytes,
            event: Some(event),
            ..Self::NONE
        }
    }

    /// This budget, with a hard limit as well.
    #[must_use]
    pub const fn and_hard(self, bytes: usize) -> Self {
        Self {
            hard: bytes,
            ..self
        }
    }

    #[cfg(feature = "std")]
    pub(crate) fn is_none(&self) -> bool {
        self.soft == usize::MAX && self.hard == usize::MAX
    }

    fn awaits_soft(&self) -> bool {
        self.soft != usize::MAX && !self.told
    }
}

impl<S: ChunkSource> Arena<S> {
    /// Limits what this arena, or the frame that this is the level of, hands out from now on.
    ///
    /// What was handed out before counts. Survives a reset.
    pub fn set_budget(&self, budget: Budget) {
        self.budget.set(budget);
        self.change_limit();
    }

    /// Makes the limit follow a change of budget or counting.
    pub(crate) fn change_limit(&self) {
        self.enter();
        // A turn that is no allocation: a nested frame that has the range on loan sees, when it
        // ends, that the limit it would restore is of before.
        self.turn.set(self.turn.get() + 1);
        self.pending.turn.set(self.turn.get());
        self.retune();
    }

    /// The budget that was set, [`Budget::NONE`] at first.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget.get()
    }

    /// Bytes until the nearest mark of this level or of one around it.
    pub(crate) fn allowance(&self) -> usize {
        let mut least = usize::MAX;
        self.each_level(|used, level| {
            let budget = level.budget.get();
            least = least.min(budget.hard.saturating_sub(used));
            if budget.awaits_soft() {
                least = least.min(budget.soft.saturating_sub(used));
            }
        });
        least
    }

    /// Refuses `bytes` more if a hard budget does not allow them.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), ArenaError> {
        let mut tightest = None;
        self.each_level(|used, level| {
            let limit = level.budget.get().hard;
            let left = limit.saturating_sub(used);
            if limit != usize::MAX && left < bytes && tightest.is_none_or(|(least, _)| left < least)
            {
                tightest = Some((left, limit));
            }
        });
        match tightest {
            None => Ok(()),
            Some((left, limit)) => Err(ArenaError::OverBudget {
                requested: bytes,
                left,
                limit,
            }),
        }
    }

    /// Reports each soft mark that has been crossed and not yet been reported.
    pub(crate) fn tell_soft(&self) {
        self.each_level(|used, level| {
            let mut budget = level.budget.get();
            if budget.awaits_soft() && used > budget.soft {
                budget.told = true;
                level.budget.set(budget);
                if let Some(event) = budget.event {
                    event(Overrun {
                        limit: budget.soft,
                        used,
                    });
                }
            }
        });
    }

    /// Visits this level and those around it, with the bytes each has handed out in this chain.
    pub(crate) fn each_level(&self, mut visit: impl FnMut(usize, &Self)) {
        let mut used = 0;
        let mut level = Some(self);
        while let Some(here) = level {
            used += here.used();
            visit(used, here);
            level = here.parent();
        }
    }
}
