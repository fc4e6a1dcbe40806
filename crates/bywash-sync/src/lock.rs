//! Locks for the paths that may block, in the world the build was made for.

#[cfg(bywash_loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard};

#[cfg(bywash_shuttle)]
pub use shuttle::sync::{Condvar, Mutex, MutexGuard};

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
pub use std::sync::{Condvar, Mutex, MutexGuard};
