//! The JSON of the real machines, against their tables, through the program itself.

use std::path::{Path, PathBuf};

use crate::{answer, refusal};

fn folder() -> Option<PathBuf> {
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

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// The list of numbers under a key.
fn list<'j>(object: &'j str, key: &str) -> &'j str {
    let (_, rest) = object.split_once(&format!("\"{key}\":[")).unwrap();
    rest.split_once(']').unwrap().0
}

#[test]
fn counts_and_placements_are_as_in_the_tables() {
    let Some(folder) = folder() else { return };
    let counts = rows(&folder.join("expected.tsv"));
    for placement in rows(&folder.join("placements.tsv")).iter().skip(1) {
        let [file, strategy, expected] = &placement[..] else {
            panic!("a row has three columns: {placement:?}");
        };
        let strategy = match strategy.as_str() {
            "tiered" => "tiered-spillover".to_owned(),
            "perf_first" => "performance-cores-first".to_owned(),
            other => other.replace('_', "-"),
        };
        let path = folder.join(file);
        let object = answer(&[
            "topology",
            "--json",
            "--xml",
            path.to_str().unwrap(),
            "--strategy",
            &strategy,
            "--workers",
            "64",
        ]);
        assert_eq!(list(&object, "placement"), expected, "{file} {strategy}");
        let row = counts.iter().find(|row| row[0] == *file).unwrap();
        for (name, value) in counts[0].iter().zip(row).skip(1) {
            assert!(
                object.contains(&format!("\"{name}\":{value},")),
                "{file} {name}: {object}"
            );
        }
        let tiers: Vec<usize> = list(&object, "tiers")
            .split(',')
            .map(|tier| tier.parse().unwrap())
            .collect();
        assert!(
            tiers[0] == 1 && tiers.is_sorted(),
            "{file} {strategy}: {tiers:?}"
        );
    }
}

#[test]
fn files_and_descriptions_that_cannot_be_loaded_are_one_line() {
    assert!(refusal(&["topology", "--xml", "no/such/machine.xml"]).contains("machine.xml"));
    assert!(refusal(&["topology", "--synthetic", "pack:zero"]).contains("pack:zero"));
    let path = std::env::temp_dir().join(format!("bywash-broken-{}.xml", std::process::id()));
    let named = path.to_str().unwrap();
    std::fs::write(&path, "<topology version=\"3.0\"></topology>").unwrap();
    assert!(refusal(&["topology", "--xml", named]).contains("version"));
    std::fs::write(&path, "<topology version=\"2.0\"><object type=\"Machine\"").unwrap();
    assert!(refusal(&["simulate", "--workload", "loop", "--xml", named]).contains("line 1"));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_synthetic_machine_is_modelled_with_spillover_opening_tiers() {
    let machine = "pack:2 [numa] l3:2 core:4 pu:1";
    let arguments = [
        "simulate",
        "--synthetic",
        machine,
        "--workload",
        "loop",
        "--strategy",
        "tiered-spillover",
    ];
    let tables = answer(&arguments);
    let row = tables
        .lines()
        .find(|line| line.starts_with("tiered-spillover"))
        .unwrap();
    let awake: f64 = row.split_whitespace().last().unwrap().parse().unwrap();
    assert!(
        awake > 8.0,
        "a long loop wakes more than two tiers of four: {tables}"
    );
    let picture = answer(&["topology", "--synthetic", machine]);
    assert!(picture.contains("tier 4: workers 12-15"), "{picture}");
}
