//! The rules of names and sizes: no drawer for odds and ends, no output, no file too long to read.

use super::{Complaint, Tree};

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

/// Endings of a file that should have replaced the one beside it.
const COPIES: &[&str] = &["_new", "_old", "_v2"];

/// Endings of what programs leave behind.
const OUTPUT: &[&str] = &[".log", ".orig", ".rej", ".profraw", ".bak", ".tmp", ".perf"];

/// What a source file may hold before it wants to be two.
const LINES: usize = 450;

/// Files, and folders of files, that may be longer: how long, and why.
const LONG: &[(&str, usize, &str)] = &[
    (
        "benches/src/rows/",
        800,
        "rows: a list that is not read through",
    ),
    ("benches/src/", 600, "a report and its page, piece by piece"),
    (
        "crates/bywash-deque/src/split/core.rs",
        550,
        "two halves of one protocol",
    ),
    ("/tests/", 600, "one case after the other"),
];

/// What may lie at the top.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "crates",
    "docs",
    "rust-toolchain.toml",
    "xtask",
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files() {
        let mut complain = |what: &str| complaints.push(format!("{path}: {what}"));
        let top = path.split('/').next().unwrap_or(path);
        if !TOP.contains(&top) {
            complain("does not belong at the top of the repository");
        }
        for part in path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if DRAWERS.contains(&stem) {
                complain("is a drawer for odds and ends; name it after what is inside");
            }
            if COPIES.iter().any(|ending| stem.ends_with(ending)) {
                complain("is a copy beside its original; let it replace it");
            }
        }
        let is_output = OUTPUT.iter().any(|ending| path.ends_with(ending));
        if is_output
            || path.contains("callgrind.out")
            || path.split('/').any(|part| part == "target")
        {
            complain("is output, and stays out of the tree");
        }
        let lines = text.lines().count();
        let long = LONG.iter().find(|(long, ..)| path.contains(long));
        let limit = long.map_or(LINES, |(_, lines, _)| *lines);
        if path.ends_with(".rs") && lines > limit {
            complain(&format!(
                "has {lines} lines; above {limit} it wants to be two files"
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::{LINES, Tree, check};

    #[test]
    fn each_of_these_paths_is_one_complaint() {
        for path in [
            "notes.txt",
            "crates/bywash/src/utils.rs",
            "crates/common/src/lib.rs",
            "crates/bywash/src/frame_v2.rs",
            "benches/run.log",
            "crates/bywash/target/x",
            "benches/callgrind.out.12",
        ] {
            assert_eq!(check(&Tree::of(&[(path, "")])).len(), 1, "{path}");
        }
        assert!(check(&Tree::of(&[("crates/bywash/src/frame.rs", "")])).is_empty());
    }

    #[test]
    fn a_file_too_long_to_read_is_a_complaint() {
        let path = "crates/bywash/src/frame.rs";
        assert!(check(&Tree::of(&[(path, &"\n".repeat(LINES))])).is_empty());
        assert_eq!(
            check(&Tree::of(&[(path, &"\n".repeat(LINES + 1))])).len(),
            1
        );
    }
}
