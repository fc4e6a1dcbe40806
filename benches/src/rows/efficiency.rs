//! Rows `task_eff_*`, `batch_eff_*`, `loop_eff_*`, `uneven`: how much of the machine short tasks get.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::tally;
use crate::ours;
use crate::rivals::{self, std_threads};
use crate::workloads::chain::{self, NS_20, NS_120, NS_1350, NS_13600, Task};
use bywash::Context;
use orx_parallel::{IntoParIter, Par};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::time::Duration;

const fn row(
    name: &'static str,
    timed: &'static str,
    required: &'static [&'static str],
    goals: &'static [Goal],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "%", timed, contenders)
        .higher_is_better()
        .workers(Workers::Several)
        .required(required)
        .goals(goals)
        .note(
            "Efficiency: serial time ÷ (workers × parallel time), serial measured in the same sample. \
The names are nominal times of a task, a fixed chain of dependent steps.",
        )
}

const ONE_BY_ONE: &str = "tasks spawned one by one, from the first spawn to the end of all";
const BY_SIXTEEN: &str = "the same tasks, sixteen to a job";
const AS_A_LOOP: &str = "the same tasks as one parallel loop, entered from outside";
const SPAWNERS: &[&str] = &[
    "rayon.scope",
    "forte.scope",
    "chili.join",
    "fork_union.loop",
];
const BATCHERS: &[&str] = &["rayon.scope", "forte.scope"];
const LOOPERS: &[&str] = &["fork_union", "rayon", "orx", "paralight"];

pub(super) static ROWS: &[Row] = &[
    row(
        "task_eff_20ns",
        ONE_BY_ONE,
        SPAWNERS,
        &[Goal::at_least(65.0).on(2)],
        |s| one_by_one(s, NS_20),
    ),
    row(
        "task_eff_120ns",
        ONE_BY_ONE,
        SPAWNERS,
        &[Goal::at_least(94.0).on(2)],
        |s| one_by_one(s, NS_120),
    ),
    row(
        "task_eff_1350ns",
        ONE_BY_ONE,
        SPAWNERS,
        &[Goal::at_least(99.0).on(2)],
        |s| one_by_one(s, NS_1350),
    ),
    row(
        "task_eff_13600ns",
        ONE_BY_ONE,
        SPAWNERS,
        &[Goal::at_least(99.5).on(2)],
        |s| one_by_one(s, NS_13600),
    ),
    row(
        "batch_eff_20ns",
        BY_SIXTEEN,
        BATCHERS,
        &[Goal::at_least(90.0).on(2)],
        |s| by_sixteen(s, NS_20),
    ),
    row(
        "batch_eff_120ns",
        BY_SIXTEEN,
        BATCHERS,
        &[Goal::at_least(97.0).on(2)],
        |s| by_sixteen(s, NS_120),
    ),
    row(
        "batch_eff_1350ns",
        BY_SIXTEEN,
        BATCHERS,
        &[Goal::at_least(99.0).on(2)],
        |s| by_sixteen(s, NS_1350),
    ),
    row(
        "batch_eff_13600ns",
        BY_SIXTEEN,
        BATCHERS,
        &[Goal::at_least(99.5).on(2)],
        |s| by_sixteen(s, NS_13600),
    ),
    row(
        "loop_eff_20ns",
        AS_A_LOOP,
        LOOPERS,
        &[Goal::against("fork_union", 1.0)],
        |s| as_a_loop(s, NS_20),
    ),
    row(
        "loop_eff_120ns",
        AS_A_LOOP,
        LOOPERS,
        &[Goal::against("fork_union", 1.0)],
        |s| as_a_loop(s, NS_120),
    ),
    row(
        "loop_eff_1350ns",
        AS_A_LOOP,
        LOOPERS,
        &[Goal::against("fork_union", 1.0)],
        |s| as_a_loop(s, NS_1350),
    ),
    row(
        "loop_eff_13600ns",
        AS_A_LOOP,
        LOOPERS,
        &[Goal::against("fork_union", 1.0)],
        |s| as_a_loop(s, NS_13600),
    ),
    row(
        "uneven",
        "10,000 tasks as one parallel loop, every tenth a hundred times heavier than the others",
        LOOPERS,
        &[Goal::at_least(95.0).on(2)],
        uneven,
    ),
];

/// Tasks of one measurement, light and heavy ones.
#[derive(Clone, Copy)]
struct Load {
    count: usize,
    steps: u32,
    /// Every tenth task has this many steps instead.
    heavy: u32,
    /// The known answer.
    sum: u64,
    /// Measurements in one sample.
    repeats: usize,
}

impl Load {
    fn even(task: Task, setting: &Setting) -> Self {
        Self::new(task.count, task.steps, task.steps, setting)
    }

    fn new(count: usize, steps: u32, heavy: u32, setting: &Setting) -> Self {
        let mut load = Self {
            count,
            steps,
            heavy,
            sum: 0,
            repeats: setting.repeats(4, 1),
        };
        load.sum = (0..count)
            .map(|number| load.task(number))
            .fold(0, u64::wrapping_add);
        load
    }

    #[inline(always)]
    fn task(&self, number: usize) -> u64 {
        let steps = if number.is_multiple_of(10) {
            self.heavy
        } else {
            self.steps
        };
        chain::run(number as u64, steps)
    }

    #[inline(always)]
    fn run(&self, number: usize) {
        tally::add(self.task(number));
    }

    /// Times `parallel`, which does all tasks, against a plain loop over them right before it.
    fn sample(&self, workers: usize, mut parallel: impl FnMut()) -> Result<Sample, Wrong> {
        self.sample_by_own_clock(workers, || stopwatch(&mut parallel))
    }

