//! The one place that knows which world the atomics live in: the real one, loom's or shuttle's.
//!
//! Every other crate of the workspace imports its atomics, cells, threads and futexes from here,
//! so that the code a model checker drives is the code that ships.

pub mod atomic;
pub mod cell;
pub mod futex;
pub mod hint;
pub mod thread;

pub use crossbeam_utils::CachePadded;
