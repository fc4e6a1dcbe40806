//! Fork-join: the second closure lies on the caller's stack, and is mostly called in place.

use std::any::Any;
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;

use crate::context::Context;
use crate::deque::{Owner, TakeBack};
use crate::job::{Header, JobRef, Ran};
use crate::payload::drop_quietly;
use crate::wait::Awaited;

impl<'frame> Context<'frame> {
    /// Runs `a` here and offers `b` to others meanwhile; returns both results. Both sides have ended
    /// (or `b` never started) when this returns or unwinds; if both panic, `a`'s payload comes out.
    ///
    /// The closures may borrow locals. Nothing is allocated; when nobody is hungry, `b` costs a few
    /// stores, a compare and a direct call.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// use bywash::Context;
    /// fn fib(ctx: &Context, n: u64) -> u64 {
    ///     if n < 2 {
    ///         return n;
    ///     }
    ///     let (a, b) = ctx.join(|ctx| fib(ctx, n - 1), |ctx| fib(ctx, n - 2));
    ///     a + b
    /// }
    /// assert_eq!(jobs.frame(|frame| fib(frame, 20)), 6_765);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    #[inline]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Context<'frame>) -> RA + Send,
        B: FnOnce(&Context<'frame>) -> RB + Send,
        RA: Send,
        RB: Send,
    {
        if !self.worker().deque().is_shared() {
            let b = Unrun(ManuallyDrop::new(b));
            let first = a(self);
            return (first, b.take()(self));
        }
        let fork = Fork {
            header: self.header(run_fork::<B, RB>),
            body: UnsafeCell::new(ManuallyDrop::new(b)),
            result: UnsafeCell::new(MaybeUninit::uninit()),
        };
        // SAFETY: the fork stays on this stack until it has run or was taken back, which the code
        // below and, while a panic passes, `Recall` see to. Its closure is `Send`.
        let job = unsafe { JobRef::new(NonNull::from(&fork).cast()) };
        self.worker().push_fork(job);
        let recall = Recall {
            context: self,
            fork: &fork,
        };
        let first = a(self);
        std::mem::forget(recall);
        if self.worker().deque().pop_if(job.address()) {
            // SAFETY: taken back unrun, so the closure is still there, and this is its one use.
            let body = unsafe { fork.take_body() };
            return (first, body(self));
        }
        (first, self.join_slow(&fork))
    }

    #[cold]
    #[inline(never)]
    fn join_slow<B, R>(&self, fork: &Fork<B, R>) -> R
    where
        B: FnOnce(&Context<'frame>) -> R,
    {
        match self.recall(fork) {
            Recalled::Unrun => {
                // SAFETY: taken back unrun, so the closure is still there, and this is its one use.
                let body = unsafe { fork.take_body() };
                body(self)
            }
            Recalled::Done => {
                // SAFETY: done, so the result was written, and this is its one reading.
                match unsafe { fork.take_result() } {
                    Ok(result) => result,
                    Err(payload) => resume_unwind(payload),
                }
            }
        }
    }

    /// Gets a fork back: off this worker's stack, out of what it made public, or done by somebody.
    fn recall<B, R>(&self, fork: &Fork<B, R>) -> Recalled {
        let worker = self.worker();
        // SAFETY: only its address and its kind are asked for, and it lies on this stack.
        let job = unsafe { JobRef::new(NonNull::from(fork).cast()) };
        while !fork.is_over() {
            match worker.deque().take_back(job.address()) {
                TakeBack::Mine => {
                    // Older jobs went out again: who looked meanwhile may have overlooked them.
                    worker.announce_fork(job);
                    return Recalled::Unrun;
                }
                TakeBack::Below(position) => {
                    if worker.deque().expose() {
                        worker.announce();
                    }
                    worker.drain(self, position, || false);
                }
                TakeBack::Stolen => self.wait_for(fork),
            }
        }
        worker.deque().settle(worker.floor());
        Recalled::Done
    }
}

enum Recalled {
    Unrun,
    Done,
}

/// The second side of a `join`.
#[repr(C)]
struct Fork<B, R> {
    header: Header,
    body: UnsafeCell<ManuallyDrop<B>>,
    result: UnsafeCell<MaybeUninit<Result<R, Box<dyn Any + Send>>>>,
}

impl<B, R> Fork<B, R> {
    /// # Safety
    /// The caller is the one that runs the fork, or drops it unrun.
    #[inline(always)]
    unsafe fn take_body(&self) -> B {
        // SAFETY: nobody else touches the closure, and it is taken once, as the caller says.
        let body = unsafe { self.body.get().read() };
        ManuallyDrop::into_inner(body)
    }

    /// # Safety
    /// The fork is done; called once.
    unsafe fn take_result(&self) -> Result<R, Box<dyn Any + Send>> {
        // SAFETY: whoever ran the fork wrote the result and then, with Release, that it is done.
        let result = unsafe { self.result.get().read() };
        // SAFETY: as above.
        unsafe { result.assume_init() }
    }
}

impl<B, R> Awaited for Fork<B, R> {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn is_over(&self) -> bool {
        self.header.home.is_finished()
    }

    /// Nothing: whoever finishes a fork looks who waits, each time.
    fn add_waiter(&self) {}
}

/// Runs a fork that was stolen, or that an inner wait of its own worker came upon.
///
/// # Safety
/// As [`Run`](crate::job::Run) demands, for a `Fork<B, R>` of a frame `'frame`.
unsafe fn run_fork<'frame, B, R>(job: JobRef, context: &Context<'_>) -> Ran
where
    B: FnOnce(&Context<'frame>) -> R,
{
    let address = job.address().as_ptr();
    // SAFETY: the fork stays in place until it is done, which this function says last.
    let fork = unsafe { job.cast::<Fork<B, R>>().as_ref() };
    // SAFETY: this is the fork's one run.
    let body = unsafe { fork.take_body() };
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller gives a context of the fork's frame, which is `'frame`.
        body(unsafe { context.in_frame() })
    }));
    // SAFETY: the joiner reads the result only when the fork is done, which is said below.
    unsafe { fork.result.get().write(MaybeUninit::new(result)) };
    // The last touch of the fork.
    fork.header.home.finish();
    context.worker().system().wake_who_waits_for(address);
    Ran::UNCOUNTED
}

/// A second side that nobody else knows of: dropped, if a panic of the first passes, without a panic of
/// its own.
struct Unrun<B>(ManuallyDrop<B>);

impl<B> Unrun<B> {
    #[inline(always)]
    fn take(self) -> B {
        let mut unrun = ManuallyDrop::new(self);
        // SAFETY: `self` is gone, so nobody takes it again.
        unsafe { ManuallyDrop::take(&mut unrun.0) }
    }
}

impl<B> Drop for Unrun<B> {
    // Inlined, so that the closure stays in registers while no panic passes.
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this is its drop, so nobody takes it again.
        drop_unrun(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

#[cold]
#[inline(never)]
fn drop_unrun<B>(body: B) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
        drop_quietly(payload);
    }
}

/// While a panic of the first side passes: the second must not outlive the stack it lies on.
struct Recall<'join, 'frame, B, R> {
    context: &'join Context<'frame>,
    fork: &'join Fork<B, R>,
}

impl<'frame, B, R> Drop for Recall<'_, 'frame, B, R> {
    // Inlined, so that the fields stay in registers while no panic passes.
    #[inline(always)]
    fn drop(&mut self) {
        abandon(self.context, self.fork);
    }
}

/// Gets a fork back whose result nobody will see.
#[cold]
#[inline(never)]
fn abandon<B, R>(context: &Context<'_>, fork: &Fork<B, R>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| match context.recall(fork) {
        // SAFETY: taken back unrun, so the closure is still there; it is dropped unrun.
        Recalled::Unrun => drop(unsafe { fork.take_body() }),
        // SAFETY: done, so the result was written, and this is its one reading.
        Recalled::Done => drop(unsafe { fork.take_result() }),
    }));
    if let Err(payload) = dropped {
        drop_quietly(payload);
    }
}
