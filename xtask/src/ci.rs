//! `xtask ci`: format, lints in every feature set, documentation, tidy and the quick proofs.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::mutants::{self, Shard};
use crate::process::Patience;
use crate::steps::Steps;
use crate::{bench, features, host, outside, process, sanitize, tidy, workspace};
use std::process::Command;

/// The mutants are met in turn, one part a commit.
const SHARDS: usize = 4;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    Arguments::parse("ci", given, Accepted::default())?;
    let mut steps = Steps::default();
    add_lints(&mut steps)?;
    mutants::add(&mut steps, shard_of_the_day(), None);
    // The same sources on the other deque: the full run has them.
    sanitize::address(&mut steps, &["bywash-on-chase-lev"]);
    outside::add(&mut steps);
    add_instructions(&mut steps)?;
    steps.finish("ci")
}

/// Everything that reads the code without running it.
pub(crate) fn add_lints(steps: &mut Steps) -> Result<(), Failure> {
    steps.check("tidy", tidy::check);
    steps.program(
        "format",
        &mut World::Plain.cargo(&["fmt", "--all", "--check"]),
        Patience::ANSWER,
    );
    let lint = ["--all-targets", "--", "-D", "warnings"];
    let mut clippy = World::Plain.cargo(&["clippy", "--workspace"]);
    steps.program("lints", clippy.args(lint), Patience::BUILD);
    for package in workspace::crates().map_err(Failure::Failed)? {
        for set in features::sets(&package).iter().skip(1) {
            let mut clippy = World::Plain.cargo(&["clippy", "--package", package.name()]);
            let name = format!("lints: {} {}", package.name(), set.title());
            let clippy = clippy.args(&set.0).args(lint);
            steps.program(&name, clippy, Patience::BUILD);
        }
    }
    if !host::has_hwloc() {
        steps.skip("lints: feature hwloc", host::no_hwloc());
    }
    let mut rustdoc = World::Plain.cargo(&["doc", "--workspace", "--no-deps"]);
    rustdoc.env("RUSTDOCFLAGS", "-D warnings");
    steps.program("documentation", &mut rustdoc, Patience::BUILD);
    Ok(())
}

/// The hot paths' instructions, which must not grow unnoticed.
fn add_instructions(steps: &mut Steps) -> Result<(), Failure> {
    if !host::has_valgrind() {
        steps.skip("instructions", host::no_valgrind());
        return Ok(());
    }
    let mut bench = Command::new(bench::program()?);
    bench.current_dir(workspace::root());
    let count = bench.arg("--instructions");
    steps.program("instructions", count, Patience::INSTRUCTIONS);
    Ok(())
}

/// The part of the mutants that this commit's hash picks.
fn shard_of_the_day() -> Shard {
    let mut git = Command::new("git");
    git.current_dir(workspace::root())
        .args(["rev-parse", "HEAD"]);
    let hash = process::read(&mut git, Patience::ANSWER).unwrap_or_default();
    Shard {
        index: place(hash.trim()),
        count: SHARDS,
    }
}

/// The last digits of `hash`, modulo the number of shards; 0 without a hash.
fn place(hash: &str) -> usize {
    let tail = &hash[hash.len().saturating_sub(4)..];
    usize::from_str_radix(tail, 16).map_or(0, |number| number % SHARDS)
}

#[cfg(test)]
mod tests {
    use super::{SHARDS, place};

    #[test]
    fn the_hash_picks_every_shard_sooner_or_later() {
        let mut met: Vec<_> = (0..64).map(|n| place(&format!("{n:040x}"))).collect();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, (0..SHARDS).collect::<Vec<_>>());
        assert_eq!(place(""), 0);
    }
}
