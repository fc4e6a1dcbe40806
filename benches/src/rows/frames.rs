//! Rows shaped like a game: ticks at 60 Hz, many short loops a step, sand, transforms, a producer.

use super::fork_join::{ForkJoin, Per};
use crate::harness::clock::{process_cpu_time, spin_for, stopwatch};
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::tally;
use crate::ours;
use crate::rivals;
use crate::workloads::bodies::{BODIES, Cluster};
use crate::workloads::chain;
use crate::workloads::fork_join::{serial, with_bywash, with_chili, with_forte, with_rayon};
use crate::workloads::hierarchy::{IDENTITY, Joint};
use crate::workloads::sand::{GRAINS, HEIGHT, Sand};
use orx_parallel::{IntoParIter, Par};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::thread;
use std::time::{Duration, Instant};

const LOOPS: &[&str] = &["rayon", "fork_union"];
const SCOPES: &[&str] = &["rayon.scope", "bevy"];
const JOINS: &[&str] = &["rayon", "chili", "forte"];

pub(super) static ROWS: &[Row] = &[
    Row::new("tick", "µs", TICK, |setting| ticks(setting, tick_time))
        .family(Family::Frame)
        .workers(Workers::Several)
        .required(SCOPES)
        .goals(&[Goal::FIRST])
        .note("The gap of 3 ms is part of every frame; nobody can do without it."),
    Row::new("tick_cpu", "ms/s", TICK_CPU, |setting| ticks(setting, tick_cpu))
        .family(Family::Frame)
        .workers(Workers::Several)
        .required(SCOPES)
        .goals(&[Goal::FIRST]),
    Row::new("nbody_128", "ms", NBODY, nbody)
        .family(Family::Frame)
        .required(LOOPS)
        .goals(&[Goal::FIRST, Goal::speed_up(1.95).on(2)])
        .note("20,000 steps in fork_union's own benchmark; the time is that of 1,000."),
    Row::new(
        "sand_100k",
        "ms",
        "one frame of falling sand: clear a grid of 1,024 × 512, populate it with 100,000 grains, update them",
        sand,
    )
    .family(Family::Frame)
    .required(LOOPS)
    .goals(&[Goal::FIRST]),
    Row::new("hierarchy_8x2", "µs", HIERARCHY, |setting| hierarchy(setting, 8, 2))
        .family(Family::Frame)
        .required(JOINS)
        .goals(&[Goal::FIRST]),
    Row::new("hierarchy_6x3", "µs", HIERARCHY, |setting| hierarchy(setting, 6, 3))
        .family(Family::Frame)
        .required(JOINS)
        .goals(&[Goal::FIRST]),
    Row::new("hierarchy_4x4", "µs", HIERARCHY, |setting| hierarchy(setting, 4, 4))
        .family(Family::Frame)
        .required(JOINS)
        .goals(&[Goal::FIRST]),
    Row::new(
        "producer",
        "ms",
        "a job makes 1,000 items in about a microsecond each and spawns a consumer as long for each; until all are consumed",
        producer,
    )
    .family(Family::Frame)
    .required(SCOPES)
    .goals(&[Goal::FIRST]),
];

const TICK: &str = "a frame at 60 Hz: 12 times 200 µs alone and a burst of 36 jobs of 4 µs, with a gap of 3 ms in the middle; the 99th percentile";
const TICK_CPU: &str = "the same frames: CPU time of the whole process in a second";
const NBODY: &str = "1,000 steps of gravity among 128 bodies, two loops a step";
const HIERARCHY: &str = "every transform of a tree (levels below the root × children of a node) times its parent's, by join";

/// Something that runs a burst of jobs and returns when they are done.
type Burst<'burst> = dyn FnMut(&(dyn Fn(usize) + Sync), usize) + 'burst;

const BURSTS: usize = 12;
const JOBS: usize = 36;
/// About 4 µs.
const STEPS: u32 = 3_700;
const ALONE: Duration = Duration::from_micros(200);
const GAP: Duration = Duration::from_millis(3);
const FRAME: Duration = Duration::from_nanos(16_666_667);

