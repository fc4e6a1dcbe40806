//! Spawning: the closure is written once, behind its header; afterwards only its address moves.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::{NonNull, addr_of, null_mut};

use crate::context::Context;
use crate::counter::Counter;
use crate::job::{Header, JobRef, Kind, Ran};
use crate::sums::Linked;

impl<'frame> Context<'frame> {
    /// Starts a job that is done by the frame's end. It may borrow from outside the frame, and use
    /// what lives in it.
    ///
    /// Writes the closure into the frame's memory and its address onto this worker's stack: no heap,
    /// no lock, no read-modify-write. It never runs a job itself, so a lock may be held across it.
    /// A panic of the job comes out at the frame's end, unless another came first.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// let count = AtomicU32::new(0);
    /// jobs.frame(|frame| {
    ///     for _ in 0..100 {
    ///         frame.spawn_detached(|_| { count.fetch_add(1, Ordering::Relaxed); });
    ///     }
    /// });
    /// assert_eq!(count.into_inner(), 100);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    #[inline]
    pub fn spawn_detached<F>(&self, body: F)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        self.worker().push(self.detached_job(body));
    }

    /// A counted job that is not on any stack yet.
    #[inline(always)]
    pub(crate) fn detached_job<F>(&self, body: F) -> JobRef
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        let share = self.share();
        let job = share.take::<Detached<F>>();
        let header = Header::new(run_detached::<F>, share);
        // SAFETY: `take` gave room for exactly this.
        unsafe {
            job.write(Detached {
                header,
                body: ManuallyDrop::new(body),
            })
        };
        share.count_spawned(1);
        // SAFETY: the job lies in the frame's memory until it is run, and its closure is `Send`.
        unsafe { JobRef::new(job.cast()) }
    }

    /// [`Context::spawn_detached`] by the name that users of rayon look for.
    #[inline]
    pub fn spawn<F>(&self, body: F)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        self.spawn_detached(body);
    }

    /// A counter for a group of jobs of this frame. Lies in the frame's memory; no heap.
    pub fn counter(&self) -> &'frame Counter {
        self.alloc(Counter::new(self.share()))
    }

    /// Starts a job that `counter` counts. Otherwise like [`Context::spawn_detached`]; spawning from
    /// the worker that made the counter costs one store more, from another an atomic addition.
    #[inline]
    pub fn spawn_with_counter<F>(&self, counter: &'frame Counter, body: F)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        let (worker, share) = self.parts();
        let job = share.take::<Counted<F>>();
        let header = Header::new(run_counted::<F>, share);
        let body = ManuallyDrop::new(body);
        // SAFETY: `take` gave room for exactly this.
        unsafe {
            job.write(Counted {
                header,
                counter: counter.into(),
                body,
            })
        };
        share.count_spawned(1);
        counter.count_spawned(share, 1);
        // SAFETY: the job lies in the frame's memory until it is run, and its closure is `Send`.
        worker.push(unsafe { JobRef::new(job.cast()) });
    }

    /// Starts a job as soon as every job that `counter` counts has ended; at once if that is now.
    /// Nobody blocks meanwhile. It runs all the same if one of them panicked.
    ///
    /// # Panics
    /// If the counter was made by a frame around this one: this frame would not end before that one's
    /// jobs, which wait for it on the same stack.
    pub fn spawn_after<F>(&self, counter: &'frame Counter, body: F)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        assert!(
            std::ptr::eq(counter.frame(), self.share().record()),
            "spawn_after needs a counter of its own frame: make one with `counter`, or spawn from the outer frame"
        );
        let job = self.share().take::<After<F>>();
        let header = self.header(run_after::<F>);
        let link = Continuation {
            header,
            next: Cell::new(null_mut()),
        };
        // SAFETY: `take` gave room for exactly this.
        unsafe {
            job.write(After {
                link,
                body: ManuallyDrop::new(body),
            })
        };
        self.share().count_spawned(1);
        // SAFETY: written above, in the frame's memory; its closure is `Send`.
        unsafe { counter.add_continuation(self, job.cast()) };
    }
}

