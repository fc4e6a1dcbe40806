//! One participant's part of a loop: a range of units in one word, cut from both ends.
//!
//! The participant takes chunks off the front, others take the back half. Every cut is one
//! compare-and-swap on the whole value: the word is the set of units that nobody has claimed, so a
//! word that came back to an earlier value means just what it says.

use std::ops::Range;

use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_sync::mutant;

/// Units that nobody has claimed yet. Relaxed throughout: a claim passes no data; the descriptor came
/// with the ticket, and what bodies do is published by the loop's count of units done.
pub(super) struct Slice(AtomicU64);

const fn pack(units: &Range<u32>) -> u64 {
    (units.end as u64) << 32 | units.start as u64
}

const fn unpack(word: u64) -> Range<u32> {
    word as u32..(word >> 32) as u32
}

impl Slice {
    pub(super) fn new(units: Range<u32>) -> Self {
        Self(AtomicU64::new(pack(&units)))
    }

    /// Claims units at the front: as many as `want` says, from 1 to those that are left.
    #[inline]
    pub(super) fn take_front(&self, mut want: impl FnMut(u32) -> u32) -> Option<Range<u32>> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let units = unpack(word);
            if units.is_empty() {
                return None;
            }
            let left = units.end - units.start;
            let cut = units.start + want(left);
            match self.exchange(word, &(cut..units.end)) {
                Ok(_) => return Some(units.start..cut),
                Err(other) => word = other,
            }
        }
    }

    /// Claims the back half, rounded up.
    pub(super) fn take_back_half(&self) -> Option<Range<u32>> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let units = unpack(word);
            if units.is_empty() {
                return None;
            }
            let cut = units.start + (units.end - units.start) / 2;
            match self.exchange(word, &(units.start..cut)) {
                Ok(_) => return Some(cut..units.end),
                Err(other) => word = other,
            }
        }
    }

    /// Puts claimed units up for anybody again, if this slice is empty.
    pub(super) fn put(&self, units: &Range<u32>) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        let is_empty = unpack(word).is_empty() || mutant("loop.put.look");
        is_empty && self.exchange(word, units).is_ok()
    }

    /// The one way to change a slice: claims what `units` has not, or gives it what it had not.
    fn exchange(&self, word: u64, units: &Range<u32>) -> Result<u64, u64> {
        if mutant("loop.claim") {
            self.0.store(pack(units), Ordering::Relaxed);
            return Ok(word);
        }
        self.0
            .compare_exchange(word, pack(units), Ordering::Relaxed, Ordering::Relaxed)
    }
}
