//! The one word that ends a wait for a fork or for a task, and says who is the last to touch it.

use bywash_sync::atomic::{AtomicU32, Ordering};
use bywash_sync::{mutant, ordering};

const PENDING: u32 = 0;
/// Bits; a task's are only ever added.
const DONE: u32 = 1;
const WAITED: u32 = 2;
const ABANDONED: u32 = 4;

/// The word of a fork, which one worker finishes and its joiner waits for.
pub struct ForkLatch(AtomicU32);

impl ForkLatch {
    /// Not done.
    #[inline(always)]
    pub fn new() -> Self {
        Self(AtomicU32::new(PENDING))
    }

    /// Whether the fork was finished; its result is then readable.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        // Acquire: pairs with the AcqRel in `finish`.
        self.0.load(ordering!(Acquire, "fork.is_done" => Relaxed)) == DONE
    }

    /// The joiner is about to sleep.
    pub fn expect_sleep(&self) {
        // Relaxed: the finisher's swap reads this very word; if it came first, this fails.
        let _ = self
            .0
            .compare_exchange(PENDING, WAITED, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The finisher's last touch. Returns whether the joiner may sleep and has to be woken.
    #[inline(always)]
    pub fn finish(&self) -> bool {
        // AcqRel: pairs with the Acquire in `is_done`.
        let order = ordering!(AcqRel, "fork.finish" => Relaxed);
        self.0.swap(DONE, order) == WAITED && !mutant("fork.finish.wake")
    }
}

/// The word of a task, which one worker finishes and whose handle waits, or is dropped.
pub struct TaskLatch(AtomicU32);

/// What a task's finisher has to do.
#[derive(PartialEq, Eq)]
pub enum Finished {
    /// Nothing: the handle has the outcome.
    Left,
    /// Wake who waits for it.
    Waited,
    /// Drop the outcome: the handle is gone.
    Abandoned,
}

impl TaskLatch {
    /// Not done.
    #[inline(always)]
    pub fn new() -> Self {
        Self(AtomicU32::new(PENDING))
    }

    /// Whether the task was finished; its outcome is then readable.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        // Acquire: pairs with the AcqRel in `finish`.
        self.0.load(ordering!(Acquire, "task.is_done" => Relaxed)) & DONE != 0
    }

    /// Who waits for the handle is about to sleep.
    pub fn expect_sleep(&self) {
        // Relaxed: the finisher's addition reads this very word.
        self.0.fetch_or(WAITED, Ordering::Relaxed);
    }

    /// The finisher's last touch, unless the handle is gone.
    #[inline(always)]
    pub fn finish(&self) -> Finished {
        // AcqRel: pairs with the Acquire in `is_done` and the AcqRel in `abandon`.
        let order = ordering!(AcqRel, "task.finish" => Relaxed);
        let state = self.0.fetch_or(DONE, order);
        if state & ABANDONED != 0 {
            Finished::Abandoned
        } else if state & WAITED != 0 {
            Finished::Waited
        } else {
            Finished::Left
        }
    }

    /// The handle goes. Returns whether the task was finished before, and its outcome is the
    /// caller's to drop.
    #[inline]
    pub fn abandon(&self) -> bool {
        // AcqRel: pairs with the AcqRel in `finish`: one of the two comes second, and drops.
        let order = ordering!(AcqRel, "task.abandon" => Relaxed);
        self.0.fetch_or(ABANDONED, order) & DONE != 0
    }
}
