//! Threads, in the world the build was made for.

#[cfg(bywash_loom)]
pub use loom::thread::{
    Builder, JoinHandle, LocalKey, Thread, ThreadId, current, park, spawn, yield_now,
};

#[cfg(bywash_loom)]
#[doc(hidden)]
pub use loom::thread_local as loom_thread_local;

#[cfg(bywash_loom)]
pub use crate::const_thread_local as thread_local;

/// Loom's macro under `std`'s form of a constant initialiser, which it does not know.
#[cfg(bywash_loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! const_thread_local {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = const $init:block;) => {
        $crate::thread::loom_thread_local! {
            $(#[$attr])* $vis static $name: $type = $init;
        }
    };
}

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
