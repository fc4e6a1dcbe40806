//! A job as the deques see it: one address, behind it a function and the frame it belongs to.

use std::ptr::NonNull;

use bywash_deque::split::Item;

use crate::context::Context;
use crate::record::FrameRecord;

/// Runs the job at this address, once. Returns how many jobs of the frame that completes: 1 for
/// whatever a spawn counted, 0 for a fork, which its own `join` waits for.
///
/// It unwinds only where that count is 1; what a fork throws is kept for its `join`.
pub(crate) type Run = unsafe fn(JobRef, &Context<'_>) -> u64;

/// What every job begins with. What follows is known to its `run` alone.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) run: Run,
    pub(crate) frame: &'static FrameRecord,
}

/// The address of a job that has not run yet. Whoever holds it must run it, or pass it on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobRef(NonNull<Header>);

// SAFETY: each constructor's caller vouches that what lies behind the header may be run on any
// thread of the system (closures are `Send`).
unsafe impl Send for JobRef {}

impl JobRef {
    /// # Safety
    /// `header` must be the first field of a job that stays in place, untouched by others, until
    /// its `run` was called; and the closure behind it must be `Send`.
    #[inline(always)]
    pub(crate) unsafe fn new(header: NonNull<Header>) -> Self {
        Self(header)
    }

    #[inline(always)]
    pub(crate) fn address(self) -> NonNull<()> {
        self.0.cast()
    }

    /// The whole job, whose first field the header is.
    #[inline(always)]
    pub(crate) fn cast<T>(self) -> NonNull<T> {
        self.0.cast()
    }

    #[inline(always)]
    pub(crate) fn frame(self) -> &'static FrameRecord {
        // SAFETY: a job that has not run is in place, by the contract of `new`.
        unsafe { self.0.as_ref() }.frame
    }

    /// # Safety
    /// Each job is run at most once, with a context of the frame it belongs to.
    #[inline(always)]
    pub(crate) unsafe fn run(self, context: &Context<'_>) -> u64 {
        // SAFETY: a job that has not run is in place, by the contract of `new`.
        let run = unsafe { self.0.as_ref() }.run;
        // SAFETY: `run` was made for what lies at this address; once, as the caller promises.
        unsafe { run(self, context) }
    }
}

// SAFETY: the address goes in and comes out unchanged.
unsafe impl Item for JobRef {
    #[inline(always)]
    fn into_raw(self) -> NonNull<()> {
        self.address()
    }

    #[inline(always)]
    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self(raw.cast())
    }

    fn label(&self) -> *mut () {
        std::ptr::from_ref(self.frame()).cast_mut().cast()
    }
}
