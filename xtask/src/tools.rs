//! `xtask topology` and `xtask simulate`: the programs of `bywash-tools`, with hwloc where it is.

use crate::build::World;
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::{features, host, workspace};
use std::process::Command;

pub(crate) fn topology(given: &[String]) -> Result<(), Failure> {
    run("topology", given)
}

pub(crate) fn simulate(given: &[String]) -> Result<(), Failure> {
    run("simulate", given)
}

/// Two machines with many cores, and what is run on them, for the bench's page.
const MODELS: &[(&str, &str)] = &[
    ("pack:1 [numa] l3:8 core:8 pu:2", "frame"),
    ("pack:2 [numa] l3:8 core:8 pu:2", "frame"),
    ("pack:2 [numa] l3:8 core:8 pu:2", "loop"),
    ("pack:2 [numa] l3:8 core:8 pu:2", "skynet"),
];

/// The models for the bench's page, a form feed between two; libhwloc must be here.
pub(crate) fn models() -> Result<String, String> {
    let mut texts = Vec::new();
    for (machine, workload) in MODELS {
        let given = ["--synthetic", machine, "--workload", workload].map(str::to_owned);
        let mut command = command("simulate", &given)?;
        let text = process::read(&mut command, Patience::BUILD)?;
        texts.push(format!("{workload} on {machine}\n{text}"));
    }
    Ok(texts.join("\n\u{c}\n"))
}

fn run(tool: &str, given: &[String]) -> Result<(), Failure> {
    if !host::has_hwloc() {
        // A hint on the way: the tool itself says when an argument cannot do without.
        eprintln!("xtask: without feature hwloc ({})", host::no_hwloc());
    }
    process::pass_through(
        &mut command(tool, given).map_err(Failure::Failed)?,
        Patience::BUILD,
    )
}

fn command(tool: &str, given: &[String]) -> Result<Command, String> {
    let mut command = World::Plain.cargo(&["run", "--quiet", "--package", "bywash-tools"]);
    let packages = workspace::crates()?;
    let tools = packages
        .iter()
        .find(|package| package.name() == "bywash-tools");
    if let Some(all) = tools
        .map(features::sets)
        .and_then(|sets| sets.last().cloned())
    {
        command.args(all.0);
    }
    // Of a broken file libhwloc would say more on standard error than the tool's one line.
    command.env("HWLOC_HIDE_ERRORS", "2");
    command.args(["--", tool]).args(given);
    Ok(command)
}
