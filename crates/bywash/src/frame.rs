//! A frame: opened, filled with jobs and data by its body, ended when all of it is done.

use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::context::Context;
use crate::deque::Owner;
use crate::payload::drop_quietly;
use crate::trace::What;
use crate::worker::Worker;

/// An open frame, as its body sees it. Dereferences to the body's [`Context`].
///
/// What is allocated in it lives for `'frame`, and the compiler keeps it inside:
///
/// ```compile_fail
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let escaped: &mut u32 = jobs.frame(|frame| frame.alloc(1));
/// ```
/// ```compile_fail,E0521
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let mut outside: Option<&u32> = None;
/// jobs.frame(|frame| outside = Some(frame.alloc(1)));
/// ```
/// A job may borrow from outside the frame, but not from its body, which it may outlive:
/// ```compile_fail,E0373
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| {
///     let local = 1;
///     frame.spawn_detached(|_| assert_eq!(local, 1));
/// });
/// ```
/// Two jobs, or the two sides of a join, cannot change the same thing:
/// ```compile_fail,E0499
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let mut sum = 0;
/// jobs.frame(|frame| for _ in 0..2 { frame.spawn_detached(|_| sum += 1); });
/// ```
/// ```compile_fail,E0499
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let mut sum = 0;
/// jobs.join(|_| sum += 1, |_| sum += 2);
/// ```
/// Nor do jobs take, share or give back what belongs to one thread:
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let one_threads = std::rc::Rc::new(1);
/// jobs.frame(|frame| frame.spawn_detached(move |_| drop(one_threads)));
/// ```
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let one_threads = std::cell::Cell::new(1);
/// jobs.join(|_| one_threads.set(2), |_| ());
/// ```
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| drop(frame.spawn_job(|_| std::rc::Rc::new(1))));
/// ```
/// Memory goes back at the frame's end, when no job is left, and not before; what drops in it does so
/// inside:
/// ```compile_fail,E0596
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| frame.arena().reset());
/// ```
/// ```compile_fail,E0521
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// let mut kept = None;
/// jobs.frame(|frame| kept = Some(frame.arena().frame_box(String::new())));
/// ```
/// The frame itself stays on its thread: no job, no side of a join, no other thread has it.
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| { frame.join(|_| { frame.counter(); }, |_| ()); });
/// ```
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| std::thread::scope(|scope| { scope.spawn(|| { frame.counter(); }); }));
/// ```
pub struct Frame<'frame, 'env: 'frame> {
    context: Context<'frame>,
    /// Invariant in `'env`.
    _env: PhantomData<fn(&'env ()) -> &'env ()>,
}

impl<'frame> Deref for Frame<'frame, '_> {
    type Target = Context<'frame>;

    #[inline(always)]
    fn deref(&self) -> &Context<'frame> {
        &self.context
    }
}

impl Worker {
    /// Runs `body` in a new frame, inside the one that runs now; returns when all its jobs are done.
    pub(crate) fn frame_in<'env, F, T>(&self, body: F) -> T
    where
        F: for<'frame> FnOnce(&'frame Frame<'frame, 'env>) -> T,
    {
        let _span = self.seat().trace.span(What::Frame);
        let is_session = self.frame().is_none() && self.system().tunes_itself();
        if is_session {
            self.session().open();
        }
        let record = self.open_record(self.frame());
        let share = self.share_of(record);
        self.enter(self.deque().position(), Some(record));
        // SAFETY: the frame is open, and the context is used until it ends, below.
        let context = unsafe { self.context_in(share) };
        let frame = Frame {
            context,
            _env: PhantomData,
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the body may hold the frame for as long as the frame lives: `frame` stays in
            // place, and what is built on the lifetime ends with the wait below, when every job has.
            body(unsafe { &*std::ptr::from_ref(&frame) })
        }));
        frame.context.wait_for(record);
        self.leave_frame();
        if is_session {
            self.session().close();
        }
        match (result, self.close_record(record)) {
            (Ok(value), None) => value,
            (Ok(value), Some(unclaimed)) => {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                    drop_quietly(payload);
                }
                resume_unwind(unclaimed)
            }
            (Err(payload), unclaimed) => {
                unclaimed.into_iter().for_each(drop_quietly);
                resume_unwind(payload)
            }
        }
    }
}

impl<'frame> Context<'frame> {
    /// [`Context::frame`] by the name that users of rayon look for.
    pub fn scope<'env, F, T>(&self, body: F) -> T
    where
        F: for<'inner> FnOnce(&'inner Frame<'inner, 'env>) -> T,
    {
        self.frame(body)
    }

    /// [`Context::frame`] by the name that users of oneTBB look for: while `body` waits for what it
    /// spawned, this thread runs nothing else.
    pub fn isolate<'env, F, T>(&self, body: F) -> T
    where
        F: for<'inner> FnOnce(&'inner Frame<'inner, 'env>) -> T,
    {
        self.frame(body)
    }

    /// Runs `body` in a frame nested in this one, on this worker, and returns when all its jobs are
    /// done. Helps meanwhile, with jobs of the nested frame only.
    pub fn frame<'env, F, T>(&self, body: F) -> T
    where
        F: for<'inner> FnOnce(&'inner Frame<'inner, 'env>) -> T,
    {
        self.worker().frame_in(body)
    }
}
