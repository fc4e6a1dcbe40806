//! How many units a participant claims at a time: what takes a few microseconds, less near the end.

use std::time::{Duration, Instant};

use super::hints::Partitioner;

/// A chunk that took less is followed by a larger one.
const SHORT: Duration = Duration::from_micros(8);

/// A chunk that took longer is followed by a smaller one.
const LONG: Duration = Duration::from_micros(32);

/// One participant's claims, and the clock that sizes them.
pub(super) struct Pace {
    partitioner: Partitioner,
    chunk: u32,
    /// Since when the present chunk runs. Not read while there is no other chunk to size by it.
    since: Option<Instant>,
    /// Whether a chunk has ended since the clock was read.
    is_due: bool,
}

impl Pace {
    /// Begins with chunks of `first` units.
    pub(super) fn new(partitioner: Partitioner, first: u32) -> Self {
        Self {
            partitioner,
            chunk: first.max(1),
            since: None,
            is_due: false,
        }
    }

    /// How many of `left` units to claim next; from 1 to `left`. Reads the clock if this is neither the
    /// first chunk nor the last.
    #[inline]
    pub(super) fn want(&mut self, left: u32) -> u32 {
        let want = self.want_of(left);
        let is_timed = self.is_due || self.since.is_none() && want < left;
        if !is_timed || self.partitioner != Partitioner::Auto {
            return want;
        }
        self.step_at(Instant::now());
        self.want_of(left)
    }

    fn want_of(&self, left: u32) -> u32 {
        let want = match self.partitioner {
            // A quarter of the rest, unless that is far less than a good chunk.
            Partitioner::Auto => self.chunk.min((left / 4).max(self.chunk / 8)),
            Partitioner::Static => left,
            Partitioner::Guided => left.div_ceil(2),
            Partitioner::Fixed(count) => u32::try_from(count).unwrap_or(u32::MAX),
        };
        want.clamp(1, left)
    }

    /// The same while nobody else takes part: nothing is left for others by a smaller chunk.
    #[inline]
    pub(super) fn want_alone(&self, left: u32) -> u32 {
        match self.partitioner {
            Partitioner::Auto => self.chunk.min(left),
            _ => self.want_of(left),
        }
    }

    /// A chunk has ended.
    #[inline]
    pub(super) fn step(&mut self) {
        self.is_due = true;
    }

    /// A chunk has ended `now`, or the first begins.
    #[inline]
    pub(super) fn step_at(&mut self, now: Instant) {
        self.is_due = false;
        let Some(since) = self.since.replace(now) else {
            return;
        };
        let took = now - since;
        if took < SHORT {
            self.chunk = self.chunk.saturating_mul(2);
        } else if took > LONG {
            self.chunk = (self.chunk / 2).max(1);
        }
    }
}
