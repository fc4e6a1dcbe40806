//! Maps a range into a vector: each result is written where it will stay.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bywash_sync::atomic::{AtomicBool, Ordering};

use super::blocks::Blocks;
use crate::context::Context;

impl<'frame> Context<'frame> {
    /// A vector of what `value` makes of each index of `range`, in order. The one allocation is the
    /// vector's own, but for a byte a block (at most 4,096) while it runs.
    ///
    /// # Panics
    /// With a panic of `value`, after every started block has ended; what was made is then dropped.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let squares = jobs.parallel_map_collect(0..5, |i| i * i);
    /// assert_eq!(squares, [0, 1, 4, 9, 16]);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_map_collect<T: Send>(
        &self,
        range: Range<usize>,
        value: impl Fn(usize) -> T + Sync,
    ) -> Vec<T> {
        let len = range.end.saturating_sub(range.start);
        let mut values = Vec::with_capacity(len);
        let room = &mut values.spare_capacity_mut()[..len];
        self.fill_blocks(range.start, room, &value);
        // SAFETY: the loop returned, so each block is filled.
        unsafe { values.set_len(len) };
        values
    }

    /// Fills `room`; if that panics, drops what was made.
    fn fill_blocks<T: Send>(
        &self,
        start: usize,
        room: &mut [MaybeUninit<T>],
        value: &(impl Fn(usize) -> T + Sync),
    ) {
        let blocks = Blocks::of(0..room.len());
        let full: Box<[AtomicBool]> = (0..blocks.count())
            .map(|_| AtomicBool::new(false))
            .collect();
        let size = blocks.len();
        let filled = catch_unwind(AssertUnwindSafe(|| {
            self.par_chunks_mut(room, size, |first, block| {
                let mut filling = Filling { block, filled: 0 };
                for index in 0..filling.block.len() {
                    filling.block[index].write(value(start + first + index));
                    filling.filled += 1;
                }
                std::mem::forget(filling);
                full[first / size].store(true, Ordering::Relaxed);
            });
        }));
        if let Err(payload) = filled {
            for (block, full) in room.chunks_mut(size).zip(&full) {
                if full.load(Ordering::Relaxed) {
                    let filled = block.len();
                    drop(Filling { block, filled });
                }
            }
            resume_unwind(payload);
        }
    }
}

/// A block with its filled beginning, which goes with it.
struct Filling<'room, T> {
    block: &'room mut [MaybeUninit<T>],
    filled: usize,
}

impl<T> Drop for Filling<'_, T> {
    fn drop(&mut self) {
        let filled = &raw mut self.block[..self.filled];
        // SAFETY: these were written, and nobody will look at them again.
        unsafe { (filled as *mut [T]).drop_in_place() };
    }
}
