//! What is counted, when something is: bytes by tag, and with feature `stats`, by frame.
//!
//! Levels [count](crate::count), and enter the sums here. What a frame's end takes back must leave
//! the books too: a *charge* remembers which stretch of which level's bytes a tag has, and whoever
//! ends a level's frame strikes out what lies beyond.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

#[cfg(feature = "stats")]
use crate::stats::Tracker;
use crate::tag::TagUse;

/// The books of one arena and all of its levels.
pub(crate) struct Ledger {
    tags: RefCell<Vec<TagUse>>,
    charges: RefCell<Vec<Charge>>,
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

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            tags: RefCell::new(Vec::new()),
            charges: RefCell::new(Vec::new()),
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
        let mut tags = self.tags.borrow_mut();
        if let Some(place) = tags.iter().position(|tag| tag.name == name) {
            return place;
        }
        tags.push(TagUse::new(name));
        tags.len() - 1
    }

    /// `count` allocations under a tag, with which the level went from `from` to `to` bytes.
    pub(crate) fn charge(&self, tag: usize, count: usize, level: usize, from: usize, to: usize) {
        let entry = &mut self.tags.borrow_mut()[tag];
        entry.count += count;
        entry.bytes += to - from;
        entry.live += to - from;
        entry.peak = entry.peak.max(entry.live);
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

    /// The level went back to `used` bytes. Says whether charges of it are left.
    pub(crate) fn settle(&self, level: usize, used: usize) -> bool {
        let mut tags = self.tags.borrow_mut();
        let mut left = false;
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

    /// Every level went back to nothing, forgotten ones too.
    pub(crate) fn settle_all(&self) {
        self.charges.borrow_mut().clear();
        self.tags
            .borrow_mut()
            .iter_mut()
            .for_each(|tag| tag.live = 0);
    }

    pub(crate) fn tag_at(&self, place: usize) -> Option<TagUse> {
        self.tags.borrow().get(place).copied()
    }
}
