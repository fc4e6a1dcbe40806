//! Who is stuck: which worker has not got on since when, and where it said that it is.
//!
//! Nothing is counted for this on a job's way. A look puts the question that a hungry thief puts; a worker
//! answers it between two jobs, or at its next push, on a path that is cold anyway. Who has not answered by
//! the next look, and does not sleep, is still inside what it was in.

use std::panic::Location;
use std::ptr::{from_ref, null_mut};
use std::time::{Duration, Instant};

use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::context::Context;
use crate::deque::Deque;
use crate::jobs::JobSystem;
use crate::worker::Seat;

/// What a seat says of itself to those who watch.
pub(crate) struct Mark {
    place: AtomicPtr<Location<'static>>,
    answers: AtomicU64,
}

impl Mark {
    pub(crate) fn new() -> Self {
        Self {
            place: AtomicPtr::new(null_mut()),
            answers: AtomicU64::new(0),
        }
    }

    /// Between two jobs, or at a push; by the occupant alone.
    pub(crate) fn answer(&self) {
        let answers = self.answers.load(Ordering::Relaxed);
        self.answers.store(answers + 1, Ordering::Relaxed);
    }

    fn place(&self) -> Option<&'static Location<'static>> {
        // SAFETY: `mark` stores nothing but what was a `&'static`.
        unsafe { self.place.load(Ordering::Relaxed).as_ref() }
    }
}

impl Context<'_> {
    /// Notes where the running job is, for a [`StallWatch`]: a relaxed store. The mark stays until this
    /// worker comes to another one.
    #[track_caller]
    #[inline]
    pub fn mark(&self) {
        let place = from_ref(Location::caller()).cast_mut();
        self.worker()
            .seat()
            .mark
            .place
            .store(place, Ordering::Relaxed);
    }
}

/// What one worker is doing, as far as one can see from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// It sleeps for want of work.
    Asleep,
    /// It sleeps in a wait.
    Waiting,
    /// It runs a job, or looks for one.
    Running,
}

/// One worker in a [`StallWatch`]'s report.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Its index.
    pub worker: usize,
    /// What it is doing.
    pub doing: Doing,
    /// How long it has not got on, at least: since the first of the looks that saw it just as it is now.
    /// For one that runs, that is the time it has spent inside one job, forks that it took back included.
    pub since: Duration,
    /// Jobs that it has run.
    pub run: u64,
    /// Where [`Context::mark`] was called last on this worker.
    pub marked: Option<&'static Location<'static>>,
}

/// Looks now and then at what each worker does, and tells who has not got on. Costs the workers a few
/// instructions a look, and nothing while nobody looks.
///
/// ```
/// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
/// let mut watch = jobs.stall_watch();
/// // From a thread of its own, or once a frame:
/// for stuck in watch.look().filter(|report| report.since.as_millis() > 500) {
///     eprintln!("worker {} is {:?} at {:?}", stuck.worker, stuck.doing, stuck.marked);
/// }
/// # Ok::<_, bywash::BuildError>(())
/// ```
pub struct StallWatch {
    jobs: JobSystem,
    seen: Vec<Seen>,
}

/// A seat as a look saw it first.
struct Seen {
    sign: Sign,
    first: Instant,
}

/// Two looks that see the same sign see a worker that has not got on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sign {
    doing: Doing,
    answers: u64,
    run: u64,
    steals: u64,
    sleeps: u64,
}

impl JobSystem {
    /// A watch over this system's workers. Keeps a handle on the system.
    pub fn stall_watch(&self) -> StallWatch {
        StallWatch {
            jobs: self.clone(),
            seen: Vec::new(),
        }
    }
}

impl StallWatch {
    /// What each worker does, callers without a seat of their own behind the others, and how long it has
    /// not got on.
    pub fn look(&mut self) -> impl Iterator<Item = WorkerReport> + '_ {
        let now = Instant::now();
        let (jobs, seen) = (&self.jobs, &mut self.seen);
        let seats = jobs.system().all_seats().enumerate();
        seats.map(move |(index, seat)| {
            let sign = jobs.sign_of(seat);
            if index == seen.len() {
                seen.push(Seen { sign, first: now });
            }
            let before = &mut seen[index];
            if before.sign != sign {
                *before = Seen { sign, first: now };
            }
            if sign.doing == Doing::Running {
                // To be answered before the next look by whoever gets on.
                seat.deque.ask();
            }
            WorkerReport {
                worker: index,
                doing: sign.doing,
                since: now - before.first,
                run: sign.run,
                marked: seat.mark.place(),
            }
        })
    }
}

impl JobSystem {
    fn sign_of(&self, seat: &Seat) -> Sign {
        let idle = self.system().idle();
        let doing = if idle.is_free(seat.index()) {
            Doing::Asleep
        } else if idle.is_waiting(seat.index()) {
            Doing::Waiting
        } else {
            Doing::Running
        };
        let stats = seat.counters.read();
        Sign {
            doing,
            answers: seat.mark.answers.load(Ordering::Relaxed),
            run: stats.run,
            steals: stats.steals,
            sleeps: stats.sleeps + stats.parked,
        }
    }
}
