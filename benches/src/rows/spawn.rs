//! Rows `spawn_*`: what a job costs when it is spawned one by one and does almost nothing.

use super::spawning::{self, Form, SpawnTest, Spawner};
use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Wrong, check};
use crate::harness::tally;
use crate::{ours, rivals};
use bywash::Context;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(super) static ROWS: &[Row] = table! {
    row("spawn_detached", FROM_ONE, detached)
        .required(SCOPES)
        .goals(&[Goal::at_most(3.0).on(1), Goal::at_most(3.0).on(2), Goal::of_best(0.1)]);
    row("spawn_recursive", FROM_EACH, recursive)
        .required(SCOPES)
        .goals(&[Goal::at_most(4.0).on(1), Goal::at_most(2.2).on(2), Goal::FIRST]);
    row("spawn_with_counter", FROM_ONE, with_counter)
        .required(SCOPES)
        .goals(&[Goal::at_most(3.5).on(1), Goal::at_most(4.0).on(2), Goal::FIRST]);
    row("spawn_job", TO_RESULTS, with_result)
        .required(&["rayon::spawn"])
        .goals(&[Goal::at_most(6.0).on(1), Goal::at_most(6.5).on(2), Goal::FIRST]);
    row("spawn_boxed", BOXED, boxed)
        .goals(&[Goal::at_least_times("bywash.spawn_detached", 2.0)]);
};

const FROM_ONE: &str =
    "from the first of 50,000 spawns to the moment the spawner knows that all are done";
const FROM_EACH: &str = "50,000 jobs, each spawning two more until all are there, to the moment the spawner knows that all are done";
const TO_RESULTS: &str =
    "from the first of 50,000 spawns to the last of their results in the spawner's hands";
const BOXED: &str = "spawn_detached on the same system, but with each job in a box from the heap";

const SCOPES: &[&str] = &["rayon.scope", "forte.scope", "bevy"];

const fn row(
    name: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ns/job", timed, contenders).note(
        "Each job adds the 8 bytes it captured to a sum of its own thread; the sum of sums is checked. \
Libraries are entered before the clock starts.",
    )
}

/// Jobs in one burst.
pub(super) const JOBS: u64 = 50_000;
/// What they add up to, each adding its number.
const SUM: u64 = JOBS * (JOBS - 1) / 2;

/// How often a burst is timed in one sample.
#[derive(Clone, Copy)]
pub(super) struct Bursts(usize);

impl Bursts {
    pub(super) fn of(setting: &Setting) -> Self {
        Self(setting.repeats(10, 3))
    }

    /// Times `burst`, each one checked, after one that is not timed.
    pub(super) fn time(self, mut burst: impl FnMut()) -> Result<Sample, Wrong> {
        let mut once = || {
            tally::take();
            let time = stopwatch(&mut burst);
            check(tally::take(), SUM).map(|()| time)
        };
        once()?;
        let mut total = Duration::ZERO;
        for _ in 0..self.0 {
            total += once()?;
        }
        Ok(Sample::nanoseconds_each(total, self.0 * JOBS as usize))
    }
}

/// A scope is both the only way and the only counter that the rivals have, so it stands for
/// detached and for counted jobs.
impl SpawnTest for Bursts {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        self.time(|| {
            let jobs = (0..JOBS).map(|number| move || tally::add(number));
            library.spawn_each(jobs, || ());
        })
    }
}

fn detached(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    let mut all = from_one(setting, Form::Detached);
    all.push(Contender::shown("fork_union.loop", move || {
        let mut pool = rivals::fork_union::pool(workers);
        bursts.time(|| {
            let items = JOBS as usize;
            drop(pool.for_n_dynamic(items, |prong| tally::add(prong.task_index as u64)));
        })
    }));
    all
}

fn with_counter(setting: &Setting) -> Vec<Contender> {
    from_one(setting, Form::Counted)
}

fn from_one(setting: &Setting, form: Form) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    let mut all = vec![spawning::ours(workers, form, bursts)];
    all.extend(spawning::rivals(workers, bursts));
    all.push(spawning::serial(bursts));
    all
}

#[derive(Clone, Copy)]
struct BoxedBursts(Bursts);

impl SpawnTest for BoxedBursts {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        self.0.time(|| {
            let jobs = (0..JOBS)
                .map(|number| -> Box<dyn FnOnce() + Send> { Box::new(move || tally::add(number)) });
            library.spawn_each(jobs, || ());
        })
    }
}

