//! What the tables of `expected.tsv`, `expected_extra.tsv` and `placements.tsv` ask of a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bywash_topology::{Placement, Topology};

/// The folder of real machines: `BYWASH_TOPOLOGIES`, else beside the repository. Without it
/// the tests that need it say so in one line, and hold nothing.
pub(crate) fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("BYWASH_TOPOLOGIES").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/topologies");
    let folder = named.unwrap_or_else(beside);
    if folder.join("expected.tsv").is_file() {
        return Some(folder);
    }
    eprintln!(
        "no machines at {}: set BYWASH_TOPOLOGIES to test them",
        folder.display()
    );
    None
}

/// A table's rows: for each, its columns by name.
pub(crate) fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let names: Vec<String> = lines.next().unwrap().collect();
    lines
        .map(|row| names.iter().cloned().zip(row).collect())
        .collect()
}

/// The columns of `expected.tsv`, from a machine.
pub(crate) fn counts(machine: &Topology) -> BTreeMap<String, String> {
    let counts = machine.counts();
    [
        ("packages", counts.packages),
        ("numa_nodes", counts.numa_nodes),
        ("l3_groups", counts.l3_groups),
        ("cores", counts.cores),
        ("pus", counts.pus),
        ("max_smt", counts.max_smt),
        ("cpu_kinds", counts.cpu_kinds),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()))
    .into()
}

/// The columns of `expected_extra.tsv`, from a machine.
pub(crate) fn extra(machine: &Topology) -> BTreeMap<String, String> {
    let pus = machine.pus();
    let distinct = |of: &dyn Fn(&bywash_topology::Pu) -> Option<usize>| {
        pus.iter().filter_map(of).collect::<BTreeSet<_>>().len()
    };
    let has_cache = |pu: &bywash_topology::Pu| machine.llcs()[pu.llc].has_cache;
    let with_cpus = machine
        .nodes()
        .iter()
        .filter(|node| !node.pus.is_empty())
        .count();
    let sizes: BTreeSet<usize> = machine.llcs().iter().map(|llc| llc.usable_cores).collect();
    let siblings = machine.cores().iter().filter(|core| core.pus.len() > 1);
    let adjacent: Vec<bool> = siblings
        .map(|core| {
            core.pus
                .windows(2)
                .all(|p| pus[p[1]].id.0 == pus[p[0]].id.0 + 1)
        })
        .collect();
    let yes_or_no = |is: bool| (if is { "yes" } else { "no" }).to_owned();
    let numbers = [
        ("usable_packages", distinct(&|pu| pu.package)),
        ("usable_l3", distinct(&|pu| has_cache(pu).then_some(pu.llc))),
        (
            "pus_without_l3",
            pus.iter().filter(|pu| !has_cache(pu)).count(),
        ),
        ("llc_groups", machine.llcs().len()),
        ("numa_with_cpus", with_cpus),
        ("cpuless_numa", machine.nodes().len() - with_cpus),
        (
            "pus_without_numa",
            pus.iter().filter(|pu| pu.node.is_none()).count(),
        ),
        (
            "offline_pus",
            machine.present().difference(&machine.allowed()).len(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()));
    let words = [
        (
            "smt_siblings_adjacent",
            if adjacent.is_empty() {
                "-".to_owned()
            } else {
                yes_or_no(adjacent.iter().all(|&a| a))
            },
        ),
        ("asymmetric_llc", yes_or_no(sizes.len() > 1)),
        ("slit", yes_or_no(machine.has_distances())),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    numbers.into_iter().chain(words).collect()
}

/// The placement that `placements.tsv` calls by this name.
pub(crate) fn placement(name: &str) -> Placement {
    let name = match name {
        "tiered" => "tiered-spillover".to_owned(),
        "perf_first" => "performance-cores-first".to_owned(),
        other => other.replace('_', "-"),
    };
    name.parse().unwrap()
}

/// The first 64 OS indices of a placement, as `placements.tsv` writes them.
pub(crate) fn first_64(machine: &Topology, placement: Placement) -> String {
    let order = placement.order(machine).unwrap();
    let ids = order
        .iter()
        .take(64)
        .map(|&position| machine.pus()[position].id.0.to_string());
    ids.collect::<Vec<_>>().join(",")
}

/// Compares a machine with its rows in all three tables; says what differs.
pub(crate) fn differences(folder: &Path, file: &str, machine: &Topology) -> Vec<String> {
    let mut differences = Vec::new();
    let facts = [
        ("expected.tsv", counts(machine)),
        ("expected_extra.tsv", extra(machine)),
    ];
    for (name, found) in facts {
        let rows = table(&folder.join(name));
        let row = rows.iter().find(|row| row["file"] == file).unwrap();
        for (column, expected) in row.iter().filter(|(column, _)| *column != "file") {
            if found[column] != *expected {
                let found = &found[column];
                differences.push(format!("{file}: {column} is {found}, expected {expected}"));
            }
        }
    }
    let rows = table(&folder.join("placements.tsv"));
    for row in rows.iter().filter(|row| row["file"] == file) {
        let (strategy, expected) = (&row["strategy"], &row["first_64_os_indices"]);
        let found = first_64(machine, placement(strategy));
        if found != *expected {
            differences.push(format!(
                "{file}: {strategy} is {found}, expected {expected}"
            ));
        }
    }
    differences
}
