//! Small tasks, up to sixteen behind one header: one push, one pop, one count for all of them.

use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, addr_of, addr_of_mut};

use crate::context::Context;
use crate::job::{Header, JobRef, Ran};

/// The most tasks of one job.
const TASKS: usize = 16;

impl<'frame> Context<'frame> {
    /// Starts many small tasks, sixteen to a job: a batch goes to one worker, and costs one spawn.
    ///
    /// The closures come from one iterator, hence are of one type; they are written into the frame's
    /// memory. A task's panic comes out at the frame's end and keeps no other task from running.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// let sum = AtomicU64::new(0);
    /// let sum = &sum;
    /// jobs.frame(|frame| {
    ///     frame.spawn_batch((0..100).map(|i| {
    ///         move |_: &bywash::Context| { sum.fetch_add(i, Ordering::Relaxed); }
    ///     }));
    /// });
    /// assert_eq!(sum.load(Ordering::Relaxed), 4_950);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    #[inline]
    pub fn spawn_batch<F>(&self, tasks: impl IntoIterator<Item = F>)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        let mut tasks = tasks.into_iter();
        while let Some(first) = tasks.next() {
            let job = self.share().take::<Batch<F>>();
            let mut filling = Filling {
                context: self,
                job,
                len: 0,
            };
            filling.add(first);
            while filling.len < TASKS
                && let Some(task) = tasks.next()
            {
                filling.add(task);
            }
            // Also runs, with what there is, if the iterator panics.
            drop(filling);
        }
    }
}

#[repr(C)]
struct Batch<F> {
    head: Head,
    tasks: [MaybeUninit<F>; TASKS],
}

#[repr(C)]
struct Head {
    header: Header,
    len: usize,
}

/// A batch that is being written; spawned when dropped.
struct Filling<'a, 'frame, F>
where
    F: FnOnce(&Context<'frame>) + Send + 'frame,
{
    context: &'a Context<'frame>,
    job: NonNull<Batch<F>>,
    len: usize,
}

impl<'frame, F> Filling<'_, 'frame, F>
where
    F: FnOnce(&Context<'frame>) + Send + 'frame,
{
    #[inline(always)]
    fn add(&mut self, task: F) {
        // SAFETY: a field of the room that `take` gave.
        let tasks = unsafe { addr_of_mut!((*self.job.as_ptr()).tasks) }.cast::<F>();
        // SAFETY: `len` is below the array's length, as the caller's loop sees to.
        let place = unsafe { tasks.add(self.len) };
        // SAFETY: as above; nothing was written there before.
        unsafe { place.write(task) };
        self.len += 1;
    }
}

impl<'frame, F> Drop for Filling<'_, 'frame, F>
where
    F: FnOnce(&Context<'frame>) + Send + 'frame,
{
    #[inline(always)]
    fn drop(&mut self) {
        let share = self.context.share();
        let header = self.context.header(run_batch::<F>);
        // SAFETY: the batch's first field, in the room that `take` gave.
        unsafe {
            self.job.cast().write(Head {
                header,
                len: self.len,
            })
        };
        share.count_spawned(1);
        // SAFETY: the batch lies in the frame's memory until it is run; its closures are `Send`.
        self.context
            .worker()
            .push(unsafe { JobRef::new(self.job.cast()) });
    }
}

/// # Safety
/// As [`Run`](crate::job::Run) demands, for a `Batch<F>` of a frame `'frame`.
unsafe fn run_batch<'frame, F>(job: JobRef, context: &Context<'_>) -> Ran
where
    F: FnOnce(&Context<'frame>),
{
    let job = job.cast::<Batch<F>>();
    // SAFETY: the job is in place.
    let len = unsafe { job.cast::<Head>().as_ref() }.len;
    // SAFETY: a field of a job that is in place.
    let tasks = unsafe { addr_of!((*job.as_ptr()).tasks) }.cast::<ManuallyDrop<F>>();
    let next = Cell::new(0);
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
        while next.get() < len {
            // SAFETY: `next` is below the number of tasks written.
            let task = unsafe { tasks.add(next.get()) };
            next.set(next.get() + 1);
            // SAFETY: each task is read once, since `next` only grows.
            let task = ManuallyDrop::into_inner(unsafe { task.read() });
            // SAFETY: the caller gives a context of the job's frame, which is `'frame`.
            task(unsafe { context.in_frame() });
        }
    })) {
        context.share().record().keep_panic(payload);
    }
    // SAFETY: all tasks are out; the job came from `take::<Batch<F>>` in this frame.
    unsafe { context.share().give(job) };
    const { Ran::job_in::<Batch<F>>() }
}
