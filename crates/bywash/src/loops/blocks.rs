//! How a reduction cuts its range, and the tree that combines the partials: by the length alone.

use std::ops::Range;

/// The most blocks of one reduction.
pub(crate) const MOST_BLOCKS: usize = 4_096;

/// Up to so many blocks, a block may be a single index: enough for heavy bodies on many workers.
const FIRST_BLOCKS: usize = 512;

/// Beyond that, blocks are at least this long: what a block costs itself is lost in it.
const WORTH_A_BLOCK: usize = 1_024;

/// A range in at most [`MOST_BLOCKS`] blocks, all of one length but the last.
#[derive(Clone)]
pub struct Blocks {
    range: Range<usize>,
    len: usize,
}

impl Blocks {
    /// The blocks of `range`, by its length alone.
    pub fn of(range: Range<usize>) -> Self {
        let items = range.end.saturating_sub(range.start);
        Self {
            range,
            len: items
                .div_ceil((items / WORTH_A_BLOCK).clamp(FIRST_BLOCKS, MOST_BLOCKS))
                .max(1),
        }
    }

    /// How many blocks there are; none for an empty range.
    pub fn count(&self) -> usize {
        self.range
            .end
            .saturating_sub(self.range.start)
            .div_ceil(self.len)
    }

    /// How many indices a block has, but for the last.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The indices of one block.
    pub fn block(&self, index: usize) -> Range<usize> {
        let start = self.range.start + index * self.len;
        start..start.saturating_add(self.len).min(self.range.end)
    }
}

/// Where the combining tree splits `count` partials: the largest power of two below it goes left.
/// Pairs of neighbours of equal size, as in pairwise summation (Higham, *The accuracy of floating
/// point summation*, 1993).
pub fn split(count: usize) -> usize {
    1 << (usize::BITS - 1 - (count - 1).leading_zeros())
}

/// A run of blocks as the largest whole subtrees of that tree: 2^n blocks that begin at a multiple of
/// 2^n.
pub fn subtrees(run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = run.start;
    std::iter::from_fn(move || {
        let left = run.end.checked_sub(start).filter(|&left| left != 0)?;
        let level = left.ilog2().min(start.trailing_zeros());
        let subtree = start..start + (1 << level);
        start = subtree.end;
        Some(subtree)
    })
}

/// A subtree of the fixed tree, by the one who has all of its blocks.
pub fn combine_here<T>(
    blocks: Range<usize>,
    leaf: &impl Fn(usize) -> T,
    combine: &impl Fn(T, T) -> T,
) -> T {
    if blocks.len() == 1 {
        return leaf(blocks.start);
    }
    let middle = blocks.start + split(blocks.len());
    let left = combine_here(blocks.start..middle, leaf, combine);
    let right = combine_here(middle..blocks.end, leaf, combine);
    combine(left, right)
}

#[cfg(test)]
mod tests {
    use super::{Blocks, MOST_BLOCKS, split, subtrees};

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

    /// The tree over `run`, in words.
    fn spelled(run: std::ops::Range<usize>) -> String {
        match run.len() {
            1 => run.start.to_string(),
            count => {
                let middle = run.start + split(count);
                format!(
                    "({} {})",
                    spelled(run.start..middle),
                    spelled(middle..run.end)
                )
            }
        }
    }

    #[test]
    fn a_run_is_cut_into_whole_subtrees_of_the_tree_around_it() {
        for count in 1..70 {
            let whole = spelled(0..count);
            for start in 0..count {
                for end in start..=count {
                    let mut next = start;
                    for subtree in subtrees(start..end) {
                        assert_eq!(subtree.start, next);
                        assert!(whole.contains(&spelled(subtree.clone())));
                        next = subtree.end;
                    }
                    assert_eq!(next, end);
                }
            }
        }
    }
}
