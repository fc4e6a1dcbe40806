//! Rows `two_deques_*`: the scheduler on the deque it has, and the same sources on the Chase-Lev.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Wrong, check};
use crate::harness::tally;
use crate::workloads::chain::{self, NS_120};
use std::time::Duration;

pub(super) static ROWS: &[Row] = table! {
    row("two_deques_spawn",   "ns/job",  SPAWN,   |s| both!(s, spawn, JOBS, JOBS * (JOBS - 1) / 2));
    row("two_deques_counter", "ns/job",  COUNTER, |s| both!(s, counted, JOBS, JOBS * (JOBS - 1) / 2));
    row("two_deques_join",    "ns/fork", JOIN,    |s| both!(s, join, FORKS, FIB));
    row("two_deques_tasks",   "ns/task", TASKS,   |s| both!(s, tasks, JOBS, sum_of_tasks()));
};

const SPAWN: &str = "a frame of 50,000 jobs spawned one by one";
const COUNTER: &str = "the same, with one counter for all";
const JOIN: &str = "fib(27) by join without cutoff, 317,810 forks";
const TASKS: &str = "a frame of 50,000 jobs of nominally 120 ns, spawned one by one";

const JOBS: u64 = 50_000;
const FIB_OF: u32 = 27;
const FIB: u64 = 196_418;
const FORKS: u64 = 317_810;

fn sum_of_tasks() -> u64 {
    let tasks = (0..JOBS).map(|number| chain::run(number, NS_120.steps));
    tasks.fold(0, u64::wrapping_add)
}

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .goals(GOALS)
        .note(NOTE)
}

const OTHER: &str = "bywash.chase_lev";

const GOALS: &[Goal] = &[Goal::against(OTHER, 1.0).on(2)];

const NOTE: &str = "bywash.chase_lev is bywash built from the same sources on its Chase-Lev deque \
(the package bywash-on-chase-lev), which shows thieves every job as soon as it is spawned.";

/// The four programs on one of the two builds.
macro_rules! programs {
    ($module:ident, $library:ident) => {
        mod $module {
            use super::{FIB_OF, JOBS};
            use crate::harness::tally;
            use crate::workloads::chain::{self, NS_120};
            use $library::{Context, JobSystem};

            pub(super) fn system(workers: usize) -> JobSystem {
                let builder = JobSystem::builder().workers(workers);
                builder.build().expect("a few workers can be had")
            }

            pub(super) fn spawn(system: &JobSystem) {
                system.frame(|frame| {
                    for number in 0..JOBS {
                        frame.spawn_detached(move |_| tally::add(number));
                    }
                });
            }

            pub(super) fn counted(system: &JobSystem) {
                system.frame(|frame| {
                    let all = frame.counter();
                    for number in 0..JOBS {
                        frame.spawn_with_counter(all, move |_| tally::add(number));
                    }
                    frame.wait(all);
                });
            }

            pub(super) fn join(system: &JobSystem) {
                tally::add(system.frame(|frame| fib(frame, FIB_OF)));
            }

            fn fib(context: &Context<'_>, n: u32) -> u64 {
                if n < 2 {
                    return n.into();
                }
                let (one, other) =
                    context.join(|context| fib(context, n - 1), |context| fib(context, n - 2));
                one + other
            }

            pub(super) fn tasks(system: &JobSystem) {
                system.frame(|frame| {
                    for number in 0..JOBS {
                        frame.spawn_detached(move |_| tally::add(chain::run(number, NS_120.steps)));
                    }
                });
            }
        }
    };
}

programs!(on_split, bywash);
programs!(on_chase_lev, bywash_on_chase_lev);

/// One of the programs on both builds.
macro_rules! both {
    ($setting:expr, $program:ident, $operations:expr, $answer:expr) => {{
        let (workers, course) = (
            $setting.workers,
            Course::new($setting, $operations, $answer),
        );
        vec![
            Contender::ours(move || {
                let system = on_split::system(workers);
                course.time(|| on_split::$program(&system))
            }),
            Contender::shown(OTHER, move || {
                let system = on_chase_lev::system(workers);
                course.time(|| on_chase_lev::$program(&system))
            }),
        ]
    }};
}
use both;

/// How one program is timed.
#[derive(Clone, Copy)]
struct Course {
    repeats: usize,
    /// In one run of the program.
    operations: u64,
    answer: u64,
}

impl Course {
    fn new(setting: &Setting, operations: u64, answer: u64) -> Self {
        Self {
            repeats: setting.repeats(10, 3),
            operations,
            answer,
        }
    }

    /// Times `program`, each run checked, after one that is not timed.
    fn time(self, mut program: impl FnMut()) -> Result<Sample, Wrong> {
        let mut once = || {
            tally::take();
            let time = stopwatch(&mut program);
            check(tally::take(), self.answer).map(|()| time)
        };
        once()?;
        let mut total = Duration::ZERO;
        for _ in 0..self.repeats {
            total += once()?;
        }
        let operations = self.repeats * self.operations as usize;
        Ok(Sample::nanoseconds_each(total, operations))
    }
}