/// Runs frames at 60 Hz; the time of each, in microseconds, without the rest until the next.
fn run_frames(frames: usize, burst: &mut Burst<'_>) -> Result<Vec<f64>, Wrong> {
    let job = |number: usize| tally::add(chain::run(number as u64, STEPS));
    let sum = (0..JOBS)
        .map(|number| chain::run(number as u64, STEPS))
        .fold(0, u64::wrapping_add);
    tally::take();
    let start = Instant::now();
    (0..frames)
        .map(|number| {
            let begin = start + FRAME * number as u32;
            thread::sleep(begin.saturating_duration_since(Instant::now()));
            let time = stopwatch(|| {
                for turn in 0..BURSTS {
                    spin_for(ALONE);
                    burst(&job, JOBS);
                    if turn == BURSTS / 2 {
                        thread::sleep(GAP);
                    }
                }
            });
            check(tally::take(), sum.wrapping_mul(BURSTS as u64))?;
            Ok(time.as_secs_f64() * 1e6)
        })
        .collect()
}

fn tick_time(frames: usize, burst: &mut Burst<'_>) -> Result<Sample, Wrong> {
    Ok(Sample::quantile_of(run_frames(frames, burst)?, 0.99))
}

fn tick_cpu(frames: usize, burst: &mut Burst<'_>) -> Result<Sample, Wrong> {
    let (cpu, start) = (process_cpu_time(), Instant::now());
    run_frames(frames, burst)?;
    let burnt = process_cpu_time() - cpu;
    Ok(Sample::of(
        burnt.as_secs_f64() * 1e3 / start.elapsed().as_secs_f64(),
    ))
}

fn ticks(
    setting: &Setting,
    measure: fn(usize, &mut Burst<'_>) -> Result<Sample, Wrong>,
) -> Vec<Contender> {
    let (workers, frames) = (setting.workers, setting.repeats(60, 15));
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            measure(frames, &mut |job, count| {
                system.frame(|frame| {
                    for number in 0..count {
                        frame.spawn_detached(move |_| job(number));
                    }
                });
            })
        }),
        Contender::rival("rayon.scope", move || {
            let pool = rivals::rayon::pool(workers);
            measure(frames, &mut |job, count| {
                pool.scope(|scope| {
                    for number in 0..count {
                        scope.spawn(move |_| job(number));
                    }
                });
            })
        }),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            measure(frames, &mut |job, count| {
                pool.scope(|scope| {
                    for number in 0..count {
                        scope.spawn(async move { job(number) });
                    }
                });
            })
        }),
        Contender::floor("serial", move || {
            measure(frames, &mut |job, count| (0..count).for_each(job))
        }),
    ]
}

/// A loop as each library runs it.
type Loop<'pool> = dyn FnMut(usize, &(dyn Fn(usize) + Sync)) + 'pool;

/// The libraries with a loop; `measure` is given one and takes a sample with it.
///
/// The body is called through a pointer, the same for everybody, once for many items' work.
fn loops(
    workers: usize,
    measure: impl Fn(&mut Loop<'_>) -> Result<Sample, Wrong> + Clone + 'static,
) -> Vec<Contender> {
    let [ours, on_rayon, on_fork_union, on_orx, on_paralight, serial] =
        [(); 6].map(|()| measure.clone());
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            ours(&mut |count, body| system.parallel_for(0..count, body))
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            on_rayon(&mut |count, body| {
                pool.install(|| (0..count).into_par_iter().for_each(body));
            })
        }),
        Contender::rival("fork_union", move || {
            let mut pool = rivals::fork_union::pool(workers);
            on_fork_union(&mut |count, body| {
                drop(pool.for_n(count, |prong| body(prong.task_index)));
            })
        }),
        Contender::rival("orx", move || {
            on_orx(&mut |count, body| {
                (0..count).into_par().num_threads(workers).for_each(body);
            })
        }),
        Contender::rival("paralight", move || {
            let mut pool = rivals::paralight::pool(workers);
            on_paralight(&mut |count, body| rivals::paralight::for_each(&mut pool, count, body))
        }),
        Contender::floor("serial", move || {
            serial(&mut |count, body| (0..count).for_each(body))
        }),
    ]
}

