//! Counts a group of jobs, so that somebody can wait for the group alone.
//!
//! A worker adds to the sums once for each *run* of jobs of the same counter (the [`Tally`]): while
//! its next job counts here too, zero cannot be near, so nobody waits for a sum that is late.

use std::cell::Cell;
use std::ptr::{NonNull, null};

use crate::context::Context;
use crate::record::FrameRecord;
use crate::share::Share;
use crate::spawn::Continuation;
use crate::sums::Sums;
use crate::wait::Awaited;

/// Counts a group of jobs of one frame. Lives in the frame's memory; made by
/// [`Context::counter`], used by [`Context::spawn_with_counter`], [`Context::wait`] and
/// [`Context::spawn_after`].
pub struct Counter {
    frame: &'static FrameRecord,
    sums: Sums<Continuation>,
}

impl Counter {
    pub(crate) fn new(owner: &Share) -> Self {
        Self {
            frame: owner.record(),
            sums: Sums::new(std::ptr::from_ref(owner).cast()),
        }
    }

    /// The frame that made the counter.
    pub(crate) fn frame(&self) -> &'static FrameRecord {
        self.frame
    }

    /// Whether every job counted so far has ended. A look; others may go on spawning.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.sums.is_zero()
    }

    /// Counts a job as spawned by the worker of `share`, before anybody can see it.
    #[inline(always)]
    pub(crate) fn count_spawned(&self, share: &Share, jobs: u64) {
        self.sums
            .count_spawned(std::ptr::from_ref(share).cast(), jobs);
    }

    /// Counts jobs as done, and does what waited for zero.
    pub(crate) fn count_done(&self, context: &Context<'_>, jobs: u64) {
        let worker = context.worker();
        self.sums.count_done(
            jobs,
            || worker.system().wake_who_waits_for(Awaited::address(self)),
            |continuation| worker.push(Continuation::job(continuation)),
        );
    }

    /// Adds a job that starts at zero; at once if zero is now.
    ///
    /// # Safety
    /// The continuation lies in the frame's memory until it has run, and its closure is `Send`.
    pub(crate) unsafe fn add_continuation(
        &self,
        context: &Context<'_>,
        continuation: NonNull<Continuation>,
    ) {
        // SAFETY: it stays in place until it has run, as the caller promises.
        unsafe {
            self.sums.add(continuation, |continuation| {
                context.worker().push(Continuation::job(continuation));
            });
        }
    }
}

impl Awaited for Counter {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    #[inline(always)]
    fn is_over(&self) -> bool {
        self.is_zero()
    }

    fn add_waiter(&self) {
        self.sums.add_waiter();
    }

    fn remove_waiter(&self) {
        self.sums.remove_waiter();
    }
}

/// The run of jobs of one counter that a worker has ended and not yet added up.
pub(crate) struct Tally {
    counter: Cell<*const Counter>,
    jobs: Cell<u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            counter: Cell::new(null()),
            jobs: Cell::new(0),
        }
    }

    /// To be called before any job runs that does not count in `counter`.
    #[inline(always)]
    pub(crate) fn turn_to(&self, counter: *const Counter, context: &Context<'_>) {
        if self.counter.get() != counter && !self.counter.get().is_null() {
            self.flush(context);
        }
    }

    /// Counts one ended job. While it ran, inner waits may have tallied other counters.
    #[inline(always)]
    pub(crate) fn add(&self, counter: &Counter, context: &Context<'_>) {
        self.turn_to(counter, context);
        self.counter.set(counter);
        self.jobs.set(self.jobs.get() + 1);
    }

    /// Adds up what is outstanding.
    #[cold]
    #[inline(never)]
    pub(crate) fn flush(&self, context: &Context<'_>) {
        let counter = self.counter.replace(null());
        let jobs = self.jobs.replace(0);
        // SAFETY: the counter lives in a frame with a job that was executed here and is not yet
        // counted as executed there, so the frame is open.
        if let Some(counter) = unsafe { counter.as_ref() } {
            counter.count_done(context, jobs);
        }
    }
}
