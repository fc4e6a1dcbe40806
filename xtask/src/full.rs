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
    sanitize::address(&mut steps);
    sanitize::thread(&mut steps);
    conformance::add(&mut steps, None);
    outside::add(&mut steps);
    package::add(&mut steps);
    soak::add(&mut steps, SOAK_MINUTES);
    steps.finish("full")
}

/// What the facade's tests leave out of the quick run for its length.
fn add_long_tests(steps: &mut Steps) {
    let mut tests = World::Plain.cargo(&["test", "--release", "--package", "bywash", "--tests"]);
    steps.program(
        "long tests",
        tests.args(["--", "--ignored"]),
        Patience::TESTS,
    );
}
