//! Scans: each item becomes the combination of all up to it.
//!
//! Two passes over blocks that depend on the length alone: what each block comes to, then each block
//! again with what came before it (Blelloch, *Prefix sums and their applications*, 1990). So the bits
//! are the same for any number of workers.

use super::blocks::Blocks;
use super::partials::Partials;
use super::run::Cut;
use crate::context::Context;

impl<'frame> Context<'frame> {
    /// Replaces each value by the combination of all values up to and including it.
    ///
    /// The same bits for any number of workers and any schedule, as [`Context::parallel_reduce`];
    /// `combine` must be associative for the result to be that of a serial scan. It is called about
    /// twice for each value. Allocates only if the partials take more than 64 KiB together.
    ///
    /// # Panics
    /// With a panic of `combine`, after every started block has ended; the values are then partly
    /// replaced.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let mut xs = [1, 2, 3, 4];
    /// jobs.parallel_scan_inclusive(&mut xs, |a, b| a + b);
    /// assert_eq!(xs, [1, 3, 6, 10]);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_scan_inclusive<T: Copy + Send + Sync>(
        &self,
        values: &mut [T],
        combine: impl Fn(T, T) -> T + Sync,
    ) {
        self.scan(values, None, &combine, |before, value| {
            let up_to_here = before.map_or(*value, |before| combine(before, *value));
            *value = up_to_here;
            up_to_here
        });
    }

    /// Replaces each value by the combination of `identity` and all values before it; returns that
    /// of all values. Otherwise like [`Context::parallel_scan_inclusive`].
    ///
    /// # Panics
    /// With a panic of `combine`.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let mut counts = [3, 1, 4];
    /// let total = jobs.parallel_scan_exclusive(&mut counts, 0, |a, b| a + b);
    /// assert_eq!((counts, total), ([0, 3, 4], 8));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_scan_exclusive<T: Copy + Send + Sync>(
        &self,
        values: &mut [T],
        identity: T,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        let total = self.scan(values, Some(identity), &combine, |before, value| {
            let before = before.unwrap_or(identity);
            combine(before, std::mem::replace(value, before))
        });
        total.unwrap_or(identity)
    }

    /// `step` gets what came before a value, and the value; returns what comes before the next.
    fn scan<T: Copy + Send + Sync>(
        &self,
        values: &mut [T],
        start: Option<T>,
        combine: &(impl Fn(T, T) -> T + Sync),
        step: impl Fn(Option<T>, &mut T) -> T + Sync,
    ) -> Option<T> {
        let blocks = Blocks::of(0..values.len());
        let cut = Cut {
            weight: blocks.len(),
            ..Cut::by(1)
        };
        let shared = &*values;
        // What each block comes to.
        let mut partials = Partials::filled_by(self, cut, blocks.count(), |_, run, fill| {
            for index in run {
                let block = &shared[blocks.block(index)];
                let folded = block.iter().copied().reduce(combine);
                fill(index, folded);
            }
        });
        // From here on each place holds what comes before its block.
        let mut before = start;
        for place in partials.filled() {
            let block = place.replace(before).flatten();
            before = match (before, block) {
                (Some(before), Some(block)) => Some(combine(before, block)),
                (before, block) => before.or(block),
            };
        }
        let carries = &*partials.filled();
        self.par_chunks_mut(values, blocks.len(), |first, block| {
            let carry = carries[first / blocks.len()].flatten();
            block
                .iter_mut()
                .fold(carry, |before, value| Some(step(before, value)));
        });
        before
    }
}
