//! How a reduction cuts its range, and the tree that combines the partials: by the length alone.

use std::ops::Range;

/// The most blocks of one reduction.
pub(crate) const MOST_BLOCKS: usize = 4_096;

/// A range in at most [`MOST_BLOCKS`] blocks, all of one length but the last.
#[derive(Clone)]
pub(crate) struct Blocks {
    range: Range<usize>,
    len: usize,
}

impl Blocks {
    pub(crate) fn of(range: Range<usize>) -> Self {
        let items = range.end.saturating_sub(range.start);
        Self {
            range,
            len: items.div_ceil(MOST_BLOCKS).max(1),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.range
            .end
            .saturating_sub(self.range.start)
            .div_ceil(self.len)
    }

    /// How many indices a block has, but for the last.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The indices of one block.
    pub(crate) fn block(&self, index: usize) -> Range<usize> {
        let start = self.range.start + index * self.len;
        start..start.saturating_add(self.len).min(self.range.end)
    }
}

/// Where the combining tree splits `count` partials: the largest power of two below it goes left.
/// Pairs of neighbours of equal size, as in pairwise summation (Higham, *The accuracy of floating
/// point summation*, 1993).
pub(crate) fn split(count: usize) -> usize {
    1 << (usize::BITS - 1 - (count - 1).leading_zeros())
}

/// The same tree, fed one partial after another: a binary counter of finished subtrees.
pub(crate) struct Pairwise<T> {
    /// A subtree of 2^level blocks for each bit that is set in the number of blocks so far.
    subtrees: [Option<T>; MOST_BLOCKS.ilog2() as usize + 1],
}

impl<T> Pairwise<T> {
    pub(crate) fn new() -> Self {
        Self {
            subtrees: std::array::from_fn(|_| None),
        }
    }

    pub(crate) fn add(&mut self, partial: T, combine: &impl Fn(T, T) -> T) {
        let mut carry = partial;
        for level in &mut self.subtrees {
            match level.take() {
                Some(left) => carry = combine(left, carry),
                None => {
                    *level = Some(carry);
                    return;
                }
            }
        }
    }

    pub(crate) fn finish(self, combine: &impl Fn(T, T) -> T) -> Option<T> {
        self.subtrees
            .into_iter()
            .flatten()
            .reduce(|right, left| combine(left, right))
    }
}
