//! Counting what a level allocates: a step per allocation here, the books at each turn.
//!
//! While a level is counted its limit is zero, so that each allocation makes the detour on which one
//! is added, and is then held against the cap.
//! Bytes are the distance the level has gone; they are entered when a tag or a frame begins or
//! ends, or somebody asks.

use core::cell::Cell;

use crate::arena::Arena;
use crate::chunk::ChunkSource;

/// What a level counts. Nothing, if neither a tag is set nor the arena tracked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(usize);

impl Mode {
    pub(crate) const OFF: Self = Self(0);
    const TRACKED: usize = 1;

    pub(crate) fn is_on(self) -> bool {
        self.0 != 0
    }

    pub(crate) fn with_tag(self, tag: usize) -> Self {
        Self((tag + 1) << 1 | self.0 & Self::TRACKED)
    }

    pub(crate) fn tag(self) -> Option<usize> {
        (self.0 >> 1).checked_sub(1)
    }

    #[cfg(feature = "stats")]
    pub(crate) fn tracked(self, on: bool) -> Self {
        Self(self.0 & !Self::TRACKED | usize::from(on))
    }

    #[cfg(feature = "stats")]
    pub(crate) fn is_tracked(self) -> bool {
        self.0 & Self::TRACKED != 0
    }
}

/// A level's counters since they were last entered into the books.
pub(crate) struct Pending {
    /// Bytes in use then.
    pub(crate) used: Cell<usize>,
    /// The level's turn then: each counted allocation is one.
    pub(crate) turn: Cell<usize>,
    /// Bytes that were asked for since.
    #[cfg(feature = "stats")]
    pub(crate) asked: Cell<usize>,
    /// Chunks taken since.
    #[cfg(feature = "stats")]
    pub(crate) chunks: Cell<usize>,
}

impl Pending {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self {
            used: Cell::new(0),
            turn: Cell::new(0),
            #[cfg(feature = "stats")]
            asked: Cell::new(0),
            #[cfg(feature = "stats")]
            chunks: Cell::new(0),
        }
    }
}

impl<S: ChunkSource> Arena<S> {
    /// One more allocation.
    #[inline(always)]
    pub(crate) fn note(&self, bytes: usize) {
        self.turn.set(self.turn.get() + 1);
        #[cfg(feature = "stats")]
        self.pending.asked.set(self.pending.asked.get() + bytes);
        let _ = bytes;
    }

    /// Counts differently from now on.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.enter();
        self.mode.set(mode);
        self.change_limit();
    }

    /// Enters what was counted since the last time into the books.
    pub(crate) fn enter(&self) {
        let (from, to) = (self.pending.used.replace(self.used()), self.used());
        let count = self.turn.get() - self.pending.turn.replace(self.turn.get());
        #[cfg(feature = "stats")]
        let (asked, chunks) = (self.pending.asked.take(), self.pending.chunks.take());
        if !self.mode.get().is_on() || count == 0 && from == to {
            return;
        }
        let (ledger, number) = (self.store().ledger(), self.number());
        if to < from {
            // More was given back than was taken.
            ledger.settle(number, to);
        }
        if let Some(tag) = self.mode.get().tag() {
            ledger.charge(tag, count, number, from.min(to), to);
        }
        #[cfg(feature = "stats")]
        if self.mode.get().is_tracked() {
            let mut in_use = 0;
            self.each_level(|used, _| in_use = used);
            let wasted = (to - from.min(to)).saturating_sub(asked);
            ledger.tracker.count(count, asked, wasted, chunks, in_use);
        }
    }

    /// The level's number in the ledger, from now on.
    pub(crate) fn number(&self) -> usize {
        if self.charged.get() == 0 {
            self.charged.set(self.store().ledger().number());
        }
        self.charged.get()
    }

    /// Strikes out of the books what lies beyond the level's present end; called after `enter`.
    pub(crate) fn settle(&self) {
        self.pending.used.set(self.used());
        if self.charged.get() == 0 {
            return;
        }
        let ledger = self.store().ledger();
        if !ledger.settle(self.charged.get(), self.used()) {
            self.charged.set(0);
        }
        #[cfg(feature = "stats")]
        if self.parent().is_none() {
            ledger.tracker.end_frame(self.used());
        }
    }

    /// Enters what this level and those around it have counted.
    pub(crate) fn enter_all(&self) {
        let mut level = Some(self);
        while let Some(here) = level {
            here.enter();
            level = here.parent();
        }
    }
}
