//! Rows `task_eff_*`, `batch_eff_*`, `loop_eff_*`, `uneven`: how much of the machine short tasks get.

use super::looping::{LoopTest, Looper, loopers, static_halves};
use super::spawning::{self, Form, SpawnTest, Spawner};
use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::tally;
use crate::rivals;
use crate::workloads::chain::{self, NS_20, NS_120, NS_1350, NS_13600, Task};
use std::time::Duration;

pub(super) static ROWS: &[Row] = table! {
    one_by_one("task_eff_20ns",     &[Goal::at_least(65.0).on(2)], |s| tasks(s, NS_20));
    one_by_one("task_eff_120ns",    &[Goal::at_least(94.0).on(2)], |s| tasks(s, NS_120));
    one_by_one("task_eff_1350ns",   &[Goal::at_least(99.0).on(2)], |s| tasks(s, NS_1350));
    one_by_one("task_eff_13600ns",  &[Goal::at_least(99.5).on(2)], |s| tasks(s, NS_13600));
    by_sixteen("batch_eff_20ns",    &[Goal::at_least(90.0).on(2)], |s| batches(s, NS_20));
    by_sixteen("batch_eff_120ns",   &[Goal::at_least(97.0).on(2)], |s| batches(s, NS_120));
    by_sixteen("batch_eff_1350ns",  &[Goal::at_least(99.0).on(2)], |s| batches(s, NS_1350));
    by_sixteen("batch_eff_13600ns", &[Goal::at_least(99.5).on(2)], |s| batches(s, NS_13600));
    as_a_loop("loop_eff_20ns",    AS_A_LOOP, AS_FORK_UNION, |s| a_loop(s, Load::even(s, NS_20)));
    as_a_loop("loop_eff_120ns",   AS_A_LOOP, AS_FORK_UNION, |s| a_loop(s, Load::even(s, NS_120)));
    as_a_loop("loop_eff_1350ns",  AS_A_LOOP, AS_FORK_UNION, |s| a_loop(s, Load::even(s, NS_1350)));
    as_a_loop("loop_eff_13600ns", AS_A_LOOP, AS_FORK_UNION, |s| a_loop(s, Load::even(s, NS_13600)));
    as_a_loop("uneven", UNEVEN, &[Goal::at_least(95.0).on(2)], |s| a_loop(s, Load::uneven(s)));
};

const ONE_BY_ONE: &str = "tasks spawned one by one, from the first spawn to the end of all";
const BY_SIXTEEN: &str = "the same tasks, sixteen to a job";
const AS_A_LOOP: &str = "the same tasks as one parallel loop, entered from outside";
const UNEVEN: &str =
    "10,000 tasks as one parallel loop, every tenth a hundred times heavier than the others";
const AS_FORK_UNION: &[Goal] = &[Goal::against("fork_union", 1.0)];

type Contenders = fn(&Setting) -> Vec<Contender>;

const fn one_by_one(name: &'static str, goals: &'static [Goal], contenders: Contenders) -> Row {
    row(name, ONE_BY_ONE, contenders).goals(goals).required(&[
        "rayon.scope",
        "forte.scope",
        "chili.join",
        "fork_union.loop",
    ])
}

const fn by_sixteen(name: &'static str, goals: &'static [Goal], contenders: Contenders) -> Row {
    row(name, BY_SIXTEEN, contenders)
        .goals(goals)
        .required(&["rayon.scope", "forte.scope"])
}

const fn as_a_loop(
    name: &'static str,
    timed: &'static str,
    goals: &'static [Goal],
    contenders: Contenders,
) -> Row {
    row(name, timed, contenders)
        .goals(goals)
        .required(&["fork_union", "rayon", "orx", "paralight"])
}

const fn row(name: &'static str, timed: &'static str, contenders: Contenders) -> Row {
    Row::new(name, "%", timed, contenders)
        .higher_is_better()
        .workers(Workers::Several)
        .note(
            "Efficiency: serial time ÷ (workers × parallel time), serial measured in the same sample. \
The names are nominal times of a task, a fixed chain of dependent steps.",
        )
}

/// Tasks of one measurement, light and heavy ones.
#[derive(Clone, Copy)]
struct Load {
    workers: usize,
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
    fn even(setting: &Setting, task: Task) -> Self {
        Self::new(setting, task.count, task.steps, task.steps)
    }

    fn uneven(setting: &Setting) -> Self {
        Self::new(setting, 10_000, NS_120.steps, 100 * NS_120.steps)
    }

    fn new(setting: &Setting, count: usize, steps: u32, heavy: u32) -> Self {
        let mut load = Self {
            workers: setting.workers,
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

    /// The efficiency of `parallel`, which does all tasks and says how long it took, against a
    /// plain loop over them right before it.
    fn efficiency(&self, mut parallel: impl FnMut() -> Duration) -> Result<Sample, Wrong> {
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
        let of_one = serial_time.as_secs_f64() / parallel_time.as_secs_f64();
        Ok(Sample::of(100.0 * of_one / self.workers as f64))
    }
}

impl SpawnTest for Load {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        let load = &self;
        self.efficiency(|| {
            let jobs = (0..load.count).map(|number| move || load.run(number));
            stopwatch(|| library.spawn_each(jobs, || ()))
        })
    }
}

/// The same tasks, sixteen to a spawn.
#[derive(Clone, Copy)]
struct BySixteen(Load);

impl SpawnTest for BySixteen {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        let load = &self.0;
        load.efficiency(|| {
            let jobs = (0..load.count).step_by(16).map(|first| {
                let tasks = first..(first + 16).min(load.count);
                move || tasks.for_each(|number| load.run(number))
            });
            stopwatch(|| library.spawn_each(jobs, || ()))
        })
    }
}

impl LoopTest for Load {
    fn sample(self, library: &mut impl Looper) -> Result<Sample, Wrong> {
        self.efficiency(|| library.each(self.count, |number| self.run(number)))
    }
}

fn tasks(setting: &Setting, task: Task) -> Vec<Contender> {
    let load = Load::even(setting, task);
    let workers = setting.workers;
    let mut all = vec![spawning::ours(workers, Form::Detached, load)];
    all.extend(spawning::rivals(workers, load));
    all.push(Contender::shown("chili.join", move || {
        rivals::chili::inside(workers, |scope| {
            load.efficiency(|| stopwatch(|| halves(scope, &load, 0, load.count)))
        })
    }));
    all.push(Contender::shown("fork_union.loop", move || {
        let mut pool = rivals::fork_union::pool(workers);
        load.efficiency(|| {
            stopwatch(|| drop(pool.for_n_dynamic(load.count, |prong| load.run(prong.task_index))))
        })
    }));
    all
}

/// The tasks as leaves of a tree of joins, which is not spawning one by one.
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

/// Ours makes its batches itself; the rivals are given a spawn for each sixteen.
fn batches(setting: &Setting, task: Task) -> Vec<Contender> {
    let load = Load::even(setting, task);
    let mut all = vec![spawning::ours(setting.workers, Form::Batched, load)];
    all.extend(spawning::rivals(setting.workers, BySixteen(load)));
    all
}

fn a_loop(setting: &Setting, load: Load) -> Vec<Contender> {
    let mut all = loopers(setting.workers, load);
    all.push(static_halves(setting.workers, load));
    all
}
