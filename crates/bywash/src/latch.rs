//! The words that end a wait for a fork or for a task, and say who is the last to touch it.

use std::ptr::null_mut;

use bywash_sync::atomic::{AtomicPtr, AtomicU32, Ordering, load_unshared};
use bywash_sync::ordering;

const PENDING: u32 = 0;
/// Bits; a task's are only ever added.
const DONE: u32 = 1;
const WAITED: u32 = 2;
const ABANDONED: u32 = 4;

/// Where a job was spawned. A fork's says at the same time whether it was finished, for which its joiner
/// waits: a word less to write for each fork.
pub struct Home<H>(AtomicPtr<H>);

impl<H> Home<H> {
    /// Of a job that is not finished.
    #[inline(always)]
    pub fn new(home: &'static H) -> Self {
        Self(AtomicPtr::new(std::ptr::from_ref(home).cast_mut()))
    }

    /// The home itself.
    ///
    /// # Safety
    /// The job is no fork, or the caller has yet to run it.
    #[inline(always)]
    pub unsafe fn get(&self) -> &'static H {
        // SAFETY: only `finish` stores, on the thread that has run the fork, as the caller has not.
        let home = unsafe { load_unshared(&self.0) };
        // SAFETY: not finished, so it is what `new` was given.
        unsafe { &*home }
    }

    /// Whether the fork was finished; its result is then readable.
    #[inline(always)]
    pub fn is_finished(&self) -> bool {
        // Acquire: pairs with the Release in `finish`.
        let order = ordering!(Acquire, "fork.is_finished" => Relaxed);
        self.0.load(order).is_null()
    }

    /// The last touch of a fork by whoever ran it; who waits for it is then woken.
    #[inline(always)]
    pub fn finish(&self) {
        // Release: pairs with the Acquire in `is_finished`.
        let order = ordering!(Release, "fork.finish" => Relaxed);
        self.0.store(null_mut(), order);
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
