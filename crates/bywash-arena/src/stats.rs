//! Statistics by frame, for an arena that is being tracked.

use core::cell::Cell;

use crate::arena::Arena;
use crate::chunk::ChunkSource;

/// What was allocated in one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameStats {
    /// Allocations.
    pub allocations: usize,
    /// Bytes that were asked for.
    pub bytes: usize,
    /// The most bytes in use at once, padding and nested frames included.
    pub peak: usize,
    /// Bytes lost to alignment.
    pub wasted: usize,
    /// Allocations that needed another chunk.
    pub overflows: usize,
}

/// What was allocated over all frames since tracking began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// Frames that ended and had allocated anything.
    pub frames: usize,
    /// Allocations in the mean of them.
    pub mean_allocations: f64,
    /// Bytes asked for in the mean of them.
    pub mean_bytes: f64,
    /// The highest `peak` of any.
    pub high_water: usize,
    /// The frame that ended last.
    pub last: FrameStats,
}

/// The counters of one arena.
pub(crate) struct Tracker {
    pub(crate) is_on: Cell<bool>,
    frame: Cell<FrameStats>,
    last: Cell<FrameStats>,
    frames: Cell<usize>,
    allocations: Cell<usize>,
    bytes: Cell<usize>,
    high_water: Cell<usize>,
    /// Bytes that were in use when tracking began: a frame has ended when no more are.
    floor: Cell<usize>,
}

impl Tracker {
    pub(crate) const fn new() -> Self {
        const NONE: FrameStats = FrameStats {
            allocations: 0,
            bytes: 0,
            peak: 0,
            wasted: 0,
            overflows: 0,
        };
        Self {
            is_on: Cell::new(false),
            frame: Cell::new(NONE),
            last: Cell::new(NONE),
            frames: Cell::new(0),
            allocations: Cell::new(0),
            bytes: Cell::new(0),
            high_water: Cell::new(0),
            floor: Cell::new(0),
        }
    }

    pub(crate) fn count(
        &self,
        count: usize,
        asked: usize,
        wasted: usize,
        chunks: usize,
        in_use: usize,
    ) {
        let mut frame = self.frame.get();
        frame.allocations += count;
        frame.bytes += asked;
        frame.peak = frame.peak.max(in_use);
        frame.wasted += wasted;
        frame.overflows += chunks;
        self.frame.set(frame);
    }

    /// The root went back to `used` bytes.
    pub(crate) fn end_frame(&self, used: usize) {
        let frame = self.frame.get();
        if !self.is_on.get() || used > self.floor.get() || frame.allocations == 0 {
            return;
        }
        self.floor.set(used);
        self.frames.set(self.frames.get() + 1);
        self.allocations
            .set(self.allocations.get() + frame.allocations);
        self.bytes.set(self.bytes.get() + frame.bytes);
        self.high_water.set(self.high_water.get().max(frame.peak));
        self.last.set(frame);
        self.frame.take();
    }
}

impl<S: ChunkSource> Arena<S> {
    /// Begins or stops counting what this arena allocates, frame by frame.
    ///
    /// While it is off, counting costs nothing; while it is on, a call on each allocation. A frame
    /// ends when the arena is back at what was in use when tracking began, or below. Nested frames
    /// that are open already are not counted.
    ///
    /// ```
    /// let mut arena = bywash_arena::Arena::new();
    /// arena.track(true);
    /// for count in [1, 2, 3] {
    ///     let frame = arena.begin_frame();
    ///     for _ in 0..count {
    ///         frame.alloc([0u8; 100]);
    ///     }
    /// }
    /// let history = arena.history();
    /// assert_eq!((history.frames, history.mean_bytes), (3, 200.0));
    /// assert_eq!((history.last.allocations, history.last.wasted), (3, 12));
    /// ```
    pub fn track(&self, on: bool) {
        let tracker = &self.store().ledger().tracker;
        if on && !tracker.is_on.get() {
            tracker.floor.set(self.used());
        }
        tracker.is_on.set(on);
        self.set_mode(self.mode.get().tracked(on));
    }

    /// What the frame that is open has allocated since tracking began.
    #[must_use]
    pub fn frame_stats(&self) -> FrameStats {
        self.enter_all();
        let ledger = self.store().opened_ledger();
        ledger.map_or(FrameStats::default(), |ledger| ledger.tracker.frame.get())
    }

    /// What the tracked frames have allocated.
    #[must_use]
    pub fn history(&self) -> History {
        let Some(ledger) = self.store().opened_ledger() else {
            return History::default();
        };
        let tracker = &ledger.tracker;
        let frames = tracker.frames.get();
        let mean = |total: &Cell<usize>| {
            if frames == 0 {
                0.0
            } else {
                total.get() as f64 / frames as f64
            }
        };
        History {
            frames,
            mean_allocations: mean(&tracker.allocations),
            mean_bytes: mean(&tracker.bytes),
            high_water: tracker.high_water.get(),
            last: tracker.last.get(),
        }
    }
}
