//! How much an arena or a frame may hand out: a soft mark that tells, and a hard one that refuses.

use core::cell::Cell;
use core::fmt;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::ArenaError;
use crate::refill::Mark;

/// A limit on the bytes that an arena or a frame hands out, padding and nested frames included.
///
/// Costs nothing on the allocation path: the arena lowers the address it compares with anyway.
/// Of two nested frames that are open beside each other, each is measured alone.
#[derive(Clone, Copy)]
pub struct Budget {
    soft: usize,
    hard: usize,
    event: Option<fn(Overrun)>,
    pub(crate) told: bool,
}

/// What is done when a soft mark was crossed, and what it is told.
type Event = (fn(Overrun), Overrun);

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

    pub(crate) fn is_none(&self) -> bool {
        self.soft == usize::MAX && self.hard == usize::MAX
    }

    /// The budget as it was set: its soft mark not yet reported.
    pub(crate) fn afresh(self) -> Self {
        let told = false;
        Self { told, ..self }
    }

    fn awaits_soft(&self) -> bool {
        self.soft != usize::MAX && !self.told
    }

    /// Bytes that may be handed out before somebody has to be told, or nothing more is allowed.
    fn allowance(&self, used: usize) -> usize {
        let nearest = if self.awaits_soft() {
            self.hard.min(self.soft)
        } else {
            self.hard
        };
        nearest.saturating_sub(used)
    }

    /// Why `requested` bytes more are too many, if they are.
    pub(crate) fn refusal(&self, used: usize, requested: usize) -> Option<ArenaError> {
        let limit = self.hard;
        let left = limit.saturating_sub(used);
        (limit != usize::MAX && left < requested).then_some(ArenaError::OverBudget {
            requested,
            left,
            limit,
        })
    }

    /// The event of a soft mark that `used` bytes have crossed, the first time it is asked for.
    pub(crate) fn crossed(&mut self, used: usize) -> Option<Event> {
        if !self.awaits_soft() || used <= self.soft {
            return None;
        }
        self.told = true;
        let limit = self.soft;
        self.event.map(|event| (event, Overrun { limit, used }))
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Budget");
        for (name, limit) in [("soft", self.soft), ("hard", self.hard)] {
            if limit != usize::MAX {
                debug.field(name, &limit);
            }
        }
        debug.finish()
    }
}

impl<S: ChunkSource> Arena<S> {
    /// Limits what this arena, or the nested frame that this is the level of, hands out from now on.
    ///
    /// What was handed out before counts. Survives a reset. An exclusive frame has a budget of its
    /// own: [`Frame::set_budget`](crate::Frame::set_budget).
    pub fn set_budget(&self, budget: Budget) {
        self.budget.set(budget.afresh());
        self.change_limit();
    }

    /// Limits what is handed out after `mark`, until the level goes back there.
    pub(crate) fn set_budget_after(&self, mark: Mark, budget: Budget) {
        let base = self.used_at(mark);
        let ledger = self.store().ledger();
        ledger.lift(self.number(), mark.turn);
        // One turn on, which `change_limit` makes: the frame's end sees that there is something.
        let turn = self.turn.get() + 1;
        ledger.limit(self.number(), turn, base, budget.afresh());
        self.change_limit();
    }

    /// The budget that was set for what is handed out after `mark`.
    pub(crate) fn budget_after(&self, mark: Mark) -> Budget {
        let ledger = self.store().opened_ledger();
        ledger.map_or(Budget::NONE, |ledger| {
            ledger.limit_after(self.charged.get(), mark.turn)
        })
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
        self.each_budget(|used, budget| least = least.min(budget.get().allowance(used)));
        least
    }

    /// Refuses `bytes` more if a hard budget does not allow them, in the tightest one's words.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), ArenaError> {
        let (mut tightest, mut least) = (Ok(()), usize::MAX);
        self.each_budget(|used, budget| {
            if let Some(error) = budget.get().refusal(used, bytes)
                && let ArenaError::OverBudget { left, .. } = error
                && left < least
            {
                (tightest, least) = (Err(error), left);
            }
        });
        tightest
    }

    /// Reports each soft mark that has been crossed and not yet been reported.
    pub(crate) fn tell_soft(&self) {
        while let Some((event, overrun)) = self.next_crossed() {
            event(overrun);
        }
    }

    fn next_crossed(&self) -> Option<Event> {
        let mut crossed = None;
        self.each_budget(|used, cell| {
            if crossed.is_none() {
                let mut budget = cell.get();
                crossed = budget.crossed(used);
                cell.set(budget);
            }
        });
        crossed
    }

    /// Visits the budgets of this level and those around it, and of the exclusive frames in them,
    /// each with the bytes that count against it.
    fn each_budget(&self, mut visit: impl FnMut(usize, &Cell<Budget>)) {
        self.each_level(|used, level| {
            visit(used, &level.budget);
            if level.charged.get() != 0
                && let Some(ledger) = self.store().opened_ledger()
            {
                ledger.each_limit(level.charged.get(), |base, budget| {
                    visit(used.saturating_sub(base), budget);
                });
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
