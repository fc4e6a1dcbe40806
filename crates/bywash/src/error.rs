//! What can go wrong while a system is built, in words that say what to do.

/// A job system could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// More workers than a system can have.
    #[error("{asked} workers were asked for, and a system has {limit} at most: ask for fewer")]
    TooManyWorkers {
        /// What was asked for.
        asked: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The operating system refused the first thread.
    #[error(
        "worker thread {index} could not be started: {source}; lower the number of workers, or raise the limit on threads"
    )]
    Thread {
        /// Which worker's.
        index: usize,
        /// Why.
        source: std::io::Error,
    },
    /// An environment variable holds something that cannot be used.
    #[error("{name}={value:?} cannot be used: {expected}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// The placement cannot be worked out on this machine.
    #[error("the placement cannot be used: {0}")]
    Placement(#[from] bywash_topology::Error),
    /// The global system exists already.
    #[error("the global job system was built already: build it before its first use, and once")]
    GlobalExists,
}
