//! `xtask test`: every test, doctest, loom scenario and random schedule.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::process::Patience;
use crate::steps::Steps;
use crate::{doctests, features, host, loom, scenario, shuttle, workspace};
use std::process::Command;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        switches: &["--require-hwloc"],
        ..Accepted::default()
    };
    let arguments = Arguments::parse("test", given, accepted)?;
    if arguments.has("--require-hwloc") && !host::has_hwloc() {
        return Err(Failure::failed(format!(
            "--require-hwloc: {}",
            host::no_hwloc()
        )));
    }
    let mut steps = Steps::default();
    add(&mut steps)?;
    steps.finish("test")
}

pub(crate) fn add(steps: &mut Steps) -> Result<(), Failure> {
    let all_but_the_bench = ["--workspace", "--exclude", "bywash-bench"];
    add_tests(steps, "tests and doctests", World::Plain, |tests| {
        tests.args(all_but_the_bench)
    });
    // In the profile of the bench itself, whose build of the rivals is then used twice.
    let bench = ["--profile", "bench", "--package", "bywash-bench", "--lib"];
    add_tests(steps, "tests of the bench", World::Plain, |tests| {
        tests.args(bench)
    });
    add_features(steps)?;
    loom::add(steps, None);
    if scenario::packages("shuttle")
        .map_err(Failure::Failed)?
        .is_empty()
    {
        steps.skip("shuttle", "no crate has a tests/shuttle/main.rs");
    } else {
        shuttle::add(steps, None);
    }
    Ok(())
}

/// Builds the tests that `choose` names, then runs them: they have less patience than a build.
pub(crate) fn add_tests(
    steps: &mut Steps,
    name: &str,
    world: World,
    choose: impl Fn(&mut Command) -> &mut Command,
) {
    let cargo = || {
        let mut command = world.cargo(&["test", "--no-fail-fast"]);
        doctests::judge_codes(&mut command);
        choose(&mut command);
        command
    };
    let build = format!("{name}: build");
    steps.program(&build, cargo().arg("--no-run"), Patience::BUILD);
    steps.program(name, &mut cargo(), Patience::TESTS);
}

/// The tests of each crate with all its features, hwloc where the library is present.
fn add_features(steps: &mut Steps) -> Result<(), Failure> {
    for package in workspace::crates().map_err(Failure::Failed)? {
        if let [_, .., all] = features::sets(&package).as_slice() {
            let name = format!("{} {}", package.name(), all.title());
            add_tests(steps, &name, World::Plain, |tests| {
                tests.args(["--package", package.name()]).args(&all.0)
            });
        }
    }
    if !host::has_hwloc() {
        steps.skip("tests with feature hwloc", host::no_hwloc());
    }
    Ok(())
}
