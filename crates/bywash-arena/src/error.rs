//! What can go wrong when memory is asked for, in numbers a reader can act on.

use thiserror::Error;

/// Why an allocation was refused. Small, `Copy`, and built without allocating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArenaError {
    /// The layout itself cannot exist: its size rounds up past `isize::MAX`.
    #[error(
        "{count} items of {size} bytes each do not fit into the address space: ask for fewer items"
    )]
    LayoutOverflow {
        /// Items that were asked for.
        count: usize,
        /// Bytes of one item.
        size: usize,
    },
    /// A hard budget of the arena, or of a frame around the allocation, would be exceeded.
    #[error(
        "{requested} bytes were asked for and {left} are left of a hard budget of {limit}: \
         raise the budget, or end a frame first"
    )]
    OverBudget {
        /// Bytes that were asked for, padding included.
        requested: usize,
        /// Bytes that the tightest budget still allows.
        left: usize,
        /// That budget, in bytes.
        limit: usize,
    },
    /// Every source of memory refused.
    #[error(
        "{requested} bytes were asked for and {left} are left of the {limit} that the chunk source \
         offers: give the arena a larger buffer, or a policy that may grow"
    )]
    Exhausted {
        /// Bytes that were asked for.
        requested: usize,
        /// Bytes the arena or its source could still serve.
        left: usize,
        /// Bytes the source offers in total; `usize::MAX` where only the machine is the limit.
        limit: usize,
    },
}

#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn refuse(error: ArenaError) -> ! {
    panic!("{error}")
}
