//! The rule of decisions: numbered notes, and one for every Cargo feature.

use super::{Complaint, Tree};
use crate::manifest::Manifest;

const FOLDER: &str = "docs/decisions/";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut numbers: Vec<&str> = Vec::new();
    for (path, _) in notes(tree) {
        let name = path.strip_prefix(FOLDER).unwrap_or(path);
        let (number, title) = name.split_at_checked(3).unwrap_or(("", name));
        let is_numbered = number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit());
        if !is_numbered || !title.starts_with('-') || !title.ends_with(".md") {
            complaints.push(format!("{path}: a note is named NNN-title.md"));
        } else if numbers.contains(&number) {
            complaints.push(format!("{path}: the number {number} is taken"));
        }
        numbers.push(number);
    }
    for (path, text) in tree
        .files()
        .filter(|(path, _)| path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
    {
        for feature in Manifest::parse(text).features() {
            let quoted = format!("`{feature}`");
            let has_note =
                notes(tree).any(|(_, note)| note.contains("feature") && note.contains(&quoted));
            if feature != "default" && !has_note {
                complaints.push(format!(
                    "{path}: feature {quoted} has no decision note below {FOLDER}"
                ));
            }
        }
    }
    complaints
}

fn notes(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.files().filter(|(path, _)| path.starts_with(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_note_without_a_number_of_its_own_is_a_complaint() {
        let tree = Tree::of(&[
            ("docs/decisions/101-chunks.md", ""),
            ("docs/decisions/101-pools.md", ""),
            ("docs/decisions/frames.md", ""),
        ]);
        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn a_feature_wants_a_note_that_names_it() {
        let manifest = "[package]\nname = \"bywash\"\n[features]\ndefault = []\ntrace = []\n";
        let with = |note| {
            check(&Tree::of(&[
                ("crates/bywash/Cargo.toml", manifest),
                ("docs/decisions/401-trace.md", note),
            ]))
        };
        assert_eq!(with("A trace is written.").len(), 1);
        assert!(with("The feature `trace` costs a branch.").is_empty());
    }
}
