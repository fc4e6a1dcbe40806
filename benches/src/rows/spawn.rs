//! Rows `spawn_*`: what a job costs when it is spawned one by one and does almost nothing.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Wrong, check};
use crate::harness::tally;
use crate::ours;
use crate::rivals;
use bywash::Context;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TIMED: &str =
    "from the first of 50,000 spawns to the moment the spawner knows that all are done";

const fn row(
    name: &'static str,
    timed: &'static str,
    required: &'static [&'static str],
    goals: &'static [Goal],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ns/job", timed, contenders)
        .required(required)
        .goals(goals)
        .note("Each job adds the 8 bytes it captured to a sum of its own thread; the sum of sums is checked.")
}

const SCOPES: &[&str] = &["rayon.scope", "forte.scope", "bevy"];

pub(super) static ROWS: &[Row] = &[
    row(
        "spawn_detached",
        TIMED,
        SCOPES,
        &[
            Goal::at_most(3.0).on(1),
            Goal::at_most(3.0).on(2),
            Goal::FIRST,
        ],
        detached,
    ),
    row(
        "spawn_recursive",
        "50,000 jobs, each spawning two more until all are there, to the moment the spawner knows that all are done",
        SCOPES,
        &[
            Goal::at_most(4.0).on(1),
            Goal::at_most(2.2).on(2),
            Goal::FIRST,
        ],
        recursive,
    ),
    row(
        "spawn_with_counter",
        TIMED,
        SCOPES,
        &[
            Goal::at_most(3.5).on(1),
            Goal::at_most(4.0).on(2),
            Goal::FIRST,
        ],
        with_counter,
    ),
    row(
        "spawn_job",
        "from the first of 50,000 spawns to the last of their results in the spawner's hands",
        &["rayon::spawn"],
        &[
            Goal::at_most(6.0).on(1),
            Goal::at_most(6.5).on(2),
            Goal::FIRST,
        ],
        with_result,
    ),
    Row::new(
        "spawn_boxed",
        "ns/job",
        "spawn_detached on the same system, but with each job in a box from the heap",
        boxed,
    )
    .goals(&[Goal::at_least_times("bywash.spawn_detached", 2.0)]),
];

/// Jobs in one burst.
const JOBS: u64 = 50_000;
/// What they add up to, each adding its number.
const SUM: u64 = JOBS * (JOBS - 1) / 2;

/// Bursts a sample: the first one warms up.
fn bursts(setting: &Setting) -> usize {
    setting.repeats(10, 3)
}

/// Times `bursts` of `burst`, each checked, after one that is not timed.
fn measure(
    bursts: usize,
    expected: u64,
    mut burst: impl FnMut() -> Duration,
) -> Result<Sample, Wrong> {
    tally::take();
    burst();
    check(tally::take(), expected)?;
    let mut total = Duration::ZERO;
    for _ in 0..bursts {
        total += burst();
        check(tally::take(), expected)?;
    }
    Ok(Sample::nanoseconds_each(total, bursts * JOBS as usize))
}

fn serial(setting: &Setting) -> Contender {
    let bursts = bursts(setting);
    Contender::floor("serial", move || {
        measure(bursts, SUM, || {
            let start = Instant::now();
            for number in 0..JOBS {
                tally::add(std::hint::black_box(number));
            }
            start.elapsed()
        })
    })
}

/// The rivals' spawns inside a scope, which count as detached and as counted ones: a scope is
/// both the only way and the only counter that they have.
fn scopes(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, bursts(setting));
    vec![
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    rayon::scope(|scope| {
                        for number in 0..JOBS {
                            scope.spawn(move |_| tally::add(number));
                        }
                    });
                    start.elapsed()
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    worker.scope(|scope| {
                        for number in 0..JOBS {
                            scope.spawn(move |_: &forte::Scope<'_>| tally::add(number));
                        }
                    });
                    start.elapsed()
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            measure(bursts, SUM, || {
                let start = Instant::now();
                pool.scope(|scope| {
                    for number in 0..JOBS {
                        scope.spawn(async move { tally::add(number) });
                    }
                });
                start.elapsed()
            })
        }),
        serial(setting),
    ]
}

/// Loops over the same 50,000 bodies, shown beside: they hand out ranges, not jobs.
fn loops(setting: &Setting) -> Contender {
    let (workers, bursts) = (setting.workers, bursts(setting));
    Contender::shown("fork_union.loop", move || {
        let mut pool = rivals::fork_union::pool(workers);
        measure(bursts, SUM, || {
            stopwatch(|| {
                drop(pool.for_n_dynamic(JOBS as usize, |prong| {
                    tally::add(prong.task_index as u64);
                }));
            })
        })
    })
}

/// Bursts on our own system, from inside a job: `burst` spawns into a frame of its own.
fn ours(
    setting: &Setting,
    burst: impl for<'frame> Fn(&Context<'frame>) + 'static,
) -> impl FnMut() -> Result<Sample, Wrong> + 'static {
    let (workers, bursts) = (setting.workers, bursts(setting));
    move || {
        ours::inside(workers, |outside| {
            measure(bursts, SUM, || {
                stopwatch(|| outside.frame(|frame| burst(frame)))
            })
        })
    }
}

fn spawn_each(context: &Context<'_>) {
    for number in 0..JOBS {
        context.spawn_detached(move |_| tally::add(number));
    }
}

