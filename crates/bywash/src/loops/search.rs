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
        let first = First::new();
        self.run_loop_while(
            Cut::by(1),
            range,
            || first.is_open(),
            |_, items| {
                for index in items {
                    if first.is_before(index) {
                        return;
                    }
                    if let Some(found) = probe(index) {
                        return first.keep(index, found);
                    }
                }
            },
        );
        first.into_inner()
    }
}

/// What was found at the lowest index so far.
pub(super) struct First<R> {
    lowest: AtomicUsize,
    found: Mutex<Option<(usize, R)>>,
}

impl<R> First<R> {
    pub(super) fn new() -> Self {
        Self {
            // No index of a half-open range is as high as this.
            lowest: AtomicUsize::new(usize::MAX),
            found: Mutex::new(None),
        }
    }

    /// Whether nothing was found yet.
    pub(super) fn is_open(&self) -> bool {
        self.lowest.load(Ordering::Relaxed) == usize::MAX
    }

    /// Whether something was found below `index`. May say no too often.
    pub(super) fn is_before(&self, index: usize) -> bool {
        self.lowest.load(Ordering::Relaxed) < index
    }

    /// Keeps what was found, unless something was found below it; what is not kept is dropped
    /// outside the lock.
    pub(super) fn keep(&self, index: usize, found: R) {
        let mut first = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock orders those who found something; the loads elsewhere are advice.
        let rest = if index < self.lowest.load(Ordering::Relaxed) {
            self.lowest.store(index, Ordering::Relaxed);
            first.replace((index, found))
        } else {
            Some((index, found))
        };
        drop(first);
        drop(rest);
    }

    pub(super) fn into_inner(self) -> Option<(usize, R)> {
        self.found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
