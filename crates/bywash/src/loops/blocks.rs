//! How a reduction cuts its range, and the tree that combines the partials: by the length alone.

use std::ops::Range;

/// The most blocks of one reduction.
pub(crate) const MOST_BLOCKS: usize = 4_096;

/// Up to so many blocks, a block may be a single index: enough for heavy bodies on many workers.
const FIRST_BLOCKS: usize = 512;

/// Beyond that, blocks are at least this long: what a block costs itself is lost in it.
const WORTH_A_BLOCK: usize = 128;

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
            len: items
                .div_ceil((items / WORTH_A_BLOCK).clamp(FIRST_BLOCKS, MOST_BLOCKS))
                .max(1),
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

#[cfg(test)]
mod tests {
    use super::{Blocks, MOST_BLOCKS};

    #[test]
    fn blocks_tile_their_range_and_are_never_too_many() {
        for len in (0..2_000).chain([65_535, 65_536, 524_287, 524_289, 1_000_000]) {
            let blocks = Blocks::of(7..7 + len);
            assert!(blocks.count() <= MOST_BLOCKS);
            let mut next = 7;
            for index in 0..blocks.count() {
                let block = blocks.block(index);
                assert_eq!(block.start, next);
                assert!(!block.is_empty());
                next = block.end;
            }
            assert_eq!(next, 7 + len);
        }
        assert!(Blocks::of(0..usize::MAX).count() <= MOST_BLOCKS);
    }
}
