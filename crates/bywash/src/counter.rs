//! Counts a group of jobs, so that somebody can wait for the group alone.
//!
//! Three numbers that only grow: jobs spawned by the counter's own worker (a plain store), jobs
//! spawned by others, jobs done. Done is read before spawned, so that equality means a moment of
//! zero (see `record.rs`). A worker adds to `done` once for each *run* of jobs of the same counter
//! (the [`Tally`]): while its next job counts here too, zero cannot be near, so nobody waits for a
//! sum that is late.

use std::cell::Cell;
use std::ptr::{NonNull, null, null_mut};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

use crate::context::Context;
use crate::share::Share;
use crate::spawn::Continuation;
use crate::wait::Awaited;

/// Counts a group of jobs of one frame. Lives in the frame's memory; made by
/// [`Context::counter`], used by [`Context::spawn_with_counter`], [`Context::wait`] and
/// [`Context::spawn_after`].
pub struct Counter {
    by_owner: CachePadded<ByOwner>,
    by_others: CachePadded<ByOthers>,
}

struct ByOwner {
    share: *const Share,
    spawned: AtomicU64,
}

struct ByOthers {
    spawned: AtomicU64,
    done: AtomicU64,
    waiters: AtomicU64,
    continuations: AtomicPtr<Continuation>,
}

// SAFETY: the share's address is compared, never followed; the rest is atomic.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    pub(crate) fn new(owner: &Share) -> Self {
        let by_owner = ByOwner {
            share: owner,
            spawned: AtomicU64::new(0),
        };
        let by_others = ByOthers {
            spawned: AtomicU64::new(0),
            done: AtomicU64::new(0),
            waiters: AtomicU64::new(0),
            continuations: AtomicPtr::new(null_mut()),
        };
        Self {
            by_owner: CachePadded::new(by_owner),
            by_others: CachePadded::new(by_others),
        }
    }

    /// Whether every job counted so far has ended. A look; others may go on spawning.
    #[inline]
    pub fn is_zero(&self) -> bool {
        // Acquire: pairs with the AcqRel in `count_done`; the caller then sees what the jobs did.
        let done = self.by_others.done.load(Ordering::Acquire);
        done == self.spawned()
    }

    #[inline(always)]
    fn spawned(&self) -> u64 {
        // Acquire: pairs with the Release stores of other workers' spawns, so that a job that was
        // counted here before its spawner was counted as done is not overlooked.
        self.by_others.spawned.load(Ordering::Acquire)
            + self.by_owner.spawned.load(Ordering::Relaxed)
    }

    /// Counts a job as spawned by the worker of `share`, before anybody can see it.
    #[inline(always)]
    pub(crate) fn count_spawned(&self, share: &Share, jobs: u64) {
        if std::ptr::eq(share, self.by_owner.share) {
            let spawned = self.by_owner.spawned.load(Ordering::Relaxed);
            // Relaxed: who finishes the job learnt of it by a later Release, or is this worker.
            self.by_owner
                .spawned
                .store(spawned + jobs, Ordering::Relaxed);
        } else {
            // AcqRel: see `spawned`.
            self.by_others.spawned.fetch_add(jobs, Ordering::AcqRel);
        }
    }

    /// Counts jobs as done, and does what waited for zero.
    pub(crate) fn count_done(&self, context: &Context<'_>, jobs: u64) {
        // AcqRel: pairs with the Acquire in `is_zero`.
        self.by_others.done.fetch_add(jobs, Ordering::AcqRel);
        // SeqCst: pairs with the fences in `Idle::start_waiting` and `add_continuation`: either this
        // side sees who came, or they see the new sum.
        fence(Ordering::SeqCst);
        if self.by_others.waiters.load(Ordering::Relaxed) != 0 && self.is_zero() {
            context
                .worker()
                .system()
                .wake_who_waits_for(Awaited::address(self));
        }
        if !self
            .by_others
            .continuations
            .load(Ordering::Relaxed)
            .is_null()
        {
            self.start_continuations(context);
        }
    }

    /// Adds a job that starts at zero; at once if zero is now.
    pub(crate) fn add_continuation(
        &self,
        context: &Context<'_>,
        continuation: NonNull<Continuation>,
    ) {
        self.link(continuation);
        // SeqCst: pairs with the fence in `count_done`.
        fence(Ordering::SeqCst);
        self.start_continuations(context);
    }

    /// If the count is zero, takes the list and pushes its jobs onto this worker's deque.
    #[cold]
    fn start_continuations(&self, context: &Context<'_>) {
        while self.is_zero() {
            // Acquire: pairs with the Release in `link`. Whoever is on the list came after its jobs'
            // spawns were counted, so the sum below counts them too.
            let list = self
                .by_others
                .continuations
                .swap(null_mut(), Ordering::Acquire);
            if list.is_null() {
                return;
            }
            if self.is_zero() {
                for continuation in Continuation::chain(list) {
                    context.worker().push(continuation);
                }
                return;
            }
            // Somebody came with more jobs in between: all wait on.
            for continuation in Continuation::chain(list) {
                self.link(continuation.cast());
            }
            // SeqCst: pairs with the fence in `count_done`; whoever found the list empty meanwhile
            // has counted before the next look at the sum.
            fence(Ordering::SeqCst);
        }
    }

    fn link(&self, continuation: NonNull<Continuation>) {
        let list = &self.by_others.continuations;
        let mut head = list.load(Ordering::Relaxed);
        loop {
            // SAFETY: the continuation is in place, and not shared before the exchange succeeds.
            unsafe { continuation.as_ref() }.set_next(head);
            let new = continuation.as_ptr();
            // Release: pairs with the Acquire in `start_continuations`, as does every push before.
            match list.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => head = other,
            }
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
        self.by_others.waiters.fetch_add(1, Ordering::Relaxed);
    }

    fn remove_waiter(&self) {
        self.by_others.waiters.fetch_sub(1, Ordering::Relaxed);
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
