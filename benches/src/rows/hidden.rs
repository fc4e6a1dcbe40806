//! Rows `hidden_*`: how long work that was spawned before a long leaf stays out of a hungry worker's reach.

use super::spawning::{self, Form, SpawnTest, Spawner};
use crate::harness::clock::{spin_for, wait_until};
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong, check};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(super) static ROWS: &[Row] = table! {
    row("hidden_first", FIRST,  |s| hidden(s, 1));
    row("hidden_half",  FOURTH, |s| hidden(s, 4));
};

const FIRST: &str = "8 jobs spawned, then a leaf of 100 µs on the spawner: from its start until a hungry worker has begun the first of them; the median";
const FOURTH: &str = "8 jobs spawned, then a leaf of 100 µs on the spawner: from its start until a hungry worker has begun the fourth of them; the median";

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

fn hidden(setting: &Setting, which: usize) -> Vec<Contender> {
    let test = Attempts {
        count: setting.repeats(200, 50),
        which,
    };
    let mut all = vec![spawning::ours(setting.workers, Form::Detached, test)];
    all.extend(spawning::rivals(setting.workers, test));
    all
}

const JOBS: usize = 8;
const LEAF: Duration = Duration::from_micros(100);
/// How long the hungry worker goes hungry before the jobs come.
const HUNGRY: Duration = Duration::from_micros(3);

#[derive(Clone, Copy)]
struct Attempts {
    count: usize,
    /// The place, among those that began, of the job that is waited for.
    which: usize,
}

impl SpawnTest for Attempts {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        let attempt = |_| {
            let course = &Course::new();
            let mut leaf = 0;
            // The first job fetches the other worker out of its sleep; the others come when it
            // is awake and hungry.
            let jobs = (0..=JOBS).map(|number| {
                if number == 1 {
                    course.wait_for_the_other();
                }
                move || course.job(number)
            });
            library.spawn_each(jobs, || leaf = course.leaf());
            course.latency(leaf, self.which)
        };
        let latencies: Vec<f64> = (0..self.count).map(attempt).collect::<Result<_, _>>()?;
        Ok(Sample::quantile_of(latencies, 0.5))
    }
}

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

    /// What the spawner does until the other worker is awake and hungry.
    fn wait_for_the_other(&self) {
        // A library that shares nothing while its user computes never wakes the other; that is
        // what the row shows of it.
        let start = Instant::now();
        // Acquire: pairs with the Release in `job`.
        wait_until(|| self.other_is_awake.load(Ordering::Acquire) || start.elapsed() > 2 * LEAF);
        spin_for(HUNGRY);
    }

    fn job(&self, number: usize) {
        let Some(place) = number.checked_sub(1) else {
            // Release: pairs with the Acquire in `wait_for_the_other`.
            return self.other_is_awake.store(true, Ordering::Release);
        };
        let now = self.zero.elapsed().as_nanos() as u64;
        self.begun[place].store(now, Ordering::Relaxed);
        // Release: pairs with the Acquire in `latency`, which then reads the time.
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
        // Acquire: pairs with the Release in `job`.
        check(self.ran.load(Ordering::Acquire), JOBS)?;
        let mut begun = self.begun.each_ref().map(|at| at.load(Ordering::Relaxed));
        begun.sort_unstable();
        Ok(begun[which - 1].saturating_sub(leaf) as f64 / 1e3)
    }
}
