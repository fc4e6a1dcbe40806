//! A job with a result: its handle waits for it, and rethrows its panic.

use std::any::Any;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{NonNull, addr_of_mut};

use crate::context::Context;
use crate::job::{Header, JobRef, Ran};
use crate::latch::{Finished, TaskLatch};
use crate::memory::class_of;
use crate::wait::Awaited;

type Outcome<T> = Result<T, Box<dyn Any + Send>>;

impl<'frame> Context<'frame> {
    /// Starts a job and returns a handle on its result. Closure and result share one place in the
    /// frame's memory: no heap, no lock; its end costs one read-modify-write.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let answer = jobs.frame(|frame| {
    ///     let left = frame.spawn_job(|_| 6);
    ///     let right = frame.spawn_job(|_| 7);
    ///     left.wait(frame) * right.wait(frame)
    /// });
    /// assert_eq!(answer, 42);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    #[inline]
    pub fn spawn_job<F, T>(&self, body: F) -> JobHandle<'frame, T>
    where
        F: FnOnce(&Context<'frame>) -> T + Send + 'frame,
        T: Send + 'frame,
    {
        let (worker, share) = self.parts();
        let task = share.take::<Task<F, T>>();
        let head = Head {
            header: Header::new(run_task::<F, T>, share),
            latch: TaskLatch::new(),
            class: const { small_class_of::<Task<F, T>>() },
        };
        let place = UnsafeCell::new(Place {
            body: ManuallyDrop::new(body),
        });
        // SAFETY: `take` gave room for exactly this.
        unsafe { task.write(Task { head, place }) };
        // SAFETY: the field of the task that was just written.
        let outcome = unsafe { addr_of_mut!((*task.as_ptr()).place) }.cast();
        share.count_spawned(1);
        // SAFETY: the job lies in the frame's memory until it is run, and its closure is `Send`.
        worker.push(unsafe { JobRef::new(task.cast()) });
        JobHandle {
            head: task.cast(),
            outcome,
            _frame: PhantomData,
        }
    }
}

/// The result to come of a job that [`Context::spawn_job`] started.
///
/// Dropping it lets the job run all the same; its result is dropped then, and its panic comes out at
/// the frame's end.
#[must_use = "dropping the handle drops the job's result; `spawn_detached` has none"]
pub struct JobHandle<'frame, T> {
    head: NonNull<Head>,
    outcome: *mut Outcome<T>,
    _frame: PhantomData<Yields<'frame, T>>,
}

/// Owns a `T`, and is invariant in `'frame`.
type Yields<'frame, T> = (fn(&'frame ()) -> &'frame (), T);

// SAFETY: a handle is the right to read the result, once, on whatever thread; results are `Send`.
unsafe impl<T: Send> Send for JobHandle<'_, T> {}

impl<'frame, T> JobHandle<'frame, T> {
    /// Returns the job's result; helps meanwhile, as [`Context::wait`] does, with the same caution about
    /// chains of jobs that wait for one another.
    ///
    /// # Panics
    /// With the job's panic.
    #[inline]
    pub fn wait(self, context: &Context<'frame>) -> T {
        let handle = ManuallyDrop::new(self);
        // SAFETY: the job lies in place, and is run only by whoever takes it off a deque.
        let job = unsafe { JobRef::new(handle.head.cast()) };
        // SAFETY: a task of this frame; it keeps its panic.
        let is_done =
            handle.head().is_over() || unsafe { context.worker().run_if_on_top(job, context) };
        if !is_done {
            context.wait_for(handle.head());
        }
        // SAFETY: done, so the outcome was written; the handle is not used or dropped any more.
        let outcome = unsafe { handle.outcome.read() };
        // SAFETY: the outcome is out, and nobody else looks at a task that is done.
        unsafe { Head::free(handle.head, context) };
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// Whether the job has ended. A look; never blocks.
    pub fn is_done(&self) -> bool {
        self.head().is_over()
    }

    fn head(&self) -> &Head {
        // SAFETY: the task is in place until its outcome is out, which ends this handle.
        unsafe { self.head.as_ref() }
    }
}

impl<T> Drop for JobHandle<'_, T> {
    fn drop(&mut self) {
        if self.head().latch.abandon() {
            // SAFETY: done before the handle was dropped, so the outcome is there, and the job's
            // worker left it. Its memory returns with the frame.
            let outcome = unsafe { self.outcome.read() };
            // SAFETY: a task is no fork.
            let home = unsafe { self.head().header.home.get() };
            abandon(outcome, home.record());
        }
    }
}

