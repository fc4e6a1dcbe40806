//! Rows `entry_*`, `wake_all`: what it takes to get in, and to get everybody out of bed.

use crate::harness::clock::{stopwatch, wait_until};
use crate::harness::row::{Contender, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::ours;
use crate::rivals;
use crate::workloads::rendezvous::Rendezvous;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) static ROWS: &[Row] = table! {
    row("entry_hot", "µs", HOT, &["fork_union", "bevy", "rayon"], entry_hot)
        .note(MEETING)
        .goals(&[Goal::against("ping-pong", 1.1).on(2)]);
    row("entry_hot_alone", "µs", ALONE, CALLS, entry_alone)
        .note(SPINS)
        .goals(&[Goal::at_most(0.05)]);
    row("entry_cold", "µs", COLD, CALLS, entry_cold)
        .note(SPINS)
        .goals(&[Goal::at_most(4.0).on(2), Goal::tail_at_most(10.0).on(2)]);
    row("wake_all", "µs", WAKE, &["rayon", "bevy"], wake_all)
        .note(SPINS)
        .goals(&[Goal::against("park/unpark", 1.2)]);
};

pub(super) const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    required: &'static [&'static str],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .workers(Workers::Several)
        .required(required)
}

const HOT: &str =
    "an empty loop entered from outside back to back, in which all workers meet; the median";
const ALONE: &str = "an empty call entered from outside back to back, which the caller may finish alone; the median";
const COLD: &str =
    "the same call after 5 ms of idling; the median, with the 99th percentile beside it";
const WAKE: &str = "after 5 ms of idling, from the entry until every worker has begun; the median";
const CALLS: &[&str] = &["forte", "chili", "bevy", "rayon"];

pub(super) const SPINS: &str =
    "fork_union's threads spin between loops and keep every core busy while idle.";
const MEETING: &str = "A library that runs the whole loop on one thread waits 2 ms in vain, and shows it. \
fork_union's threads spin between loops and keep every core busy while idle.";

/// A library that was entered once and can be entered again.
trait Entered {
    /// An empty call which the caller may finish alone.
    fn call(&mut self);

    /// A loop with one item for each worker, all of which meet inside.
    fn meet(&mut self, meeting: &Rendezvous);
}

struct Ours {
    system: bywash::JobSystem,
    workers: usize,
}

impl Entered for Ours {
    fn call(&mut self) {
        self.system.join(|_| (), |_| ());
    }

    fn meet(&mut self, meeting: &Rendezvous) {
        self.system
            .parallel_for(0..self.workers, |_| meeting.meet());
    }
}

impl Ours {
    fn new(workers: usize) -> Self {
        let system = ours::system(workers);
        Self { system, workers }
    }
}

struct Rayon {
    pool: rayon::ThreadPool,
}

impl Entered for Rayon {
    fn call(&mut self) {
        self.pool.install(|| rayon::join(|| (), || ()));
    }

    fn meet(&mut self, meeting: &Rendezvous) {
        self.pool.broadcast(|_| meeting.meet());
    }
}

struct Bevy {
    pool: bevy_tasks::TaskPool,
    workers: usize,
}

impl Entered for Bevy {
    fn call(&mut self) {
        self.pool.scope(|scope| {
            scope.spawn(async {});
            scope.spawn(async {});
        });
    }

    fn meet(&mut self, meeting: &Rendezvous) {
        self.pool.scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(async { meeting.meet() });
            }
        });
    }
}

struct ForkUnion {
    pool: fork_union::ThreadPool,
}

impl Entered for ForkUnion {
    fn call(&mut self) {
        let items = self.pool.threads();
        drop(self.pool.for_n(items, |_| ()));
    }

    fn meet(&mut self, meeting: &Rendezvous) {
        self.pool.for_threads(|_, _| meeting.meet()).join();
    }
}

/// Two threads, or more, that spin for each other: nothing that spins is faster.
fn ping_pong(workers: usize, entries: usize) -> Result<Sample, Wrong> {
    let (round, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    const OVER: usize = usize::MAX;
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|| {
                let mut seen = 0;
                loop {
                    // Acquire and Release: the caller's writes before a round are seen in it, and
                    // those of the round after it, as a loop's would be.
                    wait_until(|| round.load(Ordering::Acquire) != seen);
                    seen = round.load(Ordering::Acquire);
                    if seen == OVER {
                        return;
                    }
                    done.fetch_add(1, Ordering::Release);
                }
            });
        }
        let mut number = 0;
        let mut once = || {
            number += 1;
            round.store(number, Ordering::Release);
            wait_until(|| done.load(Ordering::Acquire) >= number * (workers - 1));
        };
        laps(entries / 10, &mut once);
        let latencies = laps(entries, &mut once);
        round.store(OVER, Ordering::Release);
        Ok(Sample::quantile_of(latencies, 0.5))
    })
}

/// The time from each end of `run` to the next, in microseconds: one reading of the clock a lap.
///
/// On a machine that is busy otherwise a lap can cost a scheduler's slice, so there are fewer of
/// them when [`LONG_ENOUGH`] is over.
fn laps(count: usize, mut run: impl FnMut()) -> Vec<f64> {
    let start = Instant::now();
    let mut before = start;
    let mut times = Vec::with_capacity(count);
    while times.len() < count && (before - start < LONG_ENOUGH || times.len() < 100) {
        run();
        let now = Instant::now();
        times.push((now - before).as_secs_f64() * 1e6);
        before = now;
    }
    times
}

const LONG_ENOUGH: Duration = Duration::from_millis(150);

