//! One system's life: built somehow, used from several threads, ended while messages are still queued.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;

use bywash::topology::Topology;
use bywash::{Builder, JobSystem, Placement, WaitPolicy};

use crate::program::{Author, Model, Random, Steps};
use crate::run::{Letters, Side, Wanted, World, play};

const WORKERS: [usize; 5] = [1, 2, 4, 8, 32];

/// What was played.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) programs: u64,
    pub(crate) jobs: u64,
    pub(crate) panics: u64,
}

/// The life that `seed` stands for.
pub(crate) fn live(seed: u64) -> Result<Report, String> {
    let mut random = Random(seed);
    let letters = Arc::new(Letters::default());
    let settings = random.next();
    let build = |workers: usize| {
        let caught = Arc::clone(&letters);
        somehow(settings)
            .workers(workers)
            .panic_handler(move |payload| {
                caught
                    .caught
                    .fetch_add(payload.is::<Wanted>().into(), Ordering::Relaxed);
            })
            .build()
            .map_err(|error| error.to_string())
    };
    let jobs = build(WORKERS[random.below(5) as usize])?;
    let other = build(1 + random.below(3) as usize)?;
    let threads = [1, 1, 2, 5][random.below(4) as usize];
    let panics = [0, 200, 30][random.below(3) as usize];
    let seeds: Vec<u64> = (0..threads).map(|_| random.next()).collect();
    let mut total = Report::default();
    for report in thread::scope(|scope| {
        let play = |&seed: &u64| {
            let (systems, letters) = ([&jobs, &other].map(JobSystem::clone), &letters);
            scope.spawn(move || play_programs(seed, panics, systems, letters))
        };
        let players: Vec<_> = seeds.iter().map(play).collect();
        let gone = |_| Err("a thread panicked".to_owned());
        let played = players
            .into_iter()
            .map(|player| player.join().unwrap_or_else(gone));
        played.collect::<Vec<_>>()
    }) {
        let report = report?;
        total.programs += report.programs;
        total.jobs += report.jobs;
        total.panics += report.panics;
    }
    drop(other);
    end(jobs, &letters, panics != 0, &mut random)?;
    Ok(total)
}

/// Any wait policy and any placement, with and without learning.
fn somehow(settings: u64) -> Builder {
    let mut random = Random(settings);
    let policies = [WaitPolicy::Power, WaitPolicy::Balanced, WaitPolicy::Latency];
    let builder = JobSystem::builder()
        .wait_policy(policies[random.below(3) as usize])
        .auto_tuning(random.below(2) == 0);
    if random.below(3) == 0 {
        return builder;
    }
    let places = Placement::all();
    let placement = places[random.below(places.len() as u64) as usize].tier_minimum(1);
    builder.topology(machine()).placement(placement)
}

/// Two packages, three LLCs, seven cores, two of them with a sibling: nothing is bound there.
fn machine() -> Topology {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(2, 2).llc().cores(2, 1);
    machine.package().node().llc().cores(3, 1);
    machine.build().expect("such a machine may exist")
}

/// Drops the last handle while messages are queued: here, where the drop waits for them, or in one of them.
fn end(
    jobs: JobSystem,
    letters: &Arc<Letters>,
    may_panic: bool,
    random: &mut Random,
) -> Result<(), String> {
    for _ in 0..random.below(50) {
        letters.send(&jobs, may_panic);
    }
    if random.below(4) == 0 {
        jobs.clone().spawn_detached(move |_| drop(jobs));
        while !letters.are_done() {
            thread::yield_now();
        }
    } else {
        drop(jobs);
    }
    if letters.are_done() {
        Ok(())
    } else {
        Err("messages or their panics were lost".to_owned())
    }
}

/// Plays a few programs on this thread, each against its model.
fn play_programs(
    seed: u64,
    panics: u64,
    systems: [JobSystem; 2],
    letters: &Arc<Letters>,
) -> Result<Report, String> {
    let mut author = Author {
        random: Random(seed),
        budget: 0,
        panics,
    };
    let mut report = Report::default();
    for _ in 0..1 + author.random.below(20) {
        if author.random.below(4) == 0 {
            broadcast(&systems[0], panics != 0, &mut author.random)?;
        }
        author.budget = [20, 200, 3_000][author.random.below(3) as usize];
        let depth = 2 + author.random.below(6) as u32;
        let program: Vec<Steps> = (0..1 + author.random.below(8))
            .map(|_| author.steps(depth, true))
            .collect();
        let program: Steps = program.into_iter().flatten().collect();
        let mut model = Model::default();
        let panics = model.frame(&program);
        let world = World {
            sum: AtomicU64::new(0),
            alive: Arc::new(AtomicI64::new(0)),
            systems: systems.clone(),
            letters: Arc::clone(letters),
        };
        let side = Side {
            world: &world,
            index: 0,
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            systems[0].frame(|frame| play(&program, frame, side));
        }));
        let sum = world.sum.load(Ordering::Relaxed);
        let alive = world.alive.load(Ordering::Relaxed);
        match result {
            Err(payload) if !payload.is::<Wanted>() => return Err("a foreign panic".to_owned()),
            result if result.is_err() != panics => {
                return Err(format!("panicked: {}, wanted: {panics}", result.is_err()));
            }
            _ if sum != model.sum => {
                return Err(format!("{sum}, and the model says {}", model.sum));
            }
            _ if alive != 0 => return Err(format!("{alive} closures are left")),
            _ => {}
        }
        report.programs += 1;
        report.jobs += model.jobs;
        report.panics += u64::from(panics);
    }
    Ok(report)
}

/// Once on each worker; now and then some of them panic.
fn broadcast(jobs: &JobSystem, may_panic: bool, random: &mut Random) -> Result<(), String> {
    let panicking = if may_panic {
        random.next() & random.next()
    } else {
        0
    };
    let panics = |worker: usize| panicking >> (worker % 64) & 1 == 1;
    let ran: Vec<AtomicU64> = (0..jobs.seats()).map(|_| AtomicU64::new(0)).collect();
    let result = catch_unwind(AssertUnwindSafe(|| {
        jobs.broadcast(|ctx| {
            ran[ctx.worker_index()].fetch_add(1, Ordering::Relaxed);
            if panics(ctx.worker_index()) {
                resume_unwind(Box::new(Wanted));
            }
            ctx.worker_index()
        })
    }));
    let has_panicked = (0..jobs.seats()).any(panics);
    let is_right = match result {
        Ok(indices) => !has_panicked && indices.into_iter().eq(0..jobs.seats()),
        Err(payload) => has_panicked && payload.is::<Wanted>(),
    };
    if is_right && ran.into_iter().all(|times| times.into_inner() == 1) {
        Ok(())
    } else {
        Err("a broadcast missed a worker, or its panics".to_owned())
    }
}
