//! `xtask soak`: random programs of all operations against a sequential model, for minutes.

use crate::arguments::{Accepted, Arguments};
use crate::build::{self, World};
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::steps::Steps;
use crate::workspace;
use std::process::Command;

/// The facade's program that knows the operations and the model.
const PROGRAM: &str = "crates/bywash/examples/soak/main.rs";

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        options: &["--minutes"],
        ..Accepted::default()
    };
    let arguments = Arguments::parse("soak", given, accepted)?;
    let minutes = match arguments.value("--minutes") {
        None => 10,
        Some(text) => text
            .parse()
            .ok()
            .filter(|&minutes| minutes > 0)
            .ok_or_else(|| {
                Failure::usage(format!(
                    "`--minutes {text}`: wanted a whole number from 1 on"
                ))
            })?,
    };
    let mut steps = Steps::default();
    add(&mut steps, minutes);
    steps.finish("soak")
}

pub(crate) fn add(steps: &mut Steps, minutes: u32) {
    steps.check(&format!("soak: {minutes} min"), || {
        if !workspace::root().join(PROGRAM).is_file() {
            return Err(format!("there is no {PROGRAM}"));
        }
        let mut cargo = World::Plain.cargo(&["build", "--release", "--package", "bywash"]);
        let programs = build::executables(cargo.args(["--example", "soak"]))?;
        let [program] = &programs[..] else {
            return Err(format!(
                "cargo built {} programs for {PROGRAM}",
                programs.len()
            ));
        };
        let mut command = Command::new(&program.path);
        command.args(["--minutes", &minutes.to_string()]);
        let patience = Patience::seconds(60 * u64::from(minutes) + 120);
        process::show(&mut command, patience)?;
        Ok(String::new())
    });
}