/// Drops a result that nobody waited for; a panic is kept for the frame's end.
fn abandon<T>(outcome: Outcome<T>, record: &crate::record::FrameRecord) {
    let unclaimed = match outcome {
        Ok(value) => catch_unwind(AssertUnwindSafe(|| drop(value))).err(),
        Err(payload) => Some(payload),
    };
    if let Some(payload) = unclaimed {
        record.keep_panic(payload);
    }
}

#[repr(C)]
struct Head {
    header: Header,
    latch: TaskLatch,
    /// The class of the task's memory, for whoever gives it back and does not know the closure's type.
    class: Option<u8>,
}

const fn small_class_of<T>() -> Option<u8> {
    match class_of::<T>() {
        Some(class) => Some(class as u8),
        None => None,
    }
}

impl Head {
    /// Gives a task's memory back.
    ///
    /// # Safety
    /// The task is of `context`'s frame, and nobody uses it any more.
    #[inline(always)]
    unsafe fn free(head: NonNull<Self>, context: &Context<'_>) {
        // SAFETY: still in place, as the caller says.
        let Self { header, class, .. } = unsafe { head.as_ref() };
        let class = class.map(usize::from);
        // SAFETY: a task is no fork.
        let home = unsafe { header.home.get() };
        // SAFETY: `take` of its home gave a block of this class; unused, as the caller says.
        unsafe { context.share().give_home(head.cast(), class, home) };
    }
}

#[repr(C)]
struct Task<F, T> {
    head: Head,
    place: UnsafeCell<Place<F, T>>,
}

/// The closure, and after it has run what came of it.
#[repr(C)]
union Place<F, T> {
    body: ManuallyDrop<F>,
    outcome: ManuallyDrop<Outcome<T>>,
}

impl Awaited for Head {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    #[inline(always)]
    fn is_over(&self) -> bool {
        self.latch.is_done()
    }

    fn add_waiter(&self) {
        self.latch.expect_sleep();
    }
}

/// # Safety
/// As [`Run`](crate::job::Run) demands, for a `Task<F, T>` of a frame `'frame`.
unsafe fn run_task<'frame, F, T>(job: JobRef, context: &Context<'_>) -> Ran
where
    F: FnOnce(&Context<'frame>) -> T,
{
    let task = job.cast::<Task<F, T>>();
    // SAFETY: the head begins a task that is in place; the rest is reached through its cell.
    let head = unsafe { job.cast::<Head>().as_ref() };
    // SAFETY: as above; before the task is done, the cell is its runner's.
    let place = unsafe { addr_of_mut!((*task.as_ptr()).place) }.cast::<Place<F, T>>();
    // SAFETY: not run yet, so the closure is there; it is taken out once.
    let body = ManuallyDrop::into_inner(unsafe { place.cast::<ManuallyDrop<F>>().read() });
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller gives a context of the task's frame, which is `'frame`.
        body(unsafe { context.in_frame() })
    }));
    // SAFETY: the closure is out, and its place is large enough for the outcome.
    unsafe { place.cast::<Outcome<T>>().write(outcome) };
    // If nobody abandoned the task before, this is its last touch.
    match head.latch.finish() {
        Finished::Left => {}
        Finished::Waited => {
            let address = job.address().as_ptr();
            context.worker().system().wake_who_waits_for(address);
        }
        Finished::Abandoned => {
            // SAFETY: the handle is gone, so the outcome, written above, is this function's.
            let outcome = unsafe { place.cast::<Outcome<T>>().read() };
            abandon(outcome, context.share().record());
            // SAFETY: nobody looks at an abandoned task that is done.
            unsafe { Head::free(task.cast(), context) };
        }
    }
    Ran::JOB
}
