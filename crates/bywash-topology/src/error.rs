//! What can go wrong, each with what was asked, what the limit was and what to do.

use std::path::PathBuf;

/// The errors of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the system's description could not be read.
    #[error("cannot read {}: {reason}; check that the path exists and may be read", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        reason: String,
    },

    /// A text was not in the format it should have.
    #[error("{what} \"{text}\" is malformed: expected {expected}")]
    Malformed {
        /// What kind of text it was.
        what: &'static str,
        /// Its beginning.
        text: String,
        /// The format it should have.
        expected: &'static str,
    },

    /// A file was read, and its content is not what it should be.
    #[error("{}: {source}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<Error>,
    },

    /// The operating system has no description this crate can read.
    #[error(
        "topology discovery is not supported on this operating system; the machine is taken as flat"
    )]
    UnsupportedSystem,

    /// No PU is left that may be used.
    #[error(
        "no usable PU: the machine offers {offered}, the allowed set is {allowed}; allow at least one PU that is online"
    )]
    NoUsablePu {
        /// The PUs that are there, as a list.
        offered: String,
        /// The set they were restricted to, as a list.
        allowed: String,
    },

    /// A machine description contradicts itself.
    #[error("invalid machine description: {0}")]
    InvalidMachine(String),

    /// An hwloc XML file or synthetic description was refused.
    #[error("hwloc cannot load {what}: {reason}")]
    Hwloc {
        /// What was to be loaded.
        what: String,
        /// Why not.
        reason: String,
    },

    /// A placement's name is none of the known ones.
    #[error("unknown placement \"{name}\": choose one of {choices}", choices = crate::placement::NAMES)]
    UnknownPlacement {
        /// The name that was given.
        name: String,
    },

    /// A NUMA node was named that has no usable PU.
    #[error("NUMA node {asked} has no usable PU: choose one of {available}")]
    NoSuchNode {
        /// The node's OS index.
        asked: u32,
        /// The nodes that have usable PUs, as a list.
        available: String,
    },

    /// More workers were asked for than the placement has PUs.
    #[error(
        "{workers} workers asked, but placement {placement} has {capacity} PUs here; \
         ask for at most {capacity}, or choose to truncate, to wrap, or to leave the rest unbound"
    )]
    BeyondCapacity {
        /// The workers asked for.
        workers: usize,
        /// The PUs there are.
        capacity: usize,
        /// The placement's name.
        placement: String,
    },

    /// Memory could not be had from the system.
    #[error("cannot map {bytes} bytes of memory: {reason}; ask for less or free some")]
    OutOfMemory {
        /// The bytes asked for.
        bytes: usize,
        /// The system's answer.
        reason: String,
    },
}
