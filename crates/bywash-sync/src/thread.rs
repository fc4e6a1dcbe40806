//! Threads, in the world the build was made for.

#[cfg(bywash_loom)]
pub use loom::thread::{
    Builder, JoinHandle, LocalKey, Thread, ThreadId, current, park, spawn, yield_now,
};

#[cfg(bywash_loom)]
pub use loom::thread_local;

#[cfg(bywash_shuttle)]
pub use shuttle::thread::{
    Builder, JoinHandle, LocalKey, Thread, ThreadId, current, park, spawn, yield_now,
};

#[cfg(bywash_shuttle)]
pub use shuttle::thread_local;

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
pub use std::thread::{
    Builder, JoinHandle, LocalKey, Thread, ThreadId, current, park, spawn, yield_now,
};

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
pub use std::thread_local;
