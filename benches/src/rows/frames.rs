//! Rows shaped like a game: ticks at 60 Hz, many short loops a step, sand, transforms, a producer.

use super::fork_join::{ForkJoin, Per, everywhere};
use super::looping::{self, LoopTest, Looper};
use super::spawning::{self, Form, SpawnTest, Spawner};
use crate::harness::clock::{process_cpu_time, spin_for, stopwatch};
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::tally;
use crate::workloads::bodies::{BODIES, Cluster};
use crate::workloads::chain;
use crate::workloads::hierarchy::{IDENTITY, Joint};
use crate::workloads::sand::{GRAINS, HEIGHT, Sand};
use std::thread;
use std::time::{Duration, Instant};

pub(super) static ROWS: &[Row] = table! {
    row("tick", "µs", TICK, SCOPES, |s| ticks(s, Ticks::tail))
        .workers(Workers::Several)
        .note("The gap of 3 ms is part of every frame; nobody can do without it.");
    row("tick_cpu", "ms/s", TICK_CPU, SCOPES, |s| ticks(s, Ticks::cpu))
        .workers(Workers::Several);
    row("nbody_128", "ms", NBODY, LOOPS, |s| steps(s, Scene::Bodies))
        .goals(&[Goal::FIRST, Goal::speed_up(1.95).on(2)])
        .note("20,000 steps in fork_union's own benchmark; the time is that of 1,000.");
    row("sand_100k", "ms", SAND, LOOPS, |s| steps(s, Scene::Sand));
    row("hierarchy_8x2", "µs", HIERARCHY, JOINS, |s| hierarchy(s, 8, 2));
    row("hierarchy_6x3", "µs", HIERARCHY, JOINS, |s| hierarchy(s, 6, 3));
    row("hierarchy_4x4", "µs", HIERARCHY, JOINS, |s| hierarchy(s, 4, 4));
    row("producer", "ms", PRODUCER, SCOPES, producer);
};

const TICK: &str = "a frame at 60 Hz, its bursts entered from outside: 12 times 200 µs alone and 36 jobs of 4 µs, with a gap of 3 ms in the middle; the 99th percentile";
const TICK_CPU: &str = "the same frames: CPU time of the whole process in a second";
const NBODY: &str =
    "1,000 steps of gravity among 128 bodies, two loops a step, each entered from outside";
const SAND: &str = "one frame of falling sand: clear a grid of 1,024 × 512, populate it with 100,000 grains, update them; three loops, each entered from outside";
const HIERARCHY: &str = "every transform of a tree (levels below the root × children of a node) times its parent's, by join; entering the system is not timed";
const PRODUCER: &str = "a job makes 1,000 items in about a microsecond each and spawns a consumer as long for each; until all are consumed";

const LOOPS: &[&str] = &["rayon", "fork_union"];
const SCOPES: &[&str] = &["rayon.scope", "bevy"];
const JOINS: &[&str] = &["rayon", "chili", "forte"];

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    required: &'static [&'static str],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .family(Family::Frame)
        .required(required)
        .goals(&[Goal::FIRST])
}

/// What a frame at 60 Hz is made of.
#[derive(Clone, Copy)]
struct Ticks {
    frames: usize,
    /// What all jobs of a frame add up to.
    sum: u64,
    figure: fn(&FrameTimes) -> Sample,
}

/// How a run of frames went.
struct FrameTimes {
    /// Each frame's time in microseconds, without the rest until the next.
    frames: Vec<f64>,
    /// CPU time of all threads.
    cpu: Duration,
    /// Time by the clock, the rests included.
    real: Duration,
}

fn ticks(setting: &Setting, figure: fn(&FrameTimes) -> Sample) -> Vec<Contender> {
    let burst = (0..Ticks::JOBS).map(Ticks::work).fold(0, u64::wrapping_add);
    let test = Ticks {
        frames: setting.repeats(60, 15),
        sum: burst.wrapping_mul(Ticks::BURSTS),
        figure,
    };
    let mut all = spawning::from_outside(setting.workers, test);
    all.push(spawning::serial(test));
    all
}

impl Ticks {
    const BURSTS: u64 = 12;
    const JOBS: u64 = 36;
    const ALONE: Duration = Duration::from_micros(200);
    const GAP: Duration = Duration::from_millis(3);
    const FRAME: Duration = Duration::from_nanos(16_666_667);

    /// About 4 µs.
    fn work(number: u64) -> u64 {
        chain::run(number, 3_700)
    }

    fn tail(times: &FrameTimes) -> Sample {
        Sample::quantile_of(times.frames.clone(), 0.99)
    }

    fn cpu(times: &FrameTimes) -> Sample {
        Sample::of(times.cpu.as_secs_f64() * 1e3 / times.real.as_secs_f64())
    }

