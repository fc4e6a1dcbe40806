//! `xtask bench`: builds the bench and runs it, or hands out its program.

use crate::build::{self, World};
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::workspace;
use std::fs;
use std::path::Path;
use std::process::Command;

const BUILD: [&str; 5] = ["build", "--profile", "bench", "--package", "bywash-bench"];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    if given.first().is_some_and(|argument| argument == "--bundle") {
        return match given {
            [_, file] => bundle(Path::new(file)),
            _ => Err(Failure::usage(
                "`bench --bundle FILE` wants one file to write, and nothing else",
            )),
        };
    }
    let mut command = Command::new(program()?);
    command.args(given).current_dir(workspace::root());
    let is_quick = given.iter().any(|argument| argument == "--quick");
    let patience = if is_quick {
        Patience::QUICK_BENCH
    } else {
        Patience::BENCH
    };
    process::pass_through(&mut command, patience)
}

/// Copies the bench to `file`: it runs without cargo, sources or network.
fn bundle(file: &Path) -> Result<(), Failure> {
    if file.is_dir() {
        return Err(Failure::usage(format!(
            "--bundle {}: this is a folder; name a file in it",
            file.display()
        )));
    }
    fs::copy(program()?, file)
        .map_err(|error| Failure::usage(format!("--bundle {}: {error}", file.display())))?;
    println!("{}: run it with --help", file.display());
    Ok(())
}

/// Builds the bench and tells where its program is.
pub(crate) fn program() -> Result<std::path::PathBuf, Failure> {
    let mut command = World::Plain.cargo(&BUILD);
    build::executables(command.args(["--bin", "bench"]))
        .map_err(Failure::Failed)?
        .into_iter()
        .map(|program| program.path)
        .next()
        .ok_or_else(|| Failure::failed("cargo built the bench without naming its program"))
}