fn nbody(setting: &Setting) -> Vec<Contender> {
    let steps = setting.repeats(1_000, 200);
    let run = move |all: &mut Loop<'_>| {
        let cluster = Cluster::default();
        let time = stopwatch(|| {
            for _ in 0..steps {
                all(BODIES, &|which| cluster.attract(which));
                all(BODIES, &|which| cluster.advance(which));
            }
        });
        (time, cluster.fingerprint())
    };
    let (_, expected) = run(&mut |count, body| (0..count).for_each(body));
    loops(setting.workers, move |all| {
        let (time, answer) = run(all);
        check(answer, expected)?;
        Ok(Sample::of(time.as_secs_f64() * 1e6 / steps as f64))
    })
}

fn sand(setting: &Setting) -> Vec<Contender> {
    let frames = setting.repeats(60, 15);
    let run = move |all: &mut Loop<'_>| {
        let sand = Sand::default();
        let time = stopwatch(|| {
            for _ in 0..frames {
                all(HEIGHT, &|row| sand.clear(row));
                all(GRAINS, &|grain| sand.populate(grain));
                all(GRAINS, &|grain| sand.update(grain));
            }
        });
        (time, sand.fingerprint())
    };
    let (_, expected) = run(&mut |count, body| (0..count).for_each(body));
    loops(setting.workers, move |all| {
        let (time, answer) = run(all);
        check(answer, expected)?;
        Ok(Sample::milliseconds(time / frames as u32))
    })
}

fn hierarchy(setting: &Setting, depth: u32, branching: usize) -> Vec<Contender> {
    ForkJoin {
        work: Joint::tree(depth, branching),
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: Joint::known_sum(depth, branching),
        calls: setting.repeats(2_000, 400),
        timings: 1,
        per: Per::Microseconds,
        serial: &[("serial", |root, sum| {
            *sum += serial::transforms((), root, &IDENTITY);
        })],
        ours: |cx, root, sum| *sum += with_bywash::transforms(cx, root, &IDENTITY),
        rayon: |root, sum| *sum += with_rayon::transforms((), root, &IDENTITY),
        chili: |scope, root, sum| *sum += with_chili::transforms(scope, root, &IDENTITY),
        chili_swapped: None,
        forte: |worker, root, sum| *sum += with_forte::transforms(worker, root, &IDENTITY),
    }
    .contenders(setting)
}

fn producer(setting: &Setting) -> Vec<Contender> {
    const ITEMS: u64 = 1_000;
    /// About a microsecond.
    const STEPS: u32 = 920;
    let (workers, repeats) = (setting.workers, setting.repeats(20, 5));
    let produce = |number: u64| chain::run(number, STEPS);
    let consume = |item: u64| tally::add(chain::run(item, STEPS));
    let expected = (0..ITEMS)
        .map(|number| chain::run(produce(number), STEPS))
        .fold(0, u64::wrapping_add);
    let measure = move |run: &mut dyn FnMut()| {
        tally::take();
        run();
        check(tally::take(), expected)?;
        let time = stopwatch(|| (0..repeats).for_each(|_| run()));
        check(tally::take(), expected.wrapping_mul(repeats as u64))?;
        Ok(Sample::milliseconds(time / repeats as u32))
    };
    vec![
        Contender::ours(move || {
            ours::inside(workers, |outside| {
                measure(&mut || {
                    outside.frame(|frame| {
                        for number in 0..ITEMS {
                            let item = produce(number);
                            frame.spawn_detached(move |_| consume(item));
                        }
                    });
                })
            })
        }),
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || {
                measure(&mut || {
                    rayon::scope(|scope| {
                        for number in 0..ITEMS {
                            let item = produce(number);
                            scope.spawn(move |_| consume(item));
                        }
                    });
                })
            })
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| {
                measure(&mut || {
                    worker.scope(|scope| {
                        for number in 0..ITEMS {
                            let item = produce(number);
                            scope.spawn(move |_: &forte::Scope<'_>| consume(item));
                        }
                    });
                })
            })
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            measure(&mut || {
                pool.scope(|scope| {
                    for number in 0..ITEMS {
                        let item = produce(number);
                        scope.spawn(async move { consume(item) });
                    }
                });
            })
        }),
        Contender::floor("serial", move || {
            measure(&mut || (0..ITEMS).for_each(|number| consume(produce(number))))
        }),
    ]
}