    fn frame(&self, library: &mut impl Spawner) {
        for turn in 0..Self::BURSTS {
            spin_for(Self::ALONE);
            let jobs = (0..Self::JOBS).map(|number| move || tally::add(Self::work(number)));
            library.spawn_each(jobs, || ());
            if turn == Self::BURSTS / 2 {
                thread::sleep(Self::GAP);
            }
        }
    }
}

impl SpawnTest for Ticks {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        tally::take();
        let (cpu, start) = (process_cpu_time(), Instant::now());
        let mut frames = Vec::with_capacity(self.frames);
        for number in 0..self.frames {
            let begin = start + Self::FRAME * number as u32;
            thread::sleep(begin.saturating_duration_since(Instant::now()));
            let time = stopwatch(|| self.frame(library));
            check(tally::take(), self.sum)?;
            frames.push(time.as_secs_f64() * 1e6);
        }
        Ok((self.figure)(&FrameTimes {
            frames,
            cpu: process_cpu_time() - cpu,
            real: start.elapsed(),
        }))
    }
}

/// A scene that moves on by a few short loops a step.
#[derive(Clone, Copy)]
enum Scene {
    Bodies,
    Sand,
}

impl Scene {
    /// Runs `steps` of it, and says how long they took and how it looks then.
    fn run(self, steps: usize, library: &mut impl Looper) -> (Duration, u64) {
        match self {
            Scene::Bodies => {
                let cluster = Cluster::default();
                let time = stopwatch(|| {
                    for _ in 0..steps {
                        library.each(BODIES, |which| cluster.attract(which));
                        library.each(BODIES, |which| cluster.advance(which));
                    }
                });
                (time, cluster.fingerprint())
            }
            Scene::Sand => {
                let sand = Sand::default();
                let time = stopwatch(|| {
                    for _ in 0..steps {
                        library.each(HEIGHT, |row| sand.clear(row));
                        library.each(GRAINS, |grain| sand.populate(grain));
                        library.each(GRAINS, |grain| sand.update(grain));
                    }
                });
                (time, sand.fingerprint())
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Steps {
    scene: Scene,
    steps: usize,
    /// How the scene looks after them.
    fingerprint: u64,
    /// Steps that the figure, in milliseconds, is for.
    per: f64,
}

fn steps(setting: &Setting, scene: Scene) -> Vec<Contender> {
    let (steps, per) = match scene {
        Scene::Bodies => (setting.repeats(1_000, 200), 1_000.0),
        Scene::Sand => (setting.repeats(60, 15), 1.0),
    };
    let test = Steps {
        scene,
        steps,
        fingerprint: scene.run(steps, &mut looping::Serial).1,
        per,
    };
    let mut all = looping::loopers(setting.workers, test);
    all.push(looping::serial(test));
    all
}

impl LoopTest for Steps {
    fn sample(self, library: &mut impl Looper) -> Result<Sample, Wrong> {
        let (time, fingerprint) = self.scene.run(self.steps, library);
        check(fingerprint, self.fingerprint)?;
        let each = time.as_secs_f64() * 1e3 / self.steps as f64;
        Ok(Sample::of(each * self.per))
    }
}

fn hierarchy(setting: &Setting, depth: u32, branching: usize) -> Vec<Contender> {
    let programs = everywhere!(|cx, root: &Joint, sum: &mut u64| {
        *sum += transforms(cx, root, &IDENTITY);
    });
    let answer = Joint::known_sum(depth, branching);
    let root = Joint::tree(depth, branching);
    ForkJoin::adding(programs, root, answer, Per::Microseconds)
        .calls(setting.repeats(2_000, 400))
        .contenders(setting)
}

#[derive(Clone, Copy)]
struct Producer {
    repeats: usize,
    sum: u64,
}

fn producer(setting: &Setting) -> Vec<Contender> {
    let test = Producer {
        repeats: setting.repeats(20, 5),
        sum: (0..Producer::ITEMS)
            .map(|number| Producer::work(Producer::work(number)))
            .fold(0, u64::wrapping_add),
    };
    let mut all = vec![spawning::ours(setting.workers, Form::Detached, test)];
    all.extend(spawning::rivals(setting.workers, test));
    all.push(spawning::serial(test));
    all
}

impl Producer {
    const ITEMS: u64 = 1_000;

    /// About a microsecond, for making an item and for consuming it.
    fn work(item: u64) -> u64 {
        chain::run(item, 920)
    }
}

impl SpawnTest for Producer {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong> {
        let mut run = || {
            let consumers = (0..Self::ITEMS).map(|number| {
                let item = Self::work(number);
                move || tally::add(Self::work(item))
            });
            library.spawn_each(consumers, || ());
        };
        tally::take();
        run();
        check(tally::take(), self.sum)?;
        let time = stopwatch(|| (0..self.repeats).for_each(|_| run()));
        check(tally::take(), self.sum.wrapping_mul(self.repeats as u64))?;
        Ok(Sample::milliseconds(time / self.repeats as u32))
    }
}
