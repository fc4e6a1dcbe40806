//! `xtask sanitize`: the tests under AddressSanitizer, the stress programs under ThreadSanitizer.
//!
//! Both run on the pinned stable toolchain. A sanitizer that finds nothing is first shown what it
//! has to find: the planted errors in `xtask/planted`. What cannot run is an error, never a skip.

use crate::arguments::{Accepted, Arguments};
use crate::build::{self, World};
use crate::failure::Failure;
use crate::process::{self, Finished, Patience};
use crate::steps::Steps;
use crate::{host, test, workspace};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The errors that each sanitizer has to report, and the words it does it with.
const PLANTED: &[(World, &str, &str)] = &[
    (World::Address, "use_after_free", "heap-use-after-free"),
    (World::Address, "leak", "detected memory leaks"),
    (World::Thread, "race", "ThreadSanitizer: data race"),
];

/// What ThreadSanitizer cannot know: fences it does not model (the collector's, an `Arc`'s last drop), and the
/// standard library, which is not instrumented (a `OnceLock`'s state, a berth's lock). The scheduler's locks
/// say what they do by themselves, see `bywash_sync::lock`.
const SUPPRESSIONS: &str = "race:crossbeam_epoch\nrace:alloc::sync::Arc\n\
    race:std::sync::once_lock::OnceLock\nrace:bywash_topology::berth::Berth\n";

/// Mutants with which a stress program must not stay silent, by its package: those that it meets hundreds
/// of times a run.
const MUTANTS: &[(&str, &str)] = &[
    ("bywash", "split.publish.tail"),
    ("bywash", "share.executed.put"),
    ("bywash", "fork.finish"),
    ("bywash", "sums.done"),
];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        word: Some("address or thread"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("sanitize", given, accepted)?;
    let mut steps = Steps::default();
    match arguments.word() {
        None => {
            address(&mut steps, &[]);
            thread(&mut steps);
        }
        Some("address") => address(&mut steps, &[]),
        Some("thread") => thread(&mut steps),
        Some(other) => {
            return Err(Failure::usage(format!(
                "`sanitize {other}`: there are address and thread"
            )));
        }
    }
    steps.finish("sanitize")
}

/// All tests but doctests, whose little programs would each be built anew, and but those of `left_out`.
pub(crate) fn address(steps: &mut Steps, left_out: &[&str]) {
    steps.check("address: planted errors", || planted(World::Address));
    let name = "address: tests";
    match host::triple() {
        Err(reason) => steps.check(name, || Err(reason)),
        Ok(triple) => test::add_tests(steps, name, World::Address, |tests| {
            tests
                .args(["--release", "--target", &triple, "--workspace"])
                .args(["--exclude", "bywash-bench", "--exclude", "xtask"])
                .args(left_out.iter().flat_map(|package| ["--exclude", package]))
                .args(["--lib", "--bins", "--tests"])
                .env("ASAN_OPTIONS", ASAN_OPTIONS)
        }),
    }
}

const ASAN_OPTIONS: &str = "detect_leaks=1:detect_stack_use_after_return=1";

