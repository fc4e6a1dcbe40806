//! The rule of the first line: every source file says what it is for.

use super::{Complaint, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.with_extension("rs")
        .filter(|(_, text)| !says_something(text))
        .map(|(path, _)| {
            format!("{path}: the first line does not say what the file is for (`//! …`)")
        })
        .collect()
}

fn says_something(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    // A crate may let its README speak.
    first == "#![doc = include_str!(\"../README.md\")]"
        || first
            .strip_prefix("//! ")
            .is_some_and(|words| words.split_whitespace().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_file_that_does_not_begin_with_its_purpose_is_named() {
        let tree = Tree::of(&[
            ("a.rs", "//! Where a worker looks next.\n"),
            ("a.rs", "#![doc = include_str!(\"../README.md\")]\n"),
            ("b.rs", "// Copyright\n//! Late.\n"),
            ("c.rs", "//! Pool\n"),
            ("d.rs", ""),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 3);
        assert!(
            complaints
                .iter()
                .all(|complaint| !complaint.starts_with("a.rs"))
        );
    }
}