#[repr(C)]
struct Detached<F> {
    header: Header,
    body: ManuallyDrop<F>,
}

#[repr(C)]
struct Counted<F> {
    header: Header,
    counter: NonNull<Counter>,
    body: ManuallyDrop<F>,
}

#[repr(C)]
struct After<F> {
    link: Continuation,
    body: ManuallyDrop<F>,
}

/// A job that waits on a counter's list for its start.
#[repr(C)]
pub(crate) struct Continuation {
    header: Header,
    next: Cell<*mut Continuation>,
}

impl Continuation {
    /// The job, once its turn has come.
    pub(crate) fn job(continuation: NonNull<Self>) -> JobRef {
        // SAFETY: whoever put it on a list promised that it lies in the frame's memory until it has
        // run, and that its closure is `Send`.
        unsafe { JobRef::new(continuation.cast()) }
    }
}

impl Linked for Continuation {
    fn next(&self) -> &Cell<*mut Self> {
        &self.next
    }
}

/// Takes the closure out of a job and gives the job's memory back: whoever runs it needs neither
/// any more.
///
/// # Safety
/// `job` is a `T` of `context`'s frame that has not run, and `body` lies in it.
#[inline(always)]
unsafe fn take_out<T, F>(
    job: NonNull<T>,
    body: *const ManuallyDrop<F>,
    context: &Context<'_>,
) -> F {
    // SAFETY: as the caller says; read once, since the job runs once.
    let body = unsafe { body.read() };
    // SAFETY: the job came from `take::<T>` in this frame, and is not touched any more.
    unsafe { context.share().give(job) };
    ManuallyDrop::into_inner(body)
}

/// # Safety
/// As [`Run`](crate::job::Run) demands, for a `Detached<F>` of a frame `'frame`.
unsafe fn run_detached<'frame, F>(job: JobRef, context: &Context<'_>) -> Ran
where
    F: FnOnce(&Context<'frame>),
{
    let job = job.cast::<Detached<F>>();
    // SAFETY: the field of a job that is in place.
    let body = unsafe { addr_of!((*job.as_ptr()).body) };
    // SAFETY: a `Detached<F>` of this frame, run once.
    let body = unsafe { take_out(job, body, context) };
    // SAFETY: the caller gives a context of the job's frame, which is `'frame`.
    body(unsafe { context.in_frame() });
    const { Ran::job_in::<Detached<F>>() }
}

/// # Safety
/// As [`Run`](crate::job::Run) demands, for a `Counted<F>` of a frame `'frame`.
unsafe fn run_counted<'frame, F>(job: JobRef, context: &Context<'_>) -> Ran
where
    F: FnOnce(&Context<'frame>),
{
    let job = job.cast::<Counted<F>>();
    // SAFETY: the job is in place.
    let counter = unsafe { (*job.as_ptr()).counter };
    // SAFETY: the field of a job that is in place.
    let body = unsafe { addr_of!((*job.as_ptr()).body) };
    // SAFETY: a `Counted<F>` of this frame, run once.
    let body = unsafe { take_out(job, body, context) };
    let tally = context.worker().tally();
    tally.turn_to(counter.as_ptr(), context);
    // SAFETY: the caller gives a context of the job's frame, which is `'frame`.
    body(unsafe { context.in_frame() });
    tally.add(Kind::of(run_counted::<F>));
    const { Ran::tallied_job_in::<Counted<F>>() }
}

/// # Safety
/// As [`Run`](crate::job::Run) demands, for an `After<F>` of a frame `'frame`.
unsafe fn run_after<'frame, F>(job: JobRef, context: &Context<'_>) -> Ran
where
    F: FnOnce(&Context<'frame>),
{
    let job = job.cast::<After<F>>();
    // SAFETY: the field of a job that is in place.
    let body = unsafe { addr_of!((*job.as_ptr()).body) };
    // SAFETY: an `After<F>` of this frame, run once.
    let body = unsafe { take_out(job, body, context) };
    // SAFETY: the caller gives a context of the job's frame, which is `'frame`.
    body(unsafe { context.in_frame() });
    const { Ran::job_in::<After<F>>() }
}
