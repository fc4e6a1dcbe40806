//! `xtask package`: every published crate packed and built from its archive alone.

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

/// The unpublished packages too: cargo packs them as well, and a wrong path shows all the same.
pub(crate) fn add(steps: &mut Steps) {
    // The tree may hold work that is not committed yet; what it packs is the same.
    let mut command = World::Plain.cargo(&["package", "--workspace", "--allow-dirty"]);
    steps.program("package", command.arg("--quiet"), Patience::BUILD);
}
