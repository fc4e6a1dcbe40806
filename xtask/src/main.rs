//! The project's commands: each starts programs, none imports the crates it drives.

mod arguments;
mod bench;
mod build;
mod ci;
mod conformance;
mod doctests;
mod failure;
mod features;
mod full;
mod host;
mod loom;
mod manifest;
mod mutants;
mod outside;
mod package;
mod parallel;
mod process;
mod readme;
mod sanitize;
mod scenario;
mod shuttle;
mod soak;
mod steps;
mod test;
mod tidy;
mod tools;
mod workspace;

use failure::Failure;
use std::process::ExitCode;

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    arguments: &'static str,
    purpose: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        arguments: "[--bundle FILE | ARGS…]",
        purpose: "bywash beside its rivals; --quick ends within 3 minutes, --help lists the rest",
        run: bench::run,
    },
    Command {
        name: "test",
        arguments: "[--require-hwloc]",
        purpose: "every test, doctest, loom scenario and random schedule",
        run: test::run,
    },
    Command {
        name: "loom",
        arguments: "[SCENARIO]",
        purpose: "the loom scenarios whose names contain SCENARIO, and their canaries",
        run: loom::run,
    },
    Command {
        name: "mutants",
        arguments: "[--shard I/N] [NAME]",
        purpose: "weakens one ordering after the other: the scenario named for it must turn red",
        run: mutants::run,
    },
    Command {
        name: "shuttle",
        arguments: "[SCENARIO]",
        purpose: "whole-system scenarios under random schedules",
        run: shuttle::run,
    },
    Command {
        name: "sanitize",
        arguments: "[address|thread]",
        purpose: "the tests under AddressSanitizer, the stress programs under ThreadSanitizer",
        run: sanitize::run,
    },
    Command {
        name: "conformance",
        arguments: "[deque|rayon]",
        purpose: "other libraries' own tests against ours, through adapters",
        run: conformance::run,
    },
    Command {
        name: "soak",
        arguments: "[--minutes N]",
        purpose: "random programs of all operations against a sequential model",
        run: soak::run,
    },
    Command {
        name: "topology",
        arguments: "ARGS…",
        purpose: "a machine drawn, and where its workers go",
        run: tools::topology,
    },
    Command {
        name: "simulate",
        arguments: "ARGS…",
        purpose: "what a strategy would do on a machine: a model, no measurement",
        run: tools::simulate,
    },
    Command {
        name: "outside",
        arguments: "",
        purpose: "each crate alone in a package outside, running its README's first example",
        run: outside::run,
    },
    Command {
        name: "package",
        arguments: "",
        purpose: "every published crate packed, and built from its archive",
        run: package::run,
    },
    Command {
        name: "readme",
        arguments: "[REPORT]",
        purpose: "the README's performance section, from a recorded report",
        run: readme::run,
    },
    Command {
        name: "tidy",
        arguments: "",
        purpose: "layers, first lines, the unsafe map, names, lengths, links",
        run: tidy::run,
    },
    Command {
        name: "ci",
        arguments: "",
        purpose: "format, lints in every feature set, documentation, tidy and the quick proofs",
        run: ci::run,
    },
    Command {
        name: "full",
        arguments: "",
        purpose: "everything there is, with one table at the end",
        run: full::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(Failure::usage(format!(
            "no command given; `cargo xtask help` lists them: {}",
            names()
        )));
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", usage());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(Failure::usage(format!(
            "`{name}` is not a command; there are {}",
            names()
        ))),
    }
}

fn names() -> String {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    names.join(", ")
}

fn usage() -> String {
    let mut text = String::from("cargo xtask COMMAND [ARGUMENTS]\n\n");
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.arguments);
        text.push_str(&format!("  {call:<32} {}\n", command.purpose));
    }
    text.push_str("\nExit codes: 0 all is well, 1 something failed, 2 the call was wrong.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{Failure, dispatch, usage};

    #[test]
    fn an_unknown_command_is_a_usage_failure_that_names_the_commands() {
        let failure = dispatch(&["tets".to_owned()]).unwrap_err();
        assert!(
            matches!(&failure, Failure::Usage(text) if text.contains("tets") && text.contains("test"))
        );
    }

    #[test]
    fn a_call_without_a_command_is_a_usage_failure() {
        assert!(matches!(dispatch(&[]), Err(Failure::Usage(_))));
    }

    #[test]
    fn the_usage_names_every_command() {
        let text = usage();
        assert!(
            super::COMMANDS
                .iter()
                .all(|command| text.contains(command.name))
        );
    }
}
