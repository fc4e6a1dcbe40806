//! Sorting: halves in parallel, then one merge, on the standard library's sorts.

use std::cmp::Ordering;

use crate::context::Context;

/// A slice is cut into at most this many leaves, whatever the number of workers ...
const LEAVES: usize = 64;

/// ... of at least this many items.
const SMALLEST_LEAF: usize = 2_048;

impl<'frame> Context<'frame> {
    /// Sorts, keeping the order of equals. The result, and the comparisons, are the same for any
    /// number of workers.
    ///
    /// Leaves are sorted in parallel; two sorted halves are then one `slice::sort`, which finds both
    /// runs and merges them (Peters and Bergdoll, *driftsort*, 2024). Allocates what that does: half
    /// the slice. The last merge is one worker's.
    ///
    /// # Panics
    /// As `slice::sort` does: with a panic of `T`'s comparison, or if that is no total order. All
    /// items are then still there, in some order.
    pub fn parallel_sort<T: Ord + Send>(&self, items: &mut [T]) {
        self.parallel_sort_by(items, T::cmp);
    }

    /// [`Context::parallel_sort`] by a comparison of the caller's.
    ///
    /// # Panics
    /// As [`Context::parallel_sort`].
    pub fn parallel_sort_by<T: Send>(
        &self,
        items: &mut [T],
        compare: impl Fn(&T, &T) -> Ordering + Sync,
    ) {
        let leaf = leaf_of(items);
        self.sort_halves(items, leaf, &compare);
    }

    /// Sorts, not keeping the order of equals; where they end up depends on the items alone.
    ///
    /// Halves are divided at their median (`slice::select_nth_unstable`) and then sorted in
    /// parallel. Allocates nothing. [`Context::parallel_sort`] compares less often.
    ///
    /// # Panics
    /// As [`Context::parallel_sort`].
    pub fn parallel_sort_unstable<T: Ord + Send>(&self, items: &mut [T]) {
        self.parallel_sort_unstable_by(items, T::cmp);
    }

    /// [`Context::parallel_sort_unstable`] by a comparison of the caller's.
    ///
    /// # Panics
    /// As [`Context::parallel_sort`].
    pub fn parallel_sort_unstable_by<T: Send>(
        &self,
        items: &mut [T],
        compare: impl Fn(&T, &T) -> Ordering + Sync,
    ) {
        let leaf = leaf_of(items);
        self.sort_around_medians(items, leaf, &compare);
    }

    fn sort_halves<T: Send>(
        &self,
        items: &mut [T],
        leaf: usize,
        compare: &(impl Fn(&T, &T) -> Ordering + Sync),
    ) {
        if items.len() > leaf {
            let (left, right) = items.split_at_mut(items.len() / 2);
            self.join(
                |context| context.sort_halves(left, leaf, compare),
                |context| context.sort_halves(right, leaf, compare),
            );
        }
        items.sort_by(compare);
    }

    fn sort_around_medians<T: Send>(
        &self,
        items: &mut [T],
        leaf: usize,
        compare: &(impl Fn(&T, &T) -> Ordering + Sync),
    ) {
        if items.len() <= leaf {
            return items.sort_unstable_by(compare);
        }
        let (left, _, right) = items.select_nth_unstable_by(items.len() / 2, compare);
        self.join(
            |context| context.sort_around_medians(left, leaf, compare),
            |context| context.sort_around_medians(right, leaf, compare),
        );
    }
}

fn leaf_of<T>(items: &[T]) -> usize {
    items.len().div_ceil(LEAVES).max(SMALLEST_LEAF)
}
