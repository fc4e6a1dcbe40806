//! `xtask package`: every crate packed and built from its archive alone.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::process::Patience;
use crate::steps::Steps;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    Arguments::parse("package", given, Accepted::default())?;
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish("package")
}

/// Not packed: the scheduler on its other deque, whose sources lie in another package, and the bench,
/// which measures it.
const AT_HOME_ONLY: [&str; 2] = ["bywash-on-chase-lev", "bywash-bench"];

/// Unpublished packages too: cargo packs them as well, and a wrong path shows all the same.
pub(crate) fn add(steps: &mut Steps) {
    // The tree may hold work that is not committed yet; what it packs is the same.
    let mut command = World::Plain.cargo(&["package", "--workspace", "--allow-dirty", "--quiet"]);
    for package in AT_HOME_ONLY {
        command.args(["--exclude", package]);
    }
    steps.program("package", &mut command, Patience::BUILD);
}
