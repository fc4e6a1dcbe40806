//! `xtask topology` and `xtask simulate`: the programs of `bywash-tools`, with hwloc where it is.

use crate::build::World;
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::{features, host, workspace};

pub(crate) fn topology(given: &[String]) -> Result<(), Failure> {
    run("topology", given)
}

pub(crate) fn simulate(given: &[String]) -> Result<(), Failure> {
    run("simulate", given)
}

fn run(tool: &str, given: &[String]) -> Result<(), Failure> {
    let mut command = World::Plain.cargo(&["run", "--quiet", "--package", "bywash-tools"]);
    let packages = workspace::crates().map_err(Failure::Failed)?;
    let tools = packages
        .iter()
        .find(|package| package.name() == "bywash-tools");
    if let Some(all) = tools
        .map(features::sets)
        .and_then(|sets| sets.last().cloned())
    {
        command.args(all.0);
    }
    if !host::has_hwloc() {
        // A hint on the way: the tool itself says when an argument cannot do without.
        eprintln!("xtask: without feature hwloc ({})", host::no_hwloc());
    }
    // Of a broken file libhwloc would say more on standard error than the tool's one line.
    command.env("HWLOC_HIDE_ERRORS", "2");
    command.args(["--", tool]).args(given);
    process::pass_through(&mut command, Patience::BUILD)
}