/// Every package's `examples/stress_….rs`, named after it: a program of its own, since libtest cannot be
/// instrumented.
pub(crate) fn thread(steps: &mut Steps) {
    steps.check("thread: planted race", || planted(World::Thread));
    steps.check("thread: stress", || {
        let suppressions = folder(World::Thread)?.join("suppressions.txt");
        fs::write(&suppressions, SUPPRESSIONS)
            .map_err(|error| format!("{}: {error}", suppressions.display()))?;
        let mut said = Vec::new();
        for package in workspace::crates()? {
            let stress = format!("stress_{}", package.name().replace('-', "_"));
            if !package
                .folder
                .join(format!("examples/{stress}.rs"))
                .is_file()
            {
                continue;
            }
            let triple = host::triple()?;
            let mut cargo = World::Thread.cargo(&["build", "--release", "--target", &triple]);
            cargo.args(["--package", package.name(), "--example", &stress]);
            for program in build::executables(&mut cargo)? {
                let options = format!("suppressions={} exitcode=66", suppressions.display());
                let mut command = Command::new(&program.path);
                let finished =
                    process::listen(command.env("TSAN_OPTIONS", &options), Patience::SCENARIO)?;
                said.push(clean(package.name(), &finished)?);
                for (_, mutant) in MUTANTS.iter().filter(|(of, _)| *of == package.name()) {
                    let options = format!("{options} halt_on_error=1");
                    let mut command = Command::new(&program.path);
                    command
                        .env("TSAN_OPTIONS", options)
                        .env("BYWASH_MUTANT", mutant);
                    let finished = process::listen(&mut command, Patience::SCENARIO)?;
                    said.push(noticed(mutant, &finished)?);
                }
            }
        }
        if said.is_empty() {
            return Err("no crate has an examples/stress_….rs".to_owned());
        }
        Ok(said.join("; "))
    });
}

/// The last line of a stress program that ended well and without a report.
fn clean(package: &str, finished: &Finished) -> Result<String, String> {
    let has_report = finished.output.contains("WARNING: ThreadSanitizer");
    if finished.succeeded() && !has_report {
        Ok(format!("{package}: {}", finished.tail(1)))
    } else {
        Err(format!(
            "{package}: exit code {:?}\n{}",
            finished.code,
            finished.tail(60)
        ))
    }
}

/// That a stress program with one ordering weakened was reported.
fn noticed(mutant: &str, finished: &Finished) -> Result<String, String> {
    if !finished.succeeded()
        && finished
            .output
            .contains("WARNING: ThreadSanitizer: data race")
    {
        Ok(format!("{mutant} is noticed"))
    } else {
        Err(format!("{mutant} went unreported:\n{}", finished.tail(20)))
    }
}

/// Builds and runs the planted errors of `world`; each must be reported.
fn planted(world: World) -> Result<String, String> {
    let mut reported = Vec::new();
    for (_, name, words) in PLANTED.iter().filter(|(of, ..)| *of == world) {
        let program = folder(world)?.join(name);
        let source = workspace::root().join(format!("xtask/planted/{name}.rs"));
        let mut rustc = world.rustc();
        rustc
            .args(["--edition", "2024", "-O", "-o"])
            .arg(&program)
            .arg(source);
        process::show(&mut rustc, Patience::BUILD)?;
        let finished = process::listen(&mut Command::new(&program), Patience::SCENARIO)?;
        if finished.succeeded() || !finished.output.contains(words) {
            return Err(format!(
                "the planted {name} went unreported:\n{}",
                finished.tail(20)
            ));
        }
        reported.push(*name);
    }
    Ok(format!("reported: {}", reported.join(", ")))
}

/// Where the planted programs of `world` go.
fn folder(world: World) -> Result<PathBuf, String> {
    let folder = world.target().join("planted");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::{clean, noticed};
    use crate::process::Finished;

    #[test]
    fn a_report_is_an_error_even_where_the_exit_code_is_zero() {
        let mut finished = Finished {
            code: Some(0),
            timed_out: None,
            output: "1000 items\n".to_owned(),
        };
        assert_eq!(clean("x", &finished).unwrap(), "x: 1000 items");
        finished
            .output
            .push_str("WARNING: ThreadSanitizer: data race\n");
        assert!(clean("x", &finished).is_err());
    }

    #[test]
    fn a_mutant_is_noticed_by_a_report_and_not_by_any_failure() {
        let mut finished = Finished {
            code: Some(66),
            timed_out: None,
            output: "a lost item\n".to_owned(),
        };
        assert!(noticed("x", &finished).is_err());
        finished
            .output
            .push_str("WARNING: ThreadSanitizer: data race (pid=1)\n");
        assert!(noticed("x", &finished).is_ok());
    }
}
