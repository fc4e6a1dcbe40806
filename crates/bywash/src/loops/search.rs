//! Sums, extremes, counts and searches: reductions that have a name.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bywash_sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
        let hit = self.first_hit(range, |index| predicate(index).then_some(index));
        hit.map(|(index, _)| index)
    }

    /// [`Context::parallel_for`] whose body may fail: the error at the lowest index is the result,
    /// as it would be in a serial loop. Every index below that one was run; those above are not
    /// begun any more. Allocates nothing.
    ///
    /// # Errors
    /// The body's error at the lowest index that has one.
    ///
    /// # Panics
    /// With a body's panic, after every started chunk has ended.
    pub fn try_parallel_for<E: Send>(
        &self,
        range: Range<usize>,
        body: impl Fn(usize) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        match self.first_hit(range, |index| body(index).err()) {
            None => Ok(()),
            Some((_, error)) => Err(error),
        }
    }

    /// The lowest index at which `probe` finds something, and what it found.
    pub(super) fn first_hit<R: Send>(
        &self,
        range: Range<usize>,
        probe: impl Fn(usize) -> Option<R> + Sync,
    ) -> Option<(usize, R)> {
        // No index of a half-open range is as high as this.
        let lowest = AtomicUsize::new(usize::MAX);
        let first = Mutex::new(None);
        let keep = |index, found| {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            // The lock orders those who found something; the loads elsewhere are advice.
            if index < lowest.load(Ordering::Relaxed) {
                lowest.store(index, Ordering::Relaxed);
                first.replace((index, found))
            } else {
                Some((index, found))
            }
        };
        let is_open = || lowest.load(Ordering::Relaxed) == usize::MAX;
        self.run_loop_while(Cut::by(1), range, is_open, |_, items| {
            for index in items {
                if index > lowest.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(found) = probe(index) {
                    // What was not the lowest is dropped here, outside the lock.
                    drop(keep(index, found));
                    return;
                }
            }
        });
        first.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
