//! Sleeping on the value of one word: the three functions of `atomic-wait`, model-checked under loom.

use crate::atomic::AtomicU32;

/// Sleeps while `*word == expected`; may return spuriously, and returns at once if it differs.
///
/// Blocks the calling thread (a system call); allocates nothing.
pub fn wait(word: &AtomicU32, expected: u32) {
    atomic_wait::wait(word, expected);
}

/// Wakes at most one thread that sleeps on `word`. A system call; never blocks.
pub fn wake_one(word: &AtomicU32) {
    atomic_wait::wake_one(word);
}

/// Wakes every thread that sleeps on `word`. A system call; never blocks.
pub fn wake_all(word: &AtomicU32) {
    atomic_wait::wake_all(word);
}
