//! Sleeping on the value of one word: the three functions of `atomic-wait`, modelled under a checker.
//!
//! Under loom and shuttle the kernel's part is played by a list of sleepers behind a lock: a
//! waiter compares and enqueues under it, a waker takes sleepers off under it. A wake that is
//! missing then shows as a deadlock, where a shim that spins would hide it. The lock also orders
//! memory between waiter and waker, which the kernel does not promise: what a sleeper reads after
//! waking must be covered by the word itself, and its proof by a schedule in which nobody slept.

use crate::atomic::AtomicU32;

#[cfg(any(bywash_loom, bywash_shuttle))]
mod modelled;

#[cfg(any(bywash_loom, bywash_shuttle))]
use modelled as kernel;

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
use atomic_wait as kernel;

/// Sleeps while `*word == expected`; may return spuriously, and returns at once if it differs.
///
/// Blocks the calling thread (a system call); allocates nothing.
#[inline]
pub fn wait(word: &AtomicU32, expected: u32) {
    kernel::wait(word, expected);
}

/// Wakes at most one thread that sleeps on `word`. A system call; never blocks.
#[inline]
pub fn wake_one(word: &AtomicU32) {
    kernel::wake_one(word);
}

/// Wakes every thread that sleeps on `word`. A system call; never blocks.
#[inline]
pub fn wake_all(word: &AtomicU32) {
    kernel::wake_all(word);
}
