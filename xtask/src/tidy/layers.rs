//! The rule of the layers: who may depend on whom, and where versions stand.

use super::{Complaint, Tree};
use crate::manifest::{Dependency, Manifest};

/// Our crates, and which of ours each may name.
const IMPORTS: &[(&str, &[&str])] = &[
    ("bywash-sync", &[]),
    ("bywash-arena", &["bywash-sync"]),
    ("bywash-deque", &["bywash-sync"]),
    ("bywash-topology", &["bywash-sync"]),
    (
        "bywash",
        &[
            "bywash-arena",
            "bywash-deque",
            "bywash-sync",
            "bywash-topology",
        ],
    ),
    ("bywash-tools", &["bywash", "bywash-topology"]),
    (
        "bywash-on-chase-lev",
        &[
            "bywash-arena",
            "bywash-deque",
            "bywash-sync",
            "bywash-topology",
        ],
    ),
    (
        "bywash-bench",
        &[
            "bywash",
            "bywash-arena",
            "bywash-deque",
            "bywash-on-chase-lev",
            "bywash-sync",
            "bywash-topology",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that only a model checker's build may see.
const CHECKERS: &[&str] = &["loom", "shuttle"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree
        .files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"))
    {
        let manifest = Manifest::parse(text);
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == manifest.name()) else {
            complaints.push(format!(
                "{path}: `{}` has no line in the import table of xtask/src/tidy/layers.rs",
                manifest.name()
            ));
            continue;
        };
        for dependency in manifest.dependencies() {
            if let Some(reason) = wrong(&manifest, allowed, dependency) {
                complaints.push(format!("{path}: `{}` {reason}", dependency.name));
            }
        }
    }
    complaints
}

fn wrong(
    manifest: &Manifest,
    allowed: &[&str],
    dependency: Dependency<'_>,
) -> Option<&'static str> {
    let Dependency { table, name, value } = dependency;
    let is_ours = name.starts_with("bywash") || name == "xtask";
    if is_ours && !allowed.contains(&name) {
        return Some("lies in a layer that this crate may not name");
    }
    if manifest.name() == "xtask" {
        return Some("is one dependency too many: xtask stands on std alone");
    }
    if CHECKERS.contains(&name) && !table.starts_with("target.'cfg(bywash_") {
        return Some("belongs under `[target.'cfg(bywash_…)'.dependencies]`");
    }
    // The rivals of the bench are its own affair.
    let has_version_here = value.starts_with('"') || value.contains("version");
    if has_version_here && manifest.name() != "bywash-bench" {
        return Some("takes its version from the workspace: write `workspace = true`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn complaints(name: &str, dependencies: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n\n{dependencies}\n");
        check(&Tree::of(&[("crates/x/Cargo.toml", &text)]))
    }

    #[test]
    fn a_crate_may_name_the_layer_below_it_and_no_other() {
        assert!(
            complaints(
                "bywash-deque",
                "[dependencies]\nbywash-sync.workspace = true"
            )
            .is_empty()
        );
        for table in [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let sideways = format!("[{table}]\nbywash-arena.workspace = true");
            assert_eq!(complaints("bywash-deque", &sideways).len(), 1, "{table}");
        }
        assert_eq!(
            complaints("xtask", "[dependencies]\nbywash.workspace = true").len(),
            1
        );
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_named() {
        assert_eq!(complaints("bywash-fibers", "").len(), 1);
    }

    #[test]
    fn a_model_checker_is_never_a_plain_dependency() {
        assert_eq!(
            complaints("bywash-sync", "[dependencies]\nloom.workspace = true").len(),
            1
        );
        let private = "[target.'cfg(bywash_loom)'.dependencies]\nloom.workspace = true";
        assert!(complaints("bywash-sync", private).is_empty());
    }

    #[test]
    fn versions_stand_in_the_workspace() {
        assert_eq!(
            complaints("bywash-arena", "[dependencies]\nbumpalo = \"3\"").len(),
            1
        );
        let inline = "[dependencies]\nbumpalo = { workspace = true, features = [\"boxed\"] }";
        assert!(complaints("bywash-arena", inline).is_empty());
        assert!(complaints("bywash-bench", "[dependencies]\nrayon = \"1.11\"").is_empty());
    }
}
