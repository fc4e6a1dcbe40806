//! What can go wrong when a deque is made.

/// Why a deque could not be made as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The maximum capacity was zero.
    #[error("a deque with a maximum capacity of 0 was asked for; it must hold at least 1 item")]
    NoCapacity,
    /// The initial capacity was above the maximum.
    #[error(
        "an initial capacity of {initial} was asked for, with a maximum of {maximum}; \
         lower the first or raise the second"
    )]
    InitialAboveMaximum {
        /// The capacity to begin with.
        initial: usize,
        /// The capacity never to exceed.
        maximum: usize,
    },
    /// The capacity was more than any allocation can hold.
    #[error("a capacity of {asked} was asked for; at most {limit} items fit into memory")]
    TooLarge {
        /// The capacity that was asked for.
        asked: usize,
        /// The largest possible one.
        limit: usize,
    },
}
