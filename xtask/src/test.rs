//! `xtask test`: every test, doctest, loom scenario and random schedule.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::{doctests, features, host, loom, scenario, shuttle, workspace};

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
    let mut tests = World::Plain.cargo(&[
        "test",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "bywash-bench",
    ]);
    doctests::judge_codes(&mut tests);
    steps.program("tests and doctests", &mut tests);
    // In the profile of the bench itself, whose build of the rivals is then used twice.
    steps.program(
        "tests of the bench",
        &mut World::Plain.cargo(&[
            "test",
            "--profile",
            "bench",
            "--package",
            "bywash-bench",
            "--lib",
        ]),
    );
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

/// The tests of each crate with all its features, hwloc where the library is present.
fn add_features(steps: &mut Steps) -> Result<(), Failure> {
    for package in workspace::crates().map_err(Failure::Failed)? {
        if let [_, .., all] = features::sets(&package).as_slice() {
            let name = format!("{} {}", package.name(), all.title());
            let mut tests =
                World::Plain.cargo(&["test", "--no-fail-fast", "--package", package.name()]);
            doctests::judge_codes(&mut tests);
            steps.program(&name, tests.args(&all.0));
        }
    }
    if !host::has_hwloc() {
        steps.skip("tests with feature hwloc", host::no_hwloc());
    }
    Ok(())
}
