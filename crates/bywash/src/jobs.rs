//! The handle that users hold: frames, joins and jobs on a system, and its end.

use std::sync::{Arc, PoisonError};

use bywash_topology::{Pinned, Pinning, Plan};

use crate::builder::{Builder, Settings};
use crate::context::Context;
use crate::current;
use crate::error::BuildError;
use crate::frame::Frame;
use crate::stats::{SystemStats, WorkerStats};
use crate::system::System;
use crate::thread;

/// A job system: workers, their deques and their memory. Clones are handles on the same system.
///
/// When the last handle goes, everything that was queued is run, then the threads end. The drop waits
/// for them where nobody can be waiting for it: outside all frames, jobs and callbacks, of this system
/// and of others. Inside one it returns at once, and the rest is run behind it; a process that ends
/// before that is done cuts it short.
#[derive(Clone)]
pub struct JobSystem {
    handle: Arc<Handle>,
}

struct Handle {
    system: Arc<System>,
}

impl JobSystem {
    /// A builder with the defaults: as many workers as the process may use processors.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn start(settings: Settings, pinning: Option<Pinning>) -> Result<Self, BuildError> {
        let system = System::new(settings, pinning);
        thread::start(&system, 0, true)?;
        Ok(Self {
            handle: Arc::new(Handle { system }),
        })
    }

    pub(crate) fn system(&self) -> &System {
        &self.handle.system
    }

    /// What all workers, and callers without a seat, have done so far: a look that stops nobody.
    pub fn stats(&self) -> SystemStats {
        self.handle.system.stats()
    }

    /// What worker `index` has done so far: a look that stops nobody.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn worker_stats(&self, index: usize) -> WorkerStats {
        self.handle.system.seats()[index].counters.read()
    }

    /// How many workers the system has. A caller that finds all their seats taken works beside them
    /// as a guest.
    pub fn seats(&self) -> usize {
        self.handle.system.seats().len()
    }

    /// Runs `body` in a new frame on the calling thread, which is a worker for that time, and returns
    /// its result when every job of the frame is done.
    ///
    /// Allocates nothing in the steady state; wakes nobody unless jobs are spawned. The frame's
    /// memory goes back at its end at a cost that depends neither on jobs nor on bytes.
    ///
    /// # Panics
    /// With the body's panic, or else with the first panic of a job that nobody claimed; in either
    /// case after every job has ended.
    pub fn frame<'env, F, T>(&self, body: F) -> T
    where
        F: for<'frame> FnOnce(&'frame Frame<'frame, 'env>) -> T,
    {
        self.handle.system.enter(|worker| worker.frame_in(body))
    }

    /// A frame by the name that users of rayon and of the standard library look for: `body` spawns
    /// with [`Context::spawn`], and all is done when this returns.
    pub fn scope<'env, F, T>(&self, body: F) -> T
    where
        F: for<'frame> FnOnce(&'frame Frame<'frame, 'env>) -> T,
    {
        self.frame(body)
    }

    /// The plan that workers are placed by; `None` without a placement.
    pub fn plan(&self) -> Option<&Plan> {
        self.handle.system.pinning().map(Pinning::plan)
    }

    /// Where worker `index`'s thread was bound, as it was read back; `None` before the thread has
    /// begun, and without a placement.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn pinned(&self, index: usize) -> Option<Pinned> {
        self.handle.system.pinned(index)
    }

    /// [`Context::join`] in a root frame of its own.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: for<'frame> FnOnce(&Context<'frame>) -> RA + Send,
        B: for<'frame> FnOnce(&Context<'frame>) -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.frame(|frame| frame.join(|context| a(context), |context| b(context)))
    }

    /// Starts a job that nobody waits for, in a root frame of its own. Returns at once; the job may
    /// outlive the caller, not the system. Its panic goes to the system's panic handler.
    ///
    /// Takes a lock, and asks the heap only when more such jobs wait than ever before. Inside a frame,
    /// [`Context::spawn_detached`] does neither.
    pub fn spawn_detached<F>(&self, body: F)
    where
        F: for<'frame> FnOnce(&Context<'frame>) + Send + 'static,
    {
        self.handle.system.inbox().post(body);
        self.handle.system.wake_for_inbox();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.system.stop();
        if current::is_in_any_system() {
            // A job that still has to run may wait for the one that this is in, through however many
            // systems; or this is one of the threads. They end by themselves.
            return;
        }
        loop {
            let next = self
                .system
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            match next {
                // A worker thread catches its jobs' panics; a callback's panic ended that thread only.
                Some(thread) => drop(thread.join()),
                None => return,
            }
        }
    }
}
