//! Threads, in the world the build was made for.

pub use std::thread::{Builder, JoinHandle, Thread, ThreadId, current, park, spawn, yield_now};
