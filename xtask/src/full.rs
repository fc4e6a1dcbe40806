//! `xtask full`: everything there is, with one table at the end.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::mutants::{self, Shard};
use crate::process::Patience;
use crate::steps::Steps;
use crate::{ci, conformance, outside, package, sanitize, soak, test};

/// How long the soak runs; `xtask soak --minutes N` takes any length.
const SOAK_MINUTES: u32 = 10;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    Arguments::parse("full", given, Accepted::default())?;
    let mut steps = Steps::default();
    ci::add_lints(&mut steps)?;
    test::add(&mut steps)?;
    add_long_tests(&mut steps);
    mutants::add(&mut steps, Shard::ALL, None);
    sanitize::address(&mut steps, &[]);
    sanitize::thread(&mut steps);
    conformance::add(&mut steps, None);
    outside::add(&mut steps);
    package::add(&mut steps);
    soak::add(&mut steps, SOAK_MINUTES);
    steps.finish("full")
}

/// What the facade's tests leave out of the quick run for its length, on either deque.
fn add_long_tests(steps: &mut Steps) {
    add_tests_of(steps, "long tests", &["bywash", "--tests"], "--ignored");
    // Here the quick run leaves out the heap altogether.
    let other = ["bywash-on-chase-lev", "--test", "it", "--test", "heap"];
    add_tests_of(steps, "long tests, Chase-Lev", &other, "--include-ignored");
}

fn add_tests_of(steps: &mut Steps, name: &str, package: &[&str], which: &str) {
    let cargo = || {
        let mut command = World::Plain.cargo(&["test", "--release", "--package"]);
        command.args(package);
        command
    };
    let build = format!("{name}: build");
    steps.program(&build, cargo().arg("--no-run"), Patience::BUILD);
    steps.program(name, cargo().args(["--", which]), Patience::LONG_TESTS);
}
