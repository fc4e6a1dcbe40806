//! Rows `hidden_*`: how long work that was spawned before a long leaf stays out of a hungry worker's reach.

use crate::harness::clock::{spin_for, wait_until};
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::ours;
use crate::rivals;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const GOALS: &[Goal] = &[Goal::at_most(1.0)];

const fn row(
    name: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "µs", timed, contenders)
        .workers(Workers::Fixed(2))
        .required(&["rayon.scope", "bevy"])
        .goals(GOALS)
        .note("Zero where the job began before the leaf did.")
}

pub(super) static ROWS: &[Row] = &[
    row(
        "hidden_first",
        "8 jobs spawned, then a leaf of 100 µs on the spawner: from its start until a hungry worker has begun the first of them; the median",
        |setting| hidden(setting, 1),
    ),
    row(
        "hidden_half",
        "8 jobs spawned, then a leaf of 100 µs on the spawner: from its start until a hungry worker has begun the fourth of them; the median",
        |setting| hidden(setting, 4),
    ),
];

const JOBS: usize = 8;
const LEAF: Duration = Duration::from_micros(100);
/// What the hungry worker is busy with before, and how long it then goes hungry.
const HUNGRY: Duration = Duration::from_micros(3);

/// The course of one attempt: who began when.
struct Course {
    zero: Instant,
    /// When each job began, in nanoseconds after `zero`.
    begun: [AtomicU64; JOBS],
    ran: AtomicUsize,
    other_is_awake: AtomicBool,
}

impl Course {
    fn new() -> Self {
        Self {
            zero: Instant::now(),
            begun: Default::default(),
            ran: AtomicUsize::new(0),
            other_is_awake: AtomicBool::new(false),
        }
    }

    /// The job that fetches the other worker out of its sleep.
    fn wake(&self) {
        self.other_is_awake.store(true, Ordering::Release);
    }

    /// What the spawner does until the other worker is awake and hungry.
    fn wait_for_the_other(&self) {
        // A library that shares nothing while its user computes never wakes the other; that is
        // what the row shows of it.
        let start = Instant::now();
        wait_until(|| self.other_is_awake.load(Ordering::Acquire) || start.elapsed() > 2 * LEAF);
        spin_for(HUNGRY);
    }

    fn job(&self, number: usize) {
        let now = self.zero.elapsed().as_nanos() as u64;
        self.begun[number].store(now, Ordering::Relaxed);
        self.ran.fetch_add(1, Ordering::Release);
    }

    /// The leaf; says when it began, in nanoseconds after `zero`.
    fn leaf(&self) -> u64 {
        let start = self.zero.elapsed().as_nanos() as u64;
        spin_for(LEAF);
        start
    }

    /// Microseconds from the leaf's start to the begin of the job that began as number `which`.
    fn latency(&self, leaf: u64, which: usize) -> Result<f64, Wrong> {
        check(self.ran.load(Ordering::Acquire), JOBS)?;
        let mut begun = self.begun.each_ref().map(|at| at.load(Ordering::Relaxed));
        begun.sort_unstable();
        Ok(begun[which - 1].saturating_sub(leaf) as f64 / 1e3)
    }
}

fn hidden(setting: &Setting, which: usize) -> Vec<Contender> {
    let (workers, attempts) = (setting.workers, setting.repeats(200, 50));
    fn sample(
        attempts: usize,
        which: usize,
        mut attempt: impl FnMut(&Course) -> u64,
    ) -> Result<Sample, Wrong> {
        let mut latencies = Vec::with_capacity(attempts);
        for _ in 0..attempts {
            let course = Course::new();
            let leaf = attempt(&course);
            latencies.push(course.latency(leaf, which)?);
        }
        Ok(Sample::quantile_of(latencies, 0.5))
    }
    vec![
        Contender::ours(move || {
            ours::inside(workers, |outside| {
                sample(attempts, which, |course| {
                    let mut leaf = 0;
                    outside.frame(|frame| {
                        frame.spawn_detached(move |_| course.wake());
                        course.wait_for_the_other();
                        for number in 0..JOBS {
                            frame.spawn_detached(move |_| course.job(number));
                        }
                        leaf = course.leaf();
                    });
                    leaf
                })
            })
        }),
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                sample(attempts, which, |course| {
                    let mut leaf = 0;
                    rayon::scope(|scope| {
                        scope.spawn(|_| course.wake());
                        course.wait_for_the_other();
                        for number in 0..JOBS {
                            scope.spawn(move |_| course.job(number));
                        }
                        leaf = course.leaf();
                    });
                    leaf
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                sample(attempts, which, |course| {
                    let mut leaf = 0;
                    worker.scope(|scope| {
                        scope.spawn(|_: &forte::Scope<'_>| course.wake());
                        course.wait_for_the_other();
                        for number in 0..JOBS {
                            scope.spawn(move |_: &forte::Scope<'_>| course.job(number));
                        }
                        leaf = course.leaf();
                    });
                    leaf
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            sample(attempts, which, |course| {
                let mut leaf = 0;
                pool.scope(|scope| {
                    scope.spawn(async { course.wake() });
                    course.wait_for_the_other();
                    for number in 0..JOBS {
                        scope.spawn(async move { course.job(number) });
                    }
                    leaf = course.leaf();
                });
                leaf
            })
        }),
    ]
}
