//! Random programs against what they must come to, on one system after the other, for minutes.
//!
//! `cargo xtask soak --minutes N`, or `--seed S` to begin where a run has failed. A round builds a
//! system of 1, 2, 4, 8 or 32 workers, runs a program from each of up to three threads at once,
//! leaves it jobs that nobody waits for, drops it, and compares: sums, planned panics, and the
//! closures that are still alive.

mod program;
mod run;

use bywash::JobSystem;
use program::{Dice, Piece};
use run::{PLANNED, Tally, is_planned, run};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{panic, thread};

/// A round takes milliseconds; one that takes this long hangs.
const HANG: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let Some((minutes, seed)) = arguments() else {
        eprintln!("soak: takes --minutes N and --seed S, whole numbers");
        return ExitCode::from(2);
    };
    silence_planned_panics();
    let started = Instant::now();
    let length = Duration::from_secs(minutes * 60);
    let mut rounds = 0;
    while started.elapsed() < length {
        let seed = seed + rounds;
        // A thread of its own, so that a hang can be told from the outside.
        let (done, finished) = mpsc::channel();
        let worker = thread::spawn(move || {
            round(seed);
            // The receiver is there until it has heard this, or ends the process.
            let _ = done.send(());
        });
        match finished.recv_timeout(HANG) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => {
                eprintln!("soak: a round hangs; again with --seed {seed}");
                return ExitCode::FAILURE;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                eprintln!("soak: a round went wrong; again with --seed {seed}");
                return ExitCode::FAILURE;
            }
        }
        if worker.join().is_err() {
            return ExitCode::FAILURE;
        }
        rounds += 1;
    }
    println!("soak: {rounds} rounds, no hang, no leak, no wrong answer");
    ExitCode::SUCCESS
}

fn round(seed: u64) {
    let mut dice = Dice(seed);
    let workers = [1, 2, 4, 8, 32][dice.below(5) as usize];
    let caught = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&caught);
    let jobs = JobSystem::builder()
        .workers(workers)
        .panic_handler(move |payload| {
            assert!(is_planned(&*payload), "a stray panic");
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .expect("threads can be started");

    let budget = 1 << dice.below(11);
    let callers: Vec<_> = (0..1 + dice.below(3))
        .map(|_| Piece::random(&mut dice, budget))
        .collect();
    let left: Vec<_> = (0..dice.below(20)).map(|_| dice.next()).collect();
    let left_tally = Arc::new(Tally::default());

    thread::scope(|scope| {
        for program in &callers {
            let jobs = &jobs;
            scope.spawn(move || {
                let tally = Tally::default();
                // Twice, so that the second meets what the first has left.
                for turn in 1..=2 {
                    jobs.frame(|frame| run(frame, program, &tally));
                    let expected = program.worth().wrapping_mul(turn);
                    assert_eq!(tally.sum.load(Ordering::Relaxed), expected, "a wrong sum");
                    assert_eq!(tally.tickets.load(Ordering::Relaxed), 0, "a closure leaked");
                }
            });
        }
        for value in &left {
            let (value, tally) = (*value, Arc::clone(&left_tally));
            jobs.spawn_detached(move |_| {
                tally.sum.fetch_add(value, Ordering::Relaxed);
                if value % 4 == 0 {
                    panic!("{PLANNED}");
                }
            });
        }
    });
    // Drop runs everything that is queued.
    drop(jobs);
    let expected = left.iter().copied().fold(0, u64::wrapping_add);
    let panics = left.iter().filter(|value| *value % 4 == 0).count() as u64;
    assert_eq!(
        left_tally.sum.load(Ordering::Relaxed),
        expected,
        "a job was lost"
    );
    assert_eq!(caught.load(Ordering::Relaxed), panics, "a panic was lost");
    assert_eq!(Arc::strong_count(&left_tally), 1, "a detached job leaked");
}

/// Minutes and seed; `None` where something else was given.
fn arguments() -> Option<(u64, u64)> {
    let (mut minutes, mut seed) = (1, 1);
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let value = given.next()?.parse().ok()?;
        match option.as_str() {
            "--minutes" => minutes = value,
            "--seed" => seed = value,
            _ => return None,
        }
    }
    Some((minutes, seed))
}

/// Thousands of panics are part of the programs; the others are shown.
fn silence_planned_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(PLANNED) {
            usual(info);
        }
    }));
}
