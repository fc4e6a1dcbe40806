//! `xtask tidy`: what the house asks of every file and no compiler checks.

mod atomics;
mod code;
mod compile_fail;
mod decisions;
mod first_lines;
mod layers;
mod links;
mod mutant_tables;
mod paths;
mod tree;
mod unsafe_map;

use crate::arguments::{Accepted, Arguments};
use crate::failure::Failure;
use tree::Tree;

/// What is wrong, and where.
type Complaint = String;

/// A rule looks at the whole tree, so that it can be shown a tree that breaks it.
const RULES: &[fn(&Tree) -> Vec<Complaint>] = &[
    layers::check,
    first_lines::check,
    unsafe_map::check,
    atomics::check,
    paths::check,
    links::check,
    decisions::check,
    mutant_tables::check,
    compile_fail::check,
];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    Arguments::parse("tidy", given, Accepted::default())?;
    let said = check().map_err(Failure::Failed)?;
    println!("tidy: {said}");
    Ok(())
}

/// All rules over the files that git tracks or would add.
pub(crate) fn check() -> Result<String, String> {
    let tree = Tree::read()?;
    let complaints: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    if complaints.is_empty() {
        Ok(format!("{} files keep the rules", tree.files().count()))
    } else {
        Err(format!(
            "{} of the house's rules broken:\n  {}",
            complaints.len(),
            complaints.join("\n  ")
        ))
    }
}
