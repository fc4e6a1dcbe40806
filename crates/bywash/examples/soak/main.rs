//! Random programs of all operations, with random panics, against a sequential model of them.
//!
//! `cargo xtask soak --minutes N`; `--seed S` runs one system's life again. Each seed builds a system of
//! 1, 2, 4, 8 or 32 workers and a second one beside it, plays programs from up to five threads at once,
//! leaves messages in the inbox and drops the last handle. A wrong sum, a lost or doubled closure, a
//! panic that did not come out or came out uncalled for, and a life that is not over within a minute
//! end the soak with the seed.

mod program;
mod run;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bywash::{JobSystem, WaitPolicy};
use program::{Author, Model, Random, Steps};
use run::{Letters, Wanted, World, play};

const WORKERS: [usize; 5] = [1, 2, 4, 8, 32];

/// How long one program may take.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let minutes = number("--minutes").unwrap_or(1);
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let first = number("--seed").unwrap_or(1);
    let watch = watch();
    let (mut programs, mut jobs, mut panics) = (0_u64, 0, 0);
    for seed in first.. {
        if Instant::now() >= until || (number("--seed").is_some() && seed != first) {
            break;
        }
        watch.seed.store(seed, Ordering::Relaxed);
        watch.programs.fetch_add(1, Ordering::Relaxed);
        match live(seed) {
            Ok(report) => {
                programs += 1;
                jobs += report.jobs;
                panics += report.panics;
            }
            Err(words) => {
                eprintln!("seed {seed}: {words}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{programs} programs, {jobs} jobs, {panics} frames that panicked as they should");
    ExitCode::SUCCESS
}

/// What the watchdog sees.
struct Watch {
    seed: AtomicU64,
    programs: AtomicU64,
}

fn watch() -> Arc<Watch> {
    let watch = Arc::new(Watch {
        seed: AtomicU64::new(0),
        programs: AtomicU64::new(0),
    });
    let seen = Arc::clone(&watch);
    std::thread::spawn(move || {
        loop {
            let before = seen.programs.load(Ordering::Relaxed);
            std::thread::sleep(LIMIT);
            if before != 0 && seen.programs.load(Ordering::Relaxed) == before {
                eprintln!(
                    "seed {}: not over within {} s",
                    seen.seed.load(Ordering::Relaxed),
                    LIMIT.as_secs()
                );
                std::process::abort();
            }
        }
    });
    watch
}

#[derive(Default)]
struct Report {
    jobs: u64,
    panics: u64,
}

/// One system's life: several threads play a few programs each, then the last handle goes while
/// messages are still queued.
fn live(seed: u64) -> Result<Report, String> {
    let mut random = Random(seed);
    let workers = WORKERS[random.below(5) as usize];
    let policy = match random.below(3) {
        0 => WaitPolicy::Power,
        1 => WaitPolicy::Balanced,
        _ => WaitPolicy::Latency,
    };
    let tunes = random.below(2) == 0;
    let build = |workers: usize| {
        JobSystem::builder()
            .workers(workers)
            .wait_policy(policy)
            .auto_tuning(tunes)
            .build()
            .map_err(|error| error.to_string())
    };
    let jobs = build(workers)?;
    let other = build(1 + random.below(3) as usize)?;
    let threads = [1, 1, 2, 5][random.below(4) as usize];
    let panics = [0, 200, 30][random.below(3) as usize];
    let letters = Arc::new(Letters::default());
    let seeds: Vec<u64> = (0..threads).map(|_| random.next()).collect();
    let reports: Vec<Result<Report, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = seeds
            .iter()
            .map(|&seed| {
                let (jobs, other, letters) = (&jobs, &other, &letters);
                scope.spawn(move || play_programs(seed, panics, jobs, other, letters))
            })
            .collect();
        let gone = || Err("a thread panicked".to_owned());
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join();
        threads
            .into_iter()
            .map(|thread| join(thread).unwrap_or_else(|_| gone()))
            .collect()
    });
    let mut total = Report::default();
    for report in reports {
        let report = report?;
        total.jobs += report.jobs;
        total.panics += report.panics;
    }
    drop(other);
    let (sent, read) = (&letters.sent, &letters.read);
    let (sent, read) = (sent.load(Ordering::Relaxed), read.load(Ordering::Relaxed));
    if sent != read {
        return Err(format!("{read} of {sent} letters were read"));
    }
    let (letters, ran) = (random.below(50), Arc::new(AtomicU64::new(0)));
    for index in 0..letters {
        let ran = Arc::clone(&ran);
        jobs.spawn_detached(move |ctx| {
            let again = Arc::clone(&ran);
            ctx.spawn_detached(move |_| {
                again.fetch_add(1, Ordering::Relaxed);
            });
            ran.fetch_add(1, Ordering::Relaxed);
            if panics != 0 && index % 7 == 0 {
                resume_unwind(Box::new(Wanted));
            }
        });
    }
    drop(jobs);
    let ran = ran.load(Ordering::Relaxed);
    if ran != letters * 2 {
        return Err(format!("{ran} of {} messages were run", letters * 2));
    }
    Ok(total)
}

/// Plays a few programs on this thread, each against its model.
fn play_programs(
    seed: u64,
    panics: u64,
    jobs: &JobSystem,
    other: &JobSystem,
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
            let indices = jobs.broadcast(|ctx| ctx.worker_index());
            if !indices.iter().copied().eq(0..jobs.seats()) {
                return Err(format!("a broadcast reached {indices:?}"));
            }
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
            other: other.clone(),
            letters: Arc::clone(letters),
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| play(&program, frame, &world));
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
        report.jobs += model.jobs;
        report.panics += u64::from(panics);
    }
    Ok(report)
}
