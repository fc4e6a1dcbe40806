//! A job as the deques see it: one address, behind it a function and the frame it belongs to.

use std::ptr::NonNull;

use bywash_deque::split::Item;

use crate::context::Context;
use crate::latch::Home;
use crate::memory::class_of;
use crate::record::FrameRecord;
use crate::share::Share;

/// Runs the job at this address, once.
///
/// It unwinds only where it completes a job of the frame; what a fork throws is kept for its `join`.
pub(crate) type Run = unsafe fn(JobRef, &Context<'_>) -> Ran;

/// What it came to that a job was run: two flags, and above them the class of memory that was given
/// back, if it was.
#[derive(Clone, Copy)]
pub(crate) struct Ran(u64);

const UNCOUNTED: u64 = 1;
const TALLIED: u64 = 2;
const FLAGS: u64 = UNCOUNTED | TALLIED;

impl Ran {
    /// Nothing that the frame counts: a fork, for which its own `join` waits, or a job that was counted
    /// elsewhere.
    pub(crate) const UNCOUNTED: Self = Self(UNCOUNTED);

    /// A job whose memory somebody else gives back, or nobody.
    pub(crate) const JOB: Self = Self(0);

    /// A job that lay in a `T`, whose memory was given back.
    pub(crate) const fn job_in<T>() -> Self {
        match class_of::<T>() {
            Some(class) => Self((class as u64 + 1) * (FLAGS + 1)),
            None => Self::JOB,
        }
    }

    /// The same, and its counter knows of it only through the worker's tally.
    pub(crate) const fn tallied_job_in<T>() -> Self {
        Self(Self::job_in::<T>().0 | TALLIED)
    }

    /// One job of the frame is complete, and nothing else is to be done.
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        self.0 & FLAGS == 0
    }

    /// How many jobs of the frame are complete.
    pub(crate) fn jobs(self) -> u64 {
        u64::from(self.0 & UNCOUNTED == 0)
    }

    pub(crate) fn is_tallied(self) -> bool {
        self.0 & TALLIED != 0
    }

    pub(crate) fn class(self) -> Option<usize> {
        (self.0 / (FLAGS + 1))
            .checked_sub(1)
            .map(|class| class as usize)
    }
}

/// Equal for jobs that were spawned alike; it may differ for some that were.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(*const ());

impl Kind {
    #[inline(always)]
    pub(crate) fn of(run: Run) -> Self {
        Self(run as *const ())
    }

    pub(crate) fn hash(self) -> usize {
        // Functions mostly begin at multiples of 16.
        self.0.addr() >> 4
    }

    /// Two kinds that meet nowhere.
    #[cfg(test)]
    pub(crate) fn two() -> [Self; 2] {
        [0x100, 0x110].map(|address| Self(std::ptr::without_provenance(address)))
    }
}

/// What every job begins with. What follows is known to its `run` alone.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) run: Run,
    /// Where it was spawned: the share that gave its memory, of the frame it belongs to.
    pub(crate) home: Home<Share>,
}

impl Header {
    #[inline(always)]
    pub(crate) fn new(run: Run, home: &'static Share) -> Self {
        let home = Home::new(home);
        Self { run, home }
    }
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
    pub(crate) fn kind(self) -> Kind {
        // SAFETY: a job that has not run is in place, by the contract of `new`; a fork whose `join` asks is
        // so even after it has run.
        Kind::of(unsafe { self.0.as_ref() }.run)
    }

    #[inline(always)]
    pub(crate) fn home(self) -> &'static Share {
        // SAFETY: a job that has not run is in place, by the contract of `new`.
        let home = unsafe { &self.0.as_ref().home };
        // SAFETY: whoever has a job reference has yet to run the job.
        unsafe { home.get() }
    }

    #[inline(always)]
    pub(crate) fn frame(self) -> &'static FrameRecord {
        self.home().record()
    }

    /// # Safety
    /// Each job is run at most once, with a context of the frame it belongs to.
    #[inline(always)]
    pub(crate) unsafe fn run(self, context: &Context<'_>) -> Ran {
        // SAFETY: a job that has not run is in place, by the contract of `new`.
        let run = unsafe { self.0.as_ref() }.run;
        // SAFETY: `run` was made for what lies at this address; once, as the caller promises.
        unsafe { run(self, context) }
    }
}

// SAFETY: the address goes in and comes out unchanged.
unsafe impl Item for JobRef {
    const IS_LABELLED: bool = true;

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
