//! Maps a range into a vector: each result is written where it will stay.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bywash_sync::atomic::{AtomicBool, Ordering};

use super::blocks::Blocks;
use super::first::First;
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
        let values = self.collect_while(range, |index| Some(value(index)));
        values.expect("bywash: a loop without an end of its own fills every block")
    }

    /// [`Context::parallel_map_collect`] of values that may fail: the error at the lowest index is
    /// the result, as it would be in a serial loop; what was made is then dropped.
    ///
    /// # Errors
    /// The error of `value` at the lowest index that has one.
    ///
    /// # Panics
    /// As [`Context::parallel_map_collect`].
    pub fn try_parallel_map_collect<T: Send, E: Send>(
        &self,
        range: Range<usize>,
        value: impl Fn(usize) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        let first = First::new();
        let values = self.collect_while(range, |index| {
            if first.is_before(index) {
                return None;
            }
            value(index).map_err(|error| first.keep(index, error)).ok()
        });
        match (first.into_inner(), values) {
            (Some((_, error)), _) => Err(error),
            (None, values) => Ok(values.expect("bywash: a block ends early after an error only")),
        }
    }

    /// The values, unless one of them is `None`; a block that meets such a one ends there.
    fn collect_while<T: Send>(
        &self,
        range: Range<usize>,
        value: impl Fn(usize) -> Option<T> + Sync,
    ) -> Option<Vec<T>> {
        let len = range.end.saturating_sub(range.start);
        let mut values = Vec::with_capacity(len);
        let room = &mut values.spare_capacity_mut()[..len];
        if !self.fill_blocks(range.start, room, &value) {
            return None;
        }
        // SAFETY: each block is filled.
        unsafe { values.set_len(len) };
        Some(values)
    }

    /// Fills `room` and returns true. If a value is `None` or panics, drops what was made.
    fn fill_blocks<T: Send>(
        &self,
        start: usize,
        room: &mut [MaybeUninit<T>],
        value: &(impl Fn(usize) -> Option<T> + Sync),
    ) -> bool {
        let blocks = Blocks::of(0..room.len());
        let full: Box<[AtomicBool]> = (0..blocks.count())
            .map(|_| AtomicBool::new(false))
            .collect();
        let size = blocks.len();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.par_chunks_mut(room, size, |first, block| {
                let mut filling = Filling { block, filled: 0 };
                for index in 0..filling.block.len() {
                    let Some(value) = value(start + first + index) else {
                        return;
                    };
                    filling.block[index].write(value);
                    filling.filled += 1;
                }
                std::mem::forget(filling);
                full[first / size].store(true, Ordering::Relaxed);
            });
        }));
        let is_full = |block: &AtomicBool| block.load(Ordering::Relaxed);
        if outcome.is_ok() && full.iter().all(is_full) {
            return true;
        }
        for (block, _) in room
            .chunks_mut(size)
            .zip(&full)
            .filter(|(_, full)| is_full(full))
        {
            let filled = block.len();
            drop(Filling { block, filled });
        }
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
        false
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
