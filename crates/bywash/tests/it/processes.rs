//! What ends a process, or needs one of its own with less to spend: seen from outside.
#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use bywash::JobSystem;

/// Set in the processes that these tests start.
const INSIDE: &str = "BYWASH_TEST_INSIDE";

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs the test called `name` once more, in a process of its own, after `limit` (a shell's command).
fn inside(name: &str, limit: &str) -> Output {
    // As the harness knows it: without the crate.
    let (_, module) = module_path!().split_once("::").unwrap();
    let name = &format!("{module}::{name}");
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")])
        .arg(program)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap()
}

#[test]
#[cfg_attr(bywash_asan, ignore = "the sanitizer has its own words for it")]
fn a_workers_overflowing_stack_ends_the_process_with_words() {
    fn down(level: usize) -> usize {
        let block = std::hint::black_box([level as u8; 4_096]);
        if level == usize::MAX {
            return 0;
        }
        down(level + 1) + usize::from(block[level % 4_096])
    }
    if is_inside() {
        let builder = JobSystem::builder().workers(2).stack_size(256 << 10);
        let jobs = builder.build().unwrap();
        let (sender, receiver) = channel();
        jobs.spawn_detached(move |_| sender.send(down(0)).unwrap());
        let _ = receiver.recv();
        return;
    }
    let output = inside(
        "a_workers_overflowing_stack_ends_the_process_with_words",
        "ulimit -c 0",
    );
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.signal().is_some(), "{:?}", output.status);
    assert!(
        words.contains("'bywash-") && words.contains("has overflowed its stack"),
        "{words}"
    );
}

#[test]
fn the_global_system_is_built_once_as_the_environment_says_or_not_at_all() {
    const NAME: &str = "the_global_system_is_built_once_as_the_environment_says_or_not_at_all";
    if is_inside() {
        match bywash::try_global() {
            Ok(jobs) => println!("{} workers", jobs.seats()),
            Err(error) => {
                println!("{error}");
                // What was refused can still be built otherwise.
                JobSystem::builder().workers(5).build_global().unwrap();
            }
        }
        let workers = bywash::global().seats();
        let again = JobSystem::builder().workers(workers + 1).build_global();
        assert!(matches!(again, Err(bywash::BuildError::GlobalExists)));
        assert_eq!(bywash::join(|_| 1, |_| 2), (1, 2));
        println!("{} workers stay", bywash::global().seats());
        return;
    }
    let usable = std::thread::available_parallelism().unwrap();
    let usable = format!("{usable} workers stay");
    for (environment, expected) in [
        ("export BYWASH_WORKERS=3", ["3 workers", "3 workers stay"]),
        ("export BYWASH_WORKERS=0", ["workers", &usable]),
        (
            "unset BYWASH_WORKERS BYWASH_PLACEMENT",
            ["workers", &usable],
        ),
        (
            "export BYWASH_WORKERS=many",
            ["BYWASH_WORKERS", "5 workers stay"],
        ),
        (
            "export BYWASH_WORKERS=$(printf '\\377')",
            ["BYWASH_WORKERS", "5 workers stay"],
        ),
        (
            "export BYWASH_PLACEMENT=anywhere",
            ["BYWASH_PLACEMENT", "5 workers stay"],
        ),
    ] {
        let output = inside(NAME, environment);
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{environment}: {output:?}");
        assert!(
            expected.iter().all(|expected| words.contains(expected)),
            "{words}"
        );
    }
}

#[test]
#[cfg_attr(bywash_asan, ignore = "the sanitizer needs more addresses than that")]
fn callers_do_the_work_of_workers_whose_threads_did_not_start() {
    if is_inside() {
        // Room for three such stacks, perhaps, and never for sixteen.
        let builder = JobSystem::builder().workers(16).stack_size(1 << 30);
        let jobs = builder.build().unwrap();
        // Now, while most have neither started nor been refused.
        let reached = jobs.broadcast(|ctx| ctx.worker_index()).len();
        let (sender, receiver) = channel();
        for n in 0..100 {
            let sender = sender.clone();
            jobs.spawn_detached(move |_| sender.send(n).unwrap());
        }
        drop(sender);
        assert_eq!(receiver.iter().count(), 100);
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..1_000 {
                frame.spawn_detached(|ctx| {
                    ctx.join(|_| (), |_| count.fetch_add(1, Ordering::Relaxed));
                });
            }
        });
        assert_eq!(count.into_inner(), 1_000);
        assert_eq!(jobs.broadcast(|ctx| ctx.worker_index()).len(), reached);
        drop(jobs);
        println!("{reached} threads started");
        return;
    }
    let output = inside(
        "callers_do_the_work_of_workers_whose_threads_did_not_start",
        "ulimit -v 4194304",
    );
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8_lossy(&output.stdout);
    let line = words.lines().find(|line| line.contains("threads started"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let started: usize = number.unwrap().parse().unwrap();
    assert!((1..16).contains(&started), "{words}");
}
