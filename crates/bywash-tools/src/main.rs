//! The programs behind `cargo xtask topology` and `cargo xtask simulate`.

#![deny(unsafe_code)]

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod diagram;
mod json;
mod machine;
mod outcome;
mod report;
mod simulate;
mod simulation;
mod svg;
mod terminal;
mod topology;
mod workload;

/// The machine as bywash sees it, and a model of machines one does not have.
#[derive(Parser)]
#[command(name = "bywash-tools", version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows a machine, and where a placement puts its workers.
    Topology(topology::Options),
    /// Models a workload on a machine, for one strategy or all.
    Simulate(simulate::Options),
}

fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        // Help and version are answers; anything else is one line, like every other mistake.
        Err(answer) if !answer.use_stderr() => {
            return say(&answer.render().to_string());
        }
        Err(mistake) => return fail(&reason(&mistake)),
    };
    let outcome = match program.command {
        Command::Topology(options) => topology::run(&options),
        Command::Simulate(options) => simulate::run(&options),
    };
    match outcome {
        Ok(text) => say(&text),
        Err(reason) => fail(&reason),
    }
}

/// What is wrong with the arguments, which clap says over a few lines before the usage.
fn reason(mistake: &clap::Error) -> String {
    if mistake.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing: topology or simulate; --help says more".to_owned();
    }
    let text = mistake.render().to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    line.trim_start_matches("error: ").to_owned()
}

/// Prints the answer; a reader that stopped reading is no mistake.
fn say(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(&error.to_string()),
        _ => ExitCode::SUCCESS,
    }
}

/// One line on standard error, and the exit code of bad input.
fn fail(reason: &str) -> ExitCode {
    eprintln!("error: {}", reason.replace('\n', "; "));
    ExitCode::from(2)
}
