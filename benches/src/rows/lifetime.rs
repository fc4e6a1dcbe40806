//! Rows `idle_cpu`, `startup_*`: what a pool costs when it does nothing, comes and goes.

use super::wake::{SPINS, row};
use crate::harness::clock::{cpu_time_of_others, stopwatch, wait_until};
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong};
use crate::ours;
use crate::rivals;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) static ROWS: &[Row] = table! {
    row("idle_cpu", "ms/s", IDLE_CPU, &["rayon", "chili", "forte"], idle_cpu)
        .note(SPINS)
        .goals(&[Goal::at_most(0.03)]);
    row("startup_2", "µs", START_2, &["rayon", "bevy"], startup)
        .workers(Workers::Fixed(2))
        .note(STARTUP)
        .goals(&[Goal::against("std threads", 1.1)]);
    row("startup_32", "µs", START_32, &["rayon", "bevy"], startup)
        .workers(Workers::Fixed(32))
        .note(STARTUP)
        .goals(&[Goal::against("std threads", 1.1)]);
    row("startup_first_job", "µs", FIRST_JOB, &["rayon", "bevy"], first_job)
        .workers(Workers::Fixed(2))
        .goals(&[Goal::at_most(60.0)]);
};

const IDLE_CPU: &str = "CPU time in one second (0.2 s in a short run), from 100 ms after the last job on, less that of the thread that measures";
const START_2: &str = "build, 2 threads begun, one job done, drop";
const START_32: &str = "build, 32 threads begun, one job done, drop";
const FIRST_JOB: &str = "from the start of building to the end of the first job";

const STARTUP: &str = "The calling thread is not among those that begin: bywash is built with a seat more, \
which is the caller's. rayon's drop does not wait for its threads to end; the others' does.";

fn idle_cpu(setting: &Setting) -> Vec<Contender> {
    let workers = setting.workers;
    let window = Duration::from_millis(setting.repeats(1_000, 200) as u64);
    let measure = move || {
        thread::sleep(Duration::from_millis(100));
        let (cpu, start) = (cpu_time_of_others(), Instant::now());
        thread::sleep(window);
        let burnt = cpu_time_of_others().saturating_sub(cpu);
        Sample::of(burnt.as_secs_f64() * 1e3 / start.elapsed().as_secs_f64())
    };
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            system.broadcast(|_| ());
            Ok(measure())
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            pool.broadcast(|_| ());
            Ok(measure())
        }),
        Contender::rival("chili", move || {
            let pool = rivals::chili::pool(workers);
            pool.scope().join(|_| (), |_| ());
            Ok(measure())
        }),
        Contender::rival("forte", move || {
            rivals::forte::pool(workers).join(|_| (), |_| ());
            Ok(measure())
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            pool.scope(|scope| scope.spawn(async {}));
            Ok(measure())
        }),
        Contender::shown("fork_union", move || {
            let mut pool = rivals::fork_union::pool(workers);
            drop(pool.for_n(workers, |_| ()));
            Ok(measure())
        }),
        Contender::floor("no pool", move || Ok(measure())),
    ]
}

/// How many times one sample starts and stops.
fn starts(setting: &Setting) -> usize {
    let threads = setting.repeats(640, 128);
    (threads / setting.workers).max(2)
}

fn startup(setting: &Setting) -> Vec<Contender> {
    let (workers, starts) = (setting.workers, starts(setting));
    fn sample(starts: usize, mut start: impl FnMut() -> Duration) -> Result<Sample, Wrong> {
        start();
        let times = (0..starts).map(|_| start().as_secs_f64() * 1e6).collect();
        Ok(Sample::quantile_of(times, 0.5))
    }
    vec![
        Contender::ours(move || {
            let seats = workers + 1;
            sample(starts, || {
                let begun = AtomicUsize::new(0);
                let time = stopwatch(|| {
                    let system = ours::system(seats);
                    system.broadcast(|_| begun.fetch_add(1, Ordering::Relaxed));
                    system.join(|_| (), |_| ());
                });
                assert_eq!(begun.into_inner(), seats, "each seat has begun");
                time
            })
        }),
        Contender::rival("rayon", move || {
            sample(starts, || {
                let (begun, ended) = (counter(), counter());
                let time = stopwatch(|| {
                    let pool = rayon::ThreadPoolBuilder::new()
                        .num_threads(workers)
                        .start_handler(counting(&begun))
                        .exit_handler(counting(&ended))
                        .build()
                        .expect("a few threads can be started");
                    pool.install(|| ());
                    wait_until(|| begun.load(Ordering::Acquire) == workers);
                });
                // Its threads end behind the drop's back; the next start must not meet them.
                wait_until(|| ended.load(Ordering::Acquire) == workers);
                time
            })
        }),
        Contender::rival("bevy", move || {
            sample(starts, || {
                let begun = counter();
                let begins = Arc::clone(&begun);
                stopwatch(|| {
                    let pool = bevy_tasks::TaskPoolBuilder::new()
                        .num_threads(workers)
                        .on_thread_spawn(move || {
                            begins.fetch_add(1, Ordering::Release);
                        })
                        .build();
                    pool.scope(|scope| scope.spawn(async {}));
                    wait_until(|| begun.load(Ordering::Acquire) == workers);
                })
            })
        }),
        Contender::floor("std threads", move || {
            sample(starts, || {
                stopwatch(|| {
                    let begun = AtomicUsize::new(0);
                    thread::scope(|scope| {
                        for _ in 0..workers {
                            scope.spawn(|| begun.fetch_add(1, Ordering::Release));
                        }
                    });
                })
            })
        }),
    ]
}

fn counter() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

/// A handler that counts its calls.
fn counting(counter: &Arc<AtomicUsize>) -> impl Fn(usize) + Send + Sync + 'static {
    let counter = Arc::clone(counter);
    move |_| {
        counter.fetch_add(1, Ordering::Release);
    }
}

fn first_job(setting: &Setting) -> Vec<Contender> {
    let (workers, starts) = (setting.workers, starts(setting));
    fn sample(starts: usize, mut first: impl FnMut(Instant) -> Duration) -> Result<Sample, Wrong> {
        first(Instant::now());
        let times = (0..starts)
            .map(|_| first(Instant::now()).as_secs_f64() * 1e6)
            .collect();
        Ok(Sample::quantile_of(times, 0.5))
    }
    vec![
        Contender::ours(move || {
            sample(starts, |start| {
                let system = ours::system(workers);
                system.join(|_| (), |_| ());
                start.elapsed()
            })
        }),
        Contender::rival("rayon", move || {
            sample(starts, |start| {
                let pool = rivals::rayon::pool(workers);
                pool.install(|| ());
                start.elapsed()
            })
        }),
        Contender::rival("bevy", move || {
            sample(starts, |start| {
                let pool = rivals::bevy::pool(workers);
                pool.scope(|scope| scope.spawn(async {}));
                start.elapsed()
            })
        }),
        Contender::rival("chili", move || {
            sample(starts, |start| {
                let pool = rivals::chili::pool(workers);
                pool.scope().join(|_| (), |_| ());
                start.elapsed()
            })
        }),
        Contender::floor("std thread", move || {
            sample(starts, |start| {
                thread::spawn(|| ())
                    .join()
                    .expect("an empty thread ends well");
                start.elapsed()
            })
        }),
    ]
}
