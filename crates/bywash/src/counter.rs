//! Counts a group of jobs, so that somebody can wait for the group alone.
//!
//! A worker adds to the sums once for each *run* of jobs of the same counter (the [`Tally`]): while
//! its next job counts here too, zero cannot be near, so nobody waits for a sum that is late. The same
//! note of whose job runs tells a job that would wait for itself.

use std::cell::Cell;
use std::ptr::{NonNull, null};

use crate::context::Context;
use crate::job::{JobRef, Kind};
use crate::record::FrameRecord;
use crate::share::Share;
use crate::spawn::Continuation;
use crate::sums::Sums;
use crate::wait::Awaited;
use crate::worker::Worker;

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

    #[inline(always)]
    fn is_over_already(&self, worker: &Worker) -> bool {
        !worker.tally().holds_back(self) && self.is_zero()
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
    /// The counter of the job that runs now, or that ran last; null if it has none.
    counter: Cell<*const Counter>,
    jobs: Cell<u64>,
    /// The kind of the job that was tallied last.
    kind: Cell<Option<Kind>>,
    /// What was interrupted by the wait that runs now.
    outer: Cell<*const Interrupted>,
}

/// The counter of a job that waits below on this worker's stack, and a link to the next.
pub(crate) struct Interrupted {
    counter: *const Counter,
    outer: *const Interrupted,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            counter: Cell::new(null()),
            jobs: Cell::new(0),
            kind: Cell::new(None),
            outer: Cell::new(null()),
        }
    }

    /// Before a job of `counter` runs; of none, if that is null.
    #[inline(always)]
    pub(crate) fn turn_to(&self, counter: *const Counter, context: &Context<'_>) {
        if self.counter.get() != counter {
            self.add_up(context);
            self.counter.set(counter);
        }
    }

    /// Counts the job that just ended.
    #[inline(always)]
    pub(crate) fn add(&self, kind: Kind) {
        self.jobs.set(self.jobs.get() + 1);
        self.kind.set(Some(kind));
    }

    /// The last job was tallied: if `next` is unlike it, the sum is not kept waiting.
    #[inline(always)]
    pub(crate) fn turn_towards(&self, next: Option<JobRef>, context: &Context<'_>) {
        if next.map(JobRef::kind) != self.kind.get() {
            self.turn_to(null(), context);
        }
    }

    /// A job has panicked: counts it, if it has a counter, and adds up.
    pub(crate) fn add_panicked(&self, context: &Context<'_>) {
        let is_counted = !self.counter.get().is_null();
        self.jobs.set(self.jobs.get() + u64::from(is_counted));
        self.turn_to(null(), context);
    }

    /// Whether this worker has ended jobs of `counter` that are not added up yet: then it is not zero.
    #[inline(always)]
    pub(crate) fn holds_back(&self, counter: &Counter) -> bool {
        self.jobs.get() != 0 && std::ptr::eq(self.counter.get(), counter)
    }

    /// Whether the job that runs now, or one below it on the stack, counts in `counter`, which cannot
    /// become zero before they return.
    pub(crate) fn is_within(&self, counter: &Counter) -> bool {
        if std::ptr::eq(self.counter.get(), counter) {
            return true;
        }
        let mut here = self.outer.get();
        // SAFETY: what was interrupted is taken off the list before its stack frame goes.
        while let Some(interrupted) = unsafe { here.as_ref() } {
            if std::ptr::eq(interrupted.counter, counter) {
                return true;
            }
            here = interrupted.outer;
        }
        false
    }

    /// Runs `work`, which runs other jobs on top of the one that runs now, and adds up what they leave.
    #[inline(always)]
    pub(crate) fn interrupt<R>(&self, context: &Context<'_>, work: impl FnOnce() -> R) -> R {
        let interrupted = Interrupted {
            counter: self.counter.get(),
            outer: self.outer.get(),
        };
        self.turn_to(null(), context);
        self.outer.set(&raw const interrupted);
        let _resume = Resume {
            context,
            interrupted: &interrupted,
        };
        work()
    }

    /// Adds up what is outstanding.
    #[cold]
    #[inline(never)]
    fn add_up(&self, context: &Context<'_>) {
        let jobs = self.jobs.replace(0);
        // SAFETY: the counter lives in a frame with a job that was executed here and is not yet
        // counted as executed there, so the frame is open.
        if let Some(counter) = unsafe { self.counter.replace(null()).as_ref() }
            && jobs != 0
        {
            counter.count_done(context, jobs);
        }
    }
}

/// Adds up and turns back to the job below, whether the work on top of it has returned or unwound.
struct Resume<'work, 'frame> {
    context: &'work Context<'frame>,
    interrupted: &'work Interrupted,
}

impl Drop for Resume<'_, '_> {
    #[inline(always)]
    fn drop(&mut self) {
        let tally = self.context.worker().tally();
        tally.turn_to(null(), self.context);
        tally.counter.set(self.interrupted.counter);
        tally.outer.set(self.interrupted.outer);
    }
}
