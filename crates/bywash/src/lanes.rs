//! Jobs that go before all others, and jobs that go after them.
//!
//! Normal jobs are on the workers' own stacks and know nothing of this. High and low ones lie in two
//! queues of the system. Posting one asks every worker, by the same word a hungry thief uses, so a
//! worker looks here after the job it runs; while a lane holds anything it goes on looking after each
//! job.

use std::collections::VecDeque;
use std::sync::PoisonError;

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicUsize, Ordering};
use bywash_sync::lock::Mutex;

use crate::context::Context;
use crate::deque::Deque;
use crate::job::JobRef;
use crate::record::FrameRecord;
use crate::worker::Worker;

/// A worker runs one low job after this many of its others, at the latest.
const LOW_TURN: u32 = 64;

/// Before, with or after the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// After everything else, but at least one in 64 of a worker's jobs while there are any.
    Low,
    /// On the worker's own stack: what every other spawn does.
    #[default]
    Normal,
    /// Next: before any job that has not begun.
    High,
}

impl<'frame> Context<'frame> {
    /// [`Context::spawn_detached`] with a priority: `High` for what the frame waits for, `Low` for
    /// what may come last.
    ///
    /// `Normal` costs what a detached spawn costs. The other two take a lock and tell every worker;
    /// their queues allocate when they are longer than ever before.
    pub fn spawn_with_priority<F>(&self, priority: Priority, body: F)
    where
        F: FnOnce(&Context<'frame>) + Send + 'frame,
    {
        let job = self.detached_job(body);
        let worker = self.worker();
        let lane = match priority {
            Priority::Normal => return worker.push(job),
            Priority::High => &worker.system().lanes().high,
            Priority::Low => &worker.system().lanes().low,
        };
        lane.post(job);
        worker.system().ask_everybody();
        worker.system().wake_for_what_is_left(worker);
    }
}

/// The two queues beside the workers' stacks.
pub(crate) struct Lanes {
    high: Lane,
    low: Lane,
}

struct Lane {
    jobs: Mutex<VecDeque<JobRef>>,
    count: CachePadded<AtomicUsize>,
}

impl Lane {
    fn new() -> Self {
        Self {
            jobs: Mutex::new(VecDeque::new()),
            count: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    fn post(&self, job: JobRef) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push_back(job);
        self.count.store(jobs.len(), Ordering::Relaxed);
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// The oldest job that belongs in `frame`; any job without one.
    fn take(&self, frame: Option<&FrameRecord>) -> Option<JobRef> {
        if self.is_empty() {
            return None;
        }
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |job: &JobRef| frame.is_none_or(|frame| job.frame().is_within(frame));
        let index = jobs.iter().position(fits)?;
        let job = jobs.remove(index);
        self.count.store(jobs.len(), Ordering::Relaxed);
        job
    }

    fn has_work_for(&self, frame: &FrameRecord) -> bool {
        !self.is_empty() && {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.iter().any(|job| job.frame().is_within(frame))
        }
    }
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            high: Lane::new(),
            low: Lane::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.high.is_empty() && self.low.is_empty()
    }

    pub(crate) fn has_work_for(&self, frame: &FrameRecord) -> bool {
        self.high.has_work_for(frame) || self.low.has_work_for(frame)
    }
}

impl Worker {
    /// Between two jobs of `frame`, after somebody asked: high jobs first, now and then a low one.
    pub(crate) fn look_at_lanes(&self, frame: &FrameRecord) {
        let lanes = self.system().lanes();
        if lanes.is_empty() {
            return;
        }
        while self.run_from(&lanes.high, Some(frame)) {}
        if self.is_low_turn(LOW_TURN) {
            self.run_from(&lanes.low, Some(frame));
        }
        if !lanes.is_empty() {
            // To be looked at again after the next job.
            self.seat().deque.ask();
        }
    }

    /// Runs the next high job of `frame`, or of any. Returns whether there was one.
    pub(crate) fn run_high(&self, frame: Option<&FrameRecord>) -> bool {
        self.run_from(&self.system().lanes().high, frame)
    }

    /// Runs the next low job of `frame`, or of any. Returns whether there was one.
    pub(crate) fn run_low(&self, frame: Option<&FrameRecord>) -> bool {
        self.run_from(&self.system().lanes().low, frame)
    }

    fn run_from(&self, lane: &Lane, frame: Option<&FrameRecord>) -> bool {
        let job = lane.take(frame);
        job.into_iter().for_each(|job| self.run_apart(job));
        job.is_some()
    }
}
