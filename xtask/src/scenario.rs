//! The scenarios of the model checkers: found, run each in a process of its own, and judged.

use crate::build::{self, World};
use crate::process::{self, Finished, Patience};
use crate::workspace::{self, Package};
use std::path::PathBuf;
use std::process::Command;

/// One test of a crate's `tests/loom` or `tests/shuttle`.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) package: String,
    pub(crate) name: String,
    program: PathBuf,
    folder: PathBuf,
}

impl Scenario {
    /// `package test`, the way reports name it.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.name)
    }

    /// Runs this scenario alone, under `mutant` if one is given.
    pub(crate) fn run(&self, mutant: Option<&str>) -> Result<Finished, String> {
        let mut command = Command::new(&self.program);
        command
            .args([&self.name, "--exact", "--test-threads", "1"])
            .current_dir(&self.folder)
            .env("RUST_BACKTRACE", "0")
            .env_remove("BYWASH_MUTANT");
        if let Some(mutant) = mutant {
            command.env("BYWASH_MUTANT", mutant);
        }
        let finished = process::listen(&mut command, Patience::SCENARIO)?;
        if finished.output.contains("running 1 test\n") || finished.timed_out.is_some() {
            Ok(finished)
        } else {
            Err(format!(
                "no test of this name was run:\n{}",
                finished.tail(5)
            ))
        }
    }
}

/// The packages with a `tests/NAME/main.rs`.
pub(crate) fn packages(test: &str) -> Result<Vec<Package>, String> {
    let mut packages = workspace::crates()?;
    packages.retain(|package| package.has_test(test));
    Ok(packages)
}

/// Builds every `tests/NAME` in `world` and lists its scenarios.
pub(crate) fn build(world: World, test: &str) -> Result<Vec<Scenario>, String> {
    let packages = packages(test)?;
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = world.cargo(&["test", "--release", "--no-run", "--test", test]);
    for package in &packages {
        command.args(["--package", package.name()]);
    }
    let programs = build::executables(&mut command)?;
    let mut scenarios = Vec::new();
    for package in packages {
        let program = programs
            .iter()
            .find(|program| program.source.starts_with(&package.folder))
            .ok_or_else(|| format!("no test program was built for {}", package.name()))?;
        let list = process::read(Command::new(&program.path).arg("--list"), Patience::ANSWER)?;
        let names: Vec<_> = list
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .collect();
        if names.is_empty() {
            return Err(format!(
                "tests/{test} of {} holds no scenario",
                package.name()
            ));
        }
        scenarios.extend(names.into_iter().map(|name| Scenario {
            package: package.name().to_owned(),
            name: name.to_owned(),
            program: program.path.clone(),
            folder: package.folder.clone(),
        }));
    }
    Ok(scenarios)
}
