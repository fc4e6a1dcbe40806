//! The books, when something is in them: bytes by tag, with feature `stats` by frame, and the
//! budgets of frames.
//!
//! Levels [count](crate::count), and enter the sums here. What a frame's end takes back must leave
//! the books too: a *charge* remembers which stretch of which level's bytes a tag has, a *limit*
//! since when it holds, and whoever ends a level's frame strikes out what lies beyond.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::budget::Budget;
#[cfg(feature = "stats")]
use crate::stats::Tracker;
use crate::tag::TagUse;

/// The books of one arena and all of its levels.
pub(crate) struct Ledger {
    tags: RefCell<Vec<TagUse>>,
    charges: RefCell<Vec<Charge>>,
    limits: RefCell<Vec<Limit>>,
    /// Levels that were given a number.
    levels: Cell<usize>,
    #[cfg(feature = "stats")]
    pub(crate) tracker: Tracker,
}

/// The stretch of a level's bytes that one activation of a tag has taken.
struct Charge {
    level: usize,
    tag: usize,
    from: usize,
    to: usize,
}

/// The budget of an exclusive frame, which holds from a turn of its level on.
struct Limit {
    level: usize,
    turn: usize,
    /// Bytes that the level had handed out when the frame began.
    base: usize,
    budget: Cell<Budget>,
}

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            tags: RefCell::new(Vec::new()),
            charges: RefCell::new(Vec::new()),
            limits: RefCell::new(Vec::new()),
            levels: Cell::new(0),
            #[cfg(feature = "stats")]
            tracker: Tracker::new(),
        }
    }

    /// A number for a level that has none yet; levels move, numbers do not.
    pub(crate) fn number(&self) -> usize {
        self.levels.set(self.levels.get() + 1);
        self.levels.get()
    }

    /// The place of a tag, which is made at its first use.
    pub(crate) fn tag(&self, name: &'static str) -> usize {
        TagUse::place(&mut self.tags.borrow_mut(), name)
    }

    /// `count` allocations under a tag, with which the level went from `from` to `to` bytes.
    pub(crate) fn charge(&self, tag: usize, count: usize, level: usize, from: usize, to: usize) {
        self.tags.borrow_mut()[tag].add(count, to - from);
        let mut charges = self.charges.borrow_mut();
        match charges.last_mut() {
            Some(last) if (last.level, last.tag, last.to) == (level, tag, from) => last.to = to,
            _ if from < to => charges.push(Charge {
                level,
                tag,
                from,
                to,
            }),
            _ => {}
        }
    }

    /// Sets the budget of a frame whose level had handed out `base` bytes when it began.
    pub(crate) fn limit(&self, level: usize, turn: usize, base: usize, budget: Budget) {
        let budget = Cell::new(budget);
        self.limits.borrow_mut().push(Limit {
            level,
            turn,
            base,
            budget,
        });
    }

    /// Strikes out the budgets of frames of a level that began at `turn` or later.
    pub(crate) fn lift(&self, level: usize, turn: usize) {
        self.limits
            .borrow_mut()
            .retain(|limit| limit.level != level || limit.turn <= turn);
    }

    /// The budget that the frame of a level which began at `turn` has set.
    pub(crate) fn limit_after(&self, level: usize, turn: usize) -> Budget {
        let limits = self.limits.borrow();
        let mut of_frame = limits.iter().filter(|limit| limit.level == level);
        let found = of_frame.find(|limit| limit.turn > turn);
        found.map_or(Budget::NONE, |limit| limit.budget.get())
    }

    /// Visits the budgets of a level's frames, each with the bytes that came before the frame.
    pub(crate) fn each_limit(&self, level: usize, mut visit: impl FnMut(usize, &Cell<Budget>)) {
        let limits = self.limits.borrow();
        let of_level = limits.iter().filter(|limit| limit.level == level);
        of_level.for_each(|limit| visit(limit.base, &limit.budget));
    }

    /// The level went back to `used` bytes. Says whether entries of it are left.
    pub(crate) fn settle(&self, level: usize, used: usize) -> bool {
        let mut tags = self.tags.borrow_mut();
        let mut left = self
            .limits
            .borrow()
            .iter()
            .any(|limit| limit.level == level);
        self.charges.borrow_mut().retain_mut(|charge| {
            if charge.level != level {
                return true;
            }
            let kept = charge.to.min(used.max(charge.from));
            tags[charge.tag].live -= charge.to - kept;
            charge.to = kept;
            left |= kept > charge.from;
            kept > charge.from
        });
        left
    }

    /// Whether nothing that is alive stands in the books.
    pub(crate) fn is_settled(&self) -> bool {
        self.charges.borrow().is_empty() && self.limits.borrow().is_empty()
    }

    /// Every level went back to nothing, forgotten ones too.
    pub(crate) fn settle_all(&self) {
        self.charges.borrow_mut().clear();
        self.limits.borrow_mut().clear();
        self.tags
            .borrow_mut()
            .iter_mut()
            .for_each(|tag| tag.live = 0);
    }

    pub(crate) fn tag_at(&self, place: usize) -> Option<TagUse> {
        self.tags.borrow().get(place).copied()
    }
}
