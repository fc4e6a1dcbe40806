//! Sums, extremes, counts and searches: reductions that have a name.

use std::ops::Range;

use bywash_sync::atomic::{AtomicBool, Ordering};

use super::run::Cut;
use crate::context::Context;

impl<'frame> Context<'frame> {
    /// The sum of `value` over `range`: the same bits for any number of workers and any schedule, as
    /// [`Context::parallel_reduce`], and at its cost.
    pub fn parallel_sum<T>(&self, range: Range<usize>, value: impl Fn(usize) -> T + Sync) -> T
    where
        T: std::iter::Sum + Send,
    {
        let add = |left, right| [left, right].into_iter().sum();
        self.reduce_blocks(range, |_, _, block| block.map(&value).sum(), &add)
            .unwrap_or_else(|| std::iter::empty().sum())
    }

    /// The least value, the first of equals; `None` for an empty range. Costs what
    /// [`Context::parallel_reduce`] does.
    pub fn parallel_min<T>(
        &self,
        range: Range<usize>,
        value: impl Fn(usize) -> T + Sync,
    ) -> Option<T>
    where
        T: Ord + Send,
    {
        let least = |_: &Context<'frame>, _, block: Range<usize>| block.map(&value).min();
        self.reduce_blocks(range, least, &|left, right| {
            left.into_iter().chain(right).min()
        })
        .flatten()
    }

    /// The greatest value, the last of equals; `None` for an empty range. Costs what
    /// [`Context::parallel_reduce`] does.
    pub fn parallel_max<T>(
        &self,
        range: Range<usize>,
        value: impl Fn(usize) -> T + Sync,
    ) -> Option<T>
    where
        T: Ord + Send,
    {
        let greatest = |_: &Context<'frame>, _, block: Range<usize>| block.map(&value).max();
        self.reduce_blocks(range, greatest, &|left, right| {
            left.into_iter().chain(right).max()
        })
        .flatten()
    }

    /// How many indices of `range` satisfy `predicate`. Costs what [`Context::parallel_reduce`]
    /// does.
    pub fn parallel_count(
        &self,
        range: Range<usize>,
        predicate: impl Fn(usize) -> bool + Sync,
    ) -> usize {
        self.parallel_sum(range, |index| usize::from(predicate(index)))
    }

    /// Whether `predicate` holds anywhere. Once it was seen to hold, no further index is begun.
    /// Allocates nothing.
    pub fn parallel_any(
        &self,
        range: Range<usize>,
        predicate: impl Fn(usize) -> bool + Sync,
    ) -> bool {
        let found = AtomicBool::new(false);
        let is_open = || !found.load(Ordering::Relaxed);
        self.run_loop_while(Cut::by(1), range, is_open, |_, mut items| {
            if items.any(|index| !is_open() || predicate(index)) {
                found.store(true, Ordering::Relaxed);
            }
        });
        found.into_inner()
    }

    /// Whether `predicate` holds everywhere. Once it was seen to fail, no further index is begun.
    /// Allocates nothing.
    pub fn parallel_all(
        &self,
        range: Range<usize>,
        predicate: impl Fn(usize) -> bool + Sync,
    ) -> bool {
        !self.parallel_any(range, |index| !predicate(index))
    }

    /// The lowest index that satisfies `predicate`, as a serial search would find it. Indices above
    /// one that was found are not begun any more. Allocates nothing.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let words = ["a", "job", "a", "frame", "a", "tier"];
    /// assert_eq!(jobs.parallel_find(0..6, |i| words[i].len() > 3), Some(3));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_find(
        &self,
        range: Range<usize>,
        predicate: impl Fn(usize) -> bool + Sync,
    ) -> Option<usize> {
        let miss = |index| if predicate(index) { Err(index) } else { Ok(()) };
        self.try_parallel_for(range, miss).err()
    }
}
