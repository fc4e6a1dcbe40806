//! A perfect binary tree of boxed nodes, built left first, so that memory order is one walk's order.

/// A node and the two trees below it.
pub(crate) struct Tree {
    /// What the sum adds up.
    pub value: u64,
    /// The tree that was built first.
    pub left: Option<Box<Tree>>,
    /// The tree that was built second.
    pub right: Option<Box<Tree>>,
}

impl Tree {
    /// A tree of `2^levels - 1` nodes, each of value 1.
    pub(crate) fn perfect(levels: u32) -> Self {
        let below = || (levels > 1).then(|| Box::new(Tree::perfect(levels - 1)));
        Self {
            value: 1,
            left: below(),
            right: below(),
        }
    }

    /// How many nodes [`perfect`](Self::perfect) makes.
    pub(crate) const fn nodes(levels: u32) -> usize {
        (1 << levels) - 1
    }
}
