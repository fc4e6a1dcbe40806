//! Reductions whose result is the same bits for any number of workers and any schedule.
//!
//! The range is cut into blocks by its length alone. Each block is folded from the identity, in
//! index order, into its own partial; partials are combined by a fixed tree. Workers move whole
//! blocks, so nothing that depends on time or on who ran what reaches the result.

use std::ops::Range;

use super::blocks::{Blocks, Pairwise, split};
use super::pace::Partitioner;
use super::partials::Partials;
use crate::context::Context;

/// A subtree of fewer partials is combined where it is.
const COMBINED_HERE: usize = 256;

impl<'frame> Context<'frame> {
    /// Folds the indices of `range` into partial results, from `identity()` on, and combines those.
    ///
    /// The result is the same, bit for bit, for any number of workers and any schedule, floats
    /// included: blocks (at most 4,096) and the order of combination depend on the length alone. It
    /// is not the result of one serial fold unless `combine` is associative. `combine` is called with
    /// lower indices on the left; `identity()` of an empty range is the result.
    ///
    /// Allocates only if the partials take more than 64 KiB together.
    ///
    /// # Panics
    /// With a closure's panic, after every started block has ended.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let sum = jobs.parallel_reduce(0..1_000, || 0, |sum, i| sum + i, |a, b| a + b);
    /// assert_eq!(sum, 499_500);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_reduce<T: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        let partial = |block: Range<usize>| block.fold(identity(), &fold);
        self.reduce_blocks(range, partial, &combine)
            .unwrap_or_else(&identity)
    }

    /// One partial for each block, combined by the fixed tree; `None` for an empty range.
    pub(crate) fn reduce_blocks<T: Send>(
        &self,
        range: Range<usize>,
        partial: impl Fn(Range<usize>) -> T + Sync,
        combine: &(impl Fn(T, T) -> T + Sync),
    ) -> Option<T> {
        let blocks = Blocks::of(range);
        let count = blocks.count();
        if count <= 1 || self.worker().system().seats().len() == 1 {
            let mut tree = Pairwise::new();
            (0..count).for_each(|index| tree.add(partial(blocks.block(index)), combine));
            return tree.finish(combine);
        }
        let mut partials = Partials::new(self, count);
        let slots = partials.slots();
        self.run_loop(Partitioner::Auto, 0..count, 1, |_, indices| {
            for index in indices {
                slots.fill(index, partial(blocks.block(index)));
            }
        });
        Some(self.combine_tree(partials.filled(), combine))
    }

    /// Combines by the fixed tree; large halves in parallel.
    fn combine_tree<T: Send>(
        &self,
        partials: &mut [Option<T>],
        combine: &(impl Fn(T, T) -> T + Sync),
    ) -> T {
        if let [only] = partials {
            return only
                .take()
                .expect("bywash: every block of a loop that ended has its partial");
        }
        let (left, right) = partials.split_at_mut(split(partials.len()));
        let (left, right) = if right.len() < COMBINED_HERE {
            (
                self.combine_tree(left, combine),
                self.combine_tree(right, combine),
            )
        } else {
            self.join(
                |ctx| ctx.combine_tree(left, combine),
                |ctx| ctx.combine_tree(right, combine),
            )
        };
        combine(left, right)
    }
}