fn boxed(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    vec![
        spawning::ours(workers, Form::Detached, BoxedBursts(bursts)),
        spawning::ours_beside("bywash.spawn_detached", workers, bursts),
    ]
}

/// A node of the recursion spawns its children `2n + 1` and `2n + 2` while they are below this,
/// so 50,000 jobs in all, each adding its number.
fn children(number: u64) -> impl Iterator<Item = u64> {
    [2 * number + 1, 2 * number + 2]
        .into_iter()
        .filter(|&child| child < JOBS)
}

fn on_ours(context: &Context<'_>, number: u64) {
    tally::add(number);
    for child in children(number) {
        context.spawn_detached(move |context| on_ours(context, child));
    }
}

fn on_rayon<'scope>(scope: &rayon::Scope<'scope>, number: u64) {
    tally::add(number);
    for child in children(number) {
        scope.spawn(move |scope| on_rayon(scope, child));
    }
}

fn on_forte<'scope>(scope: &forte::Scope<'scope>, number: u64) {
    tally::add(number);
    for child in children(number) {
        scope.spawn(move |scope: &forte::Scope<'scope>| on_forte(scope, child));
    }
}

fn on_bevy<'scope, 'env: 'scope>(
    scope: &'scope bevy_tasks::Scope<'scope, 'env, ()>,
    number: u64,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'scope>> {
    Box::pin(async move {
        tally::add(number);
        for child in children(number) {
            scope.spawn(on_bevy(scope, child));
        }
    })
}

fn recursive(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    vec![
        Contender::ours(move || {
            ours::inside(workers, |outside| {
                bursts.time(|| outside.frame(|frame| frame.spawn_detached(|cx| on_ours(cx, 0))))
            })
        }),
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                bursts.time(|| rayon::scope(|scope| scope.spawn(|scope| on_rayon(scope, 0))))
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                let root = |scope: &forte::Scope<'_>| on_forte(scope, 0);
                bursts.time(|| worker.scope(|scope| scope.spawn(root)))
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            bursts.time(|| {
                pool.scope(|scope| scope.spawn(on_bevy(scope, 0)));
            })
        }),
        spawning::serial(bursts),
    ]
}

/// Slots that jobs leave their results in, for libraries whose jobs have none.
struct Results(Vec<AtomicU64>);

impl Results {
    fn new() -> Self {
        Self((0..JOBS).map(|_| AtomicU64::new(0)).collect())
    }

    fn leave(&self, number: u64) {
        self.0[number as usize].store(number, Ordering::Relaxed);
    }

    fn collect(&self) {
        let results = self.0.iter().map(|slot| slot.swap(0, Ordering::Relaxed));
        tally::add(results.fold(0, u64::wrapping_add));
    }
}

#[derive(Clone, Copy)]
struct BurstsWithResults(Bursts);

impl SpawnTest for BurstsWithResults {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        let results = &Results::new();
        self.0.time(|| {
            let jobs = (0..JOBS).map(|number| move || results.leave(number));
            library.spawn_each(jobs, || ());
            results.collect();
        })
    }
}

fn with_result(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    let mut all = vec![
        Contender::ours(move || {
            ours::inside(workers, |outside| {
                bursts.time(|| outside.frame(|frame| spawn_and_collect(frame)))
            })
        }),
        Contender::rival("rayon::spawn", move || {
            rivals::rayon::inside(workers, || {
                // A job of this kind may borrow nothing.
                let results: &'static Results = Box::leak(Box::new(Results::new()));
                static LEFT: AtomicU64 = AtomicU64::new(0);
                bursts.time(|| {
                    LEFT.store(JOBS, Ordering::Relaxed);
                    for number in 0..JOBS {
                        rayon::spawn(move || {
                            results.leave(number);
                            // Release: pairs with the Acquire of the spawner's wait below.
                            LEFT.fetch_sub(1, Ordering::Release);
                        });
                    }
                    while LEFT.load(Ordering::Acquire) > 0 {
                        rayon::yield_now();
                    }
                    results.collect();
                })
            })
        }),
    ];
    all.extend(spawning::rivals(workers, BurstsWithResults(bursts)));
    all.push(spawning::serial(BurstsWithResults(bursts)));
    all
}

fn spawn_and_collect(context: &Context<'_>) {
    let mut handles = context.arena().frame_vec_with_capacity(JOBS as usize);
    for number in 0..JOBS {
        handles.push(context.spawn_job(move |_| number));
    }
    let results = handles.drain(..).map(|handle| handle.wait(context));
    tally::add(results.fold(0, u64::wrapping_add));
}