fn detached(setting: &Setting) -> Vec<Contender> {
    let mut all = vec![Contender::ours(ours(setting, spawn_each))];
    all.extend(scopes(setting));
    all.push(loops(setting));
    all
}

fn boxed(setting: &Setting) -> Vec<Contender> {
    let spawn_boxes = |context: &Context<'_>| {
        for number in 0..JOBS {
            let job: Box<dyn FnOnce() + Send> = Box::new(move || tally::add(number));
            context.spawn_detached(move |_| job());
        }
    };
    vec![
        Contender::ours(ours(setting, spawn_boxes)),
        Contender::shown("bywash.spawn_detached", ours(setting, spawn_each)),
    ]
}

fn with_counter(setting: &Setting) -> Vec<Contender> {
    let spawn_and_wait = |context: &Context<'_>| {
        let group = context.counter();
        for number in 0..JOBS {
            context.spawn_with_counter(group, move |_| tally::add(number));
        }
        context.wait(group);
    };
    let mut all = vec![Contender::ours(ours(setting, spawn_and_wait))];
    all.extend(scopes(setting));
    all
}

/// A node of the recursion spawns its children `2n + 1` and `2n + 2` while they are below this,
/// so 50,000 jobs in all, each adding its number.
fn children(number: u64) -> impl Iterator<Item = u64> {
    [2 * number + 1, 2 * number + 2]
        .into_iter()
        .filter(|&child| child < JOBS)
}

fn recursive(setting: &Setting) -> Vec<Contender> {
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

    fn on_ours(context: &Context<'_>, number: u64) {
        tally::add(number);
        for child in children(number) {
            context.spawn_detached(move |context| on_ours(context, child));
        }
    }

    let (workers, bursts) = (setting.workers, bursts(setting));
    vec![
        Contender::ours(ours(setting, |context| {
            context.spawn_detached(|context| on_ours(context, 0));
        })),
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    rayon::scope(|scope| scope.spawn(|scope| on_rayon(scope, 0)));
                    start.elapsed()
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    worker.scope(|scope| {
                        scope.spawn(|scope: &forte::Scope<'_>| on_forte(scope, 0));
                    });
                    start.elapsed()
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            measure(bursts, SUM, || {
                let start = Instant::now();
                pool.scope(|scope| scope.spawn(on_bevy(scope, 0)));
                start.elapsed()
            })
        }),
        serial(setting),
    ]
}

fn with_result(setting: &Setting) -> Vec<Contender> {
    /// Slots that jobs leave their results in, and how many have.
    struct Results {
        slots: Vec<AtomicU64>,
        left: AtomicU64,
    }

    impl Results {
        fn new() -> Self {
            Self {
                slots: (0..JOBS).map(|_| AtomicU64::new(0)).collect(),
                left: AtomicU64::new(0),
            }
        }

        fn leave(&self, number: u64) {
            tally::add(0);
            self.slots[number as usize].store(number, Ordering::Relaxed);
        }

        fn collect(&self) {
            let sum = self
                .slots
                .iter()
                .map(|slot| slot.swap(0, Ordering::Relaxed));
            tally::add(sum.fold(0, u64::wrapping_add));
        }
    }

    let (workers, bursts) = (setting.workers, bursts(setting));
    let spawn_and_collect = |context: &Context<'_>| {
        let mut handles = context.arena().frame_vec_with_capacity(JOBS as usize);
        for number in 0..JOBS {
            handles.push(context.spawn_job(move |_| number));
        }
        let results = handles.drain(..).map(|handle| handle.wait(context));
        tally::add(results.fold(0, u64::wrapping_add));
    };
    vec![
        Contender::ours(ours(setting, spawn_and_collect)),
        Contender::rival("rayon::spawn", move || {
            let results: &'static Results = Box::leak(Box::new(Results::new()));
            rivals::rayon::inside(workers, || {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    results.left.store(JOBS, Ordering::Relaxed);
                    for number in 0..JOBS {
                        rayon::spawn(move || {
                            results.leave(number);
                            // Release: pairs with the Acquire of the spawner's wait below.
                            results.left.fetch_sub(1, Ordering::Release);
                        });
                    }
                    while results.left.load(Ordering::Acquire) > 0 {
                        rayon::yield_now();
                    }
                    results.collect();
                    start.elapsed()
                })
            })
        }),
        Contender::rival("rayon.scope", move || {
            let results = Results::new();
            let results = &results;
            rivals::rayon::inside(workers, || {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    rayon::scope(|scope| {
                        for number in 0..JOBS {
                            scope.spawn(move |_| results.leave(number));
                        }
                    });
                    results.collect();
                    start.elapsed()
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            let results = Results::new();
            let results = &results;
            rivals::forte::inside(workers, |worker| {
                measure(bursts, SUM, || {
                    let start = Instant::now();
                    worker.scope(|scope| {
                        for number in 0..JOBS {
                            scope.spawn(move |_: &forte::Scope<'_>| results.leave(number));
                        }
                    });
                    results.collect();
                    start.elapsed()
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            measure(bursts, SUM, || {
                let start = Instant::now();
                let results = pool.scope(|scope| {
                    for number in 0..JOBS {
                        scope.spawn(async move { number });
                    }
                });
                tally::add(results.into_iter().fold(0, u64::wrapping_add));
                start.elapsed()
            })
        }),
        serial(setting),
    ]
}