    /// The same for a `parallel` that holds the clock itself.
    fn sample_by_own_clock(
        &self,
        workers: usize,
        mut parallel: impl FnMut() -> Duration,
    ) -> Result<Sample, Wrong> {
        tally::take();
        parallel();
        check(tally::take(), self.sum)?;
        let (mut serial_time, mut parallel_time) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..self.repeats {
            serial_time += stopwatch(|| (0..self.count).for_each(|number| self.run(number)));
            check(tally::take(), self.sum)?;
            parallel_time += parallel();
            check(tally::take(), self.sum)?;
        }
        let efficiency = serial_time.as_secs_f64() / (workers as f64 * parallel_time.as_secs_f64());
        Ok(Sample::of(100.0 * efficiency))
    }
}

fn one_by_one(setting: &Setting, task: Task) -> Vec<Contender> {
    let load = Load::even(task, setting);
    let workers = setting.workers;
    let mut all = vec![Contender::ours(move || {
        ours::inside(workers, |outside| {
            load.sample(workers, || {
                let load = &load;
                outside.frame(|frame| {
                    for number in 0..load.count {
                        frame.spawn_detached(move |_| load.run(number));
                    }
                });
            })
        })
    })];
    all.extend(scopes(load, workers, 1));
    all.push(Contender::shown("chili.join", move || {
        fn halves(scope: &mut chili::Scope<'_>, load: &Load, from: usize, to: usize) {
            if to - from == 1 {
                return load.run(from);
            }
            let middle = from + (to - from) / 2;
            scope.join(
                |scope| halves(scope, load, from, middle),
                |scope| halves(scope, load, middle, to),
            );
        }
        rivals::chili::inside(workers, |scope| {
            load.sample(workers, || halves(scope, &load, 0, load.count))
        })
    }));
    all.push(Contender::shown("fork_union.loop", move || {
        let mut pool = rivals::fork_union::pool(workers);
        load.sample(workers, || {
            drop(pool.for_n_dynamic(load.count, |prong| load.run(prong.task_index)));
        })
    }));
    all
}

fn by_sixteen(setting: &Setting, task: Task) -> Vec<Contender> {
    let load = Load::even(task, setting);
    let workers = setting.workers;
    let mut all = vec![Contender::ours(move || {
        ours::inside(workers, |outside| {
            load.sample(workers, || {
                let load = &load;
                outside.frame(|frame| {
                    frame.spawn_batch(
                        (0..load.count).map(|number| move |_: &Context<'_>| load.run(number)),
                    );
                });
            })
        })
    })];
    all.extend(scopes(load, workers, 16));
    all
}

/// The rivals' scopes, `batch` tasks to a spawn.
fn scopes(load: Load, workers: usize, batch: usize) -> Vec<Contender> {
    let tasks = move |from: usize| from..(from + batch).min(load.count);
    vec![
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                load.sample(workers, || {
                    let load = &load;
                    rayon::scope(|scope| {
                        for from in (0..load.count).step_by(batch) {
                            scope.spawn(move |_| tasks(from).for_each(|number| load.run(number)));
                        }
                    });
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                load.sample(workers, || {
                    let load = &load;
                    worker.scope(|scope| {
                        for from in (0..load.count).step_by(batch) {
                            scope.spawn(move |_: &forte::Scope<'_>| {
                                tasks(from).for_each(|number| load.run(number));
                            });
                        }
                    });
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            load.sample(workers, || {
                let load = &load;
                pool.scope(|scope| {
                    for from in (0..load.count).step_by(batch) {
                        scope.spawn(async move {
                            tasks(from).for_each(|number| load.run(number));
                        });
                    }
                });
            })
        }),
    ]
}

fn as_a_loop(setting: &Setting, task: Task) -> Vec<Contender> {
    loops(Load::even(task, setting), setting.workers)
}

fn uneven(setting: &Setting) -> Vec<Contender> {
    let load = Load::new(10_000, 110, 11_000, setting);
    loops(load, setting.workers)
}

fn loops(load: Load, workers: usize) -> Vec<Contender> {
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            load.sample(workers, || {
                system.parallel_for(0..load.count, |number| load.run(number));
            })
        }),
        Contender::rival("fork_union", move || {
            let mut pool = rivals::fork_union::pool(workers);
            load.sample(workers, || {
                drop(pool.for_n(load.count, |prong| load.run(prong.task_index)));
            })
        }),
        Contender::rival("fork_union.dynamic", move || {
            let mut pool = rivals::fork_union::pool(workers);
            load.sample(workers, || {
                drop(pool.for_n_dynamic(load.count, |prong| load.run(prong.task_index)));
            })
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            load.sample(workers, || {
                pool.install(|| {
                    (0..load.count)
                        .into_par_iter()
                        .for_each(|number| load.run(number));
                });
            })
        }),
        Contender::rival("orx", move || {
            load.sample(workers, || {
                (0..load.count)
                    .into_par()
                    .num_threads(workers)
                    .for_each(|number| load.run(number));
            })
        }),
        Contender::rival("paralight", move || {
            let mut pool = rivals::paralight::pool(workers);
            load.sample(workers, || {
                rivals::paralight::for_each(&mut pool, load.count, |number| load.run(number));
            })
        }),
        Contender::floor("std threads", move || {
            load.sample_by_own_clock(workers, || {
                std_threads::timed(workers, |index| {
                    std_threads::share(load.count, workers, index)
                        .for_each(|number| load.run(number));
                })
            })
        }),
    ]
}