fn entry_hot(setting: &Setting) -> Vec<Contender> {
    let (workers, entries) = (setting.workers, setting.repeats(20_000, 3_000));
    fn sample(mut entered: impl Entered, workers: usize, entries: usize) -> Result<Sample, Wrong> {
        let meeting = Rendezvous::new(workers);
        let warm = laps(entries / 10, || entered.meet(&meeting));
        let latencies = laps(entries, || entered.meet(&meeting));
        check(meeting.arrivals(), (warm.len() + latencies.len()) * workers)?;
        Ok(Sample::quantile_of(latencies, 0.5))
    }
    vec![
        Contender::ours(move || sample(Ours::new(workers), workers, entries)),
        Contender::rival("fork_union", move || {
            let pool = rivals::fork_union::pool(workers);
            sample(ForkUnion { pool }, workers, entries)
        }),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            sample(Bevy { pool, workers }, workers, entries)
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            sample(Rayon { pool }, workers, entries / 10)
        }),
        Contender::floor("ping-pong", move || ping_pong(workers, entries)),
    ]
}

fn entry_alone(setting: &Setting) -> Vec<Contender> {
    let (workers, entries) = (setting.workers, setting.repeats(20_000, 3_000));
    alone(workers, move |call| {
        laps(entries / 10, &mut *call);
        Ok(Sample::quantile_of(laps(entries, call), 0.5))
    })
}

fn entry_cold(setting: &Setting) -> Vec<Contender> {
    let (workers, entries) = (setting.workers, setting.repeats(60, 15));
    alone(workers, move |call| {
        let latencies = (0..entries)
            .map(|_| {
                thread::sleep(IDLE);
                stopwatch(&mut *call).as_secs_f64() * 1e6
            })
            .collect();
        Ok(Sample::quantile_of(latencies, 0.5))
    })
}

/// Long enough that every library that parks its threads has parked them.
const IDLE: Duration = Duration::from_millis(5);

/// The libraries with an empty call, each measured by `measure`.
fn alone(
    workers: usize,
    measure: impl Fn(&mut dyn FnMut()) -> Result<Sample, Wrong> + Copy + 'static,
) -> Vec<Contender> {
    vec![
        Contender::ours(move || {
            let mut entered = Ours::new(workers);
            measure(&mut || entered.call())
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            let mut entered = Rayon { pool };
            measure(&mut || entered.call())
        }),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            let mut entered = Bevy { pool, workers };
            measure(&mut || entered.call())
        }),
        Contender::rival("chili", move || {
            let pool = rivals::chili::pool(workers);
            measure(&mut || {
                pool.scope().join(|_| (), |_| ());
            })
        }),
        Contender::rival("forte", move || {
            let pool = rivals::forte::pool(workers);
            measure(&mut || {
                pool.join(|_| (), |_| ());
            })
        })
        .in_own_process(),
        Contender::shown("fork_union", move || {
            let pool = rivals::fork_union::pool(workers);
            let mut entered = ForkUnion { pool };
            measure(&mut || entered.call())
        }),
    ]
}

fn wake_all(setting: &Setting) -> Vec<Contender> {
    let (workers, entries) = (setting.workers, setting.repeats(60, 15));
    fn sample(
        workers: usize,
        entries: usize,
        mut wake: impl FnMut(&Rendezvous),
    ) -> Result<Sample, Wrong> {
        let meeting = Rendezvous::new(workers);
        let latencies = (0..entries)
            .map(|_| {
                thread::sleep(IDLE);
                stopwatch(|| wake(&meeting)).as_secs_f64() * 1e6
            })
            .collect();
        check(meeting.arrivals(), entries * workers)?;
        Ok(Sample::quantile_of(latencies, 0.5))
    }
    vec![
        Contender::ours(move || {
            let system = ours::system(workers);
            sample(workers, entries, |meeting| {
                system.broadcast(|_| meeting.meet());
            })
        }),
        Contender::rival("rayon", move || {
            let pool = rivals::rayon::pool(workers);
            let mut entered = Rayon { pool };
            sample(workers, entries, |meeting| entered.meet(meeting))
        }),
        Contender::rival("bevy", move || {
            let pool = rivals::bevy::pool(workers);
            let mut entered = Bevy { pool, workers };
            sample(workers, entries, |meeting| entered.meet(meeting))
        }),
        Contender::shown("fork_union", move || {
            let pool = rivals::fork_union::pool(workers);
            let mut entered = ForkUnion { pool };
            sample(workers, entries, |meeting| entered.meet(meeting))
        }),
        Contender::floor("park/unpark", move || {
            let is_over = AtomicBool::new(false);
            let asked = AtomicUsize::new(0);
            let meeting_now = Rendezvous::new(workers);
            thread::scope(|scope| {
                let sleepers: Vec<_> = (1..workers)
                    .map(|_| {
                        scope.spawn(|| {
                            for turn in 1.. {
                                while asked.load(Ordering::Acquire) < turn {
                                    thread::park();
                                }
                                if is_over.load(Ordering::Acquire) {
                                    return;
                                }
                                meeting_now.meet();
                            }
                        })
                    })
                    .collect();
                let wake = || {
                    // Release: a sleeper that sees the turn sees what was written before it.
                    asked.fetch_add(1, Ordering::Release);
                    sleepers.iter().for_each(|one| one.thread().unpark());
                };
                let latencies = (0..entries)
                    .map(|_| {
                        thread::sleep(IDLE);
                        let time = stopwatch(|| {
                            wake();
                            meeting_now.meet();
                        });
                        time.as_secs_f64() * 1e6
                    })
                    .collect();
                is_over.store(true, Ordering::Release);
                wake();
                Ok(Sample::quantile_of(latencies, 0.5))
            })
        }),
    ]
}
