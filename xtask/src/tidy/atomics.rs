//! The rule of the atomics: they are imported through `bywash-sync`, or no model checker sees them.

use super::{Complaint, Tree, code};

/// Who may name the standard library's own: the shim, and code that must stay outside a model.
const EXCEPT: &[&str] = &[
    "crates/bywash-sync/",
    "benches/",
    "/tests/",
    "/examples/",
    "xtask/",
    // Bookkeeping of the model's own builds, which the model must not see.
    "crates/bywash-deque/src/chase_lev/buffer.rs",
    "crates/bywash-deque/src/reclaim.rs",
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.with_extension("rs")
        .filter(|(path, _)| !EXCEPT.iter().any(|part| path.contains(part)))
        .flat_map(|(path, text)| {
            let code = code::only(text);
            let wrong = code.lines().enumerate().filter(|(_, line)| names_std(line));
            let lines: Vec<_> = wrong.map(|(number, _)| number + 1).collect();
            lines.into_iter().map(move |number| {
                format!("{path}:{number}: takes atomics from std; `bywash_sync::atomic` has them")
            })
        })
        .collect()
}

fn names_std(line: &str) -> bool {
    let has_path = ["std::sync::atomic", "core::sync::atomic"]
        .iter()
        .any(|path| code::has_word(line, path));
    let has_checker = ["loom", "shuttle"]
        .iter()
        .any(|name| code::has_word(line, name) && line.contains(&format!("{name}::")));
    let is_grouped = line.contains("std::sync::{") && code::has_word(line, "atomic");
    has_path || has_checker || is_grouped
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn atomics_from_std_are_named_with_their_line() {
        for wrong in [
            "use std::sync::atomic::AtomicBool;",
            "use std::sync::{Arc, atomic::AtomicBool};",
            "let x: core::sync::atomic::AtomicU8;",
            "loom::thread::spawn(f);",
        ] {
            let text = format!("//! A file.\n{wrong}\n");
            let complaints = check(&Tree::of(&[("crates/bywash/src/a.rs", &text)]));
            assert_eq!(complaints.len(), 1, "{wrong}");
            assert!(complaints[0].starts_with("crates/bywash/src/a.rs:2:"));
        }
    }

    #[test]
    fn the_shim_and_a_comment_may_name_them() {
        let text = "use std::sync::atomic::AtomicBool;";
        let tree = Tree::of(&[
            ("crates/bywash-sync/src/atomic.rs", text),
            (
                "crates/bywash/src/a.rs",
                "// use std::sync::atomic::AtomicBool;",
            ),
            (
                "crates/bywash/src/b.rs",
                "use bywash_sync::atomic::AtomicBool;",
            ),
        ]);
        assert!(check(&tree).is_empty());
    }
}
