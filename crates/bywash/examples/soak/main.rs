//! Random programs of all operations, with random panics, against a sequential model of them.
//!
//! `cargo xtask soak --minutes N`; `--seed S` runs one system's life again. Each seed builds a system of
//! 1, 2, 4, 8 or 32 workers and a second one beside it, plays programs from up to five threads at once,
//! leaves messages in the inbox and drops the last handle. A wrong sum, a lost or doubled closure, a
//! panic that did not come out or came out uncalled for, and a life that is not over within a minute
//! end the soak with the seed.

mod life;
mod program;
mod run;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long one life may take.
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
    let (mut lives, mut programs, mut jobs, mut panics) = (0_u64, 0, 0, 0);
    for seed in first.. {
        if Instant::now() >= until || (number("--seed").is_some() && seed != first) {
            break;
        }
        watch.seed.store(seed, Ordering::Relaxed);
        watch.lives.fetch_add(1, Ordering::Relaxed);
        match life::live(seed) {
            Ok(report) => {
                lives += 1;
                programs += report.programs;
                jobs += report.jobs;
                panics += report.panics;
            }
            Err(words) => {
                eprintln!("seed {seed}: {words}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "{lives} lives, {programs} programs, {jobs} jobs, {panics} frames that panicked as they should"
    );
    ExitCode::SUCCESS
}

/// What the watchdog sees.
struct Watch {
    seed: AtomicU64,
    lives: AtomicU64,
}

fn watch() -> Arc<Watch> {
    let watch = Arc::new(Watch {
        seed: AtomicU64::new(0),
        lives: AtomicU64::new(0),
    });
    let seen = Arc::clone(&watch);
    std::thread::spawn(move || {
        loop {
            let before = seen.lives.load(Ordering::Relaxed);
            std::thread::sleep(LIMIT);
            if before != 0 && seen.lives.load(Ordering::Relaxed) == before {
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
