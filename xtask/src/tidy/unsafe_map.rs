//! The rule of the unsafe map: `unsafe` stands in the files that `lib.rs` or a parent module names, and in each of them.

use super::{Complaint, Tree, code};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let roots = tree
        .files()
        .filter(|(path, _)| path.starts_with("crates/") && path.ends_with("/src/lib.rs"));
    for (root, text) in roots {
        let denials = ["#![deny(unsafe_code)]", "#![forbid(unsafe_code)]"];
        if !denials.iter().any(|line| text.contains(line)) {
            complaints.push(format!("{root}: wants `#![deny(unsafe_code)]`"));
        }
        let folder = root.trim_end_matches("lib.rs");
        let allowed = allowed_below(tree, folder);
        let mut used = vec![false; allowed.len()];
        for (file, source) in tree.with_extension("rs") {
            if !file.starts_with(folder) || !code::has_word(&code::only(source), "unsafe") {
                continue;
            }
            // The innermost permission counts: the outer one must have a use of its own.
            let permission = (0..allowed.len())
                .filter(|&place| allowed[place].1.covers(file))
                .max_by_key(|&place| allowed[place].1.0.len());
            match permission {
                Some(place) => used[place] = true,
                None => complaints.push(format!(
                    "{file}: has `unsafe`, and neither {root} nor its parent allows it with \
                     `#[expect(unsafe_code, reason = \"…\")] mod …;`"
                )),
            }
        }
        for ((parent, module), _) in allowed.iter().zip(used).filter(|(_, used)| !used) {
            let module = &module.0;
            complaints.push(format!(
                "{parent}: allows unsafe code in {module}, which has none"
            ));
        }
    }
    complaints
}

/// A module by its path without the ending: `crates/x/src/bump` for `bump.rs` and all of `bump/`.
struct Module(String);

impl Module {
    fn covers(&self, file: &str) -> bool {
        file.strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.starts_with(['/', '.']))
    }
}

/// Every module that a file of the crate allows unsafe code in, with the file that does.
fn allowed_below<'tree>(tree: &'tree Tree, folder: &str) -> Vec<(&'tree str, Module)> {
    let mut found = Vec::new();
    for (file, text) in tree.with_extension("rs") {
        if file.starts_with(folder) {
            let stem = ["/lib.rs", "/mod.rs", ".rs"]
                .iter()
                .find_map(|ending| file.strip_suffix(ending))
                .unwrap_or(file);
            let modules = allowed(text).into_iter();
            found.extend(modules.map(|name| (file, Module(format!("{stem}/{name}")))));
        }
    }
    found
}

/// The modules that `#[expect(unsafe_code, reason = "…")]` stands above.
fn allowed(root: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut pending = false;
    let mut attribute = String::new();
    for line in root.lines().map(str::trim) {
        if !attribute.is_empty() || line.starts_with("#[") {
            attribute.push_str(line);
            if attribute.ends_with(']') {
                pending |= attribute.contains("unsafe_code") && attribute.contains("reason");
                attribute.clear();
            }
        } else if let Some(module) = module(line) {
            if pending {
                found.push(module);
            }
            pending = false;
        } else if !line.is_empty() && !line.starts_with("//") {
            pending = false;
        }
    }
    found
}

/// The name in `mod NAME;`, `pub mod NAME;`, `pub(crate) mod NAME;`.
fn module(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("mod ")?;
    let is_visibility = before.is_empty() || before.starts_with("pub");
    is_visibility
        .then_some(rest)
        .and_then(|rest| rest.strip_suffix(';'))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    const ROOT: &str = "//! A crate.\n#![deny(unsafe_code)]\n\n\
        #[cfg(unix)]\n#[expect(\n    unsafe_code,\n    reason = \"moves raw memory\"\n)]\npub mod bump;\nmod frame;\n";

    fn complaints(root: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut all = vec![("crates/x/src/lib.rs", root)];
        all.extend(files);
        check(&Tree::of(&all))
    }

    #[test]
    fn unsafe_code_in_a_named_module_and_below_it_is_fine() {
        assert!(complaints(ROOT, &[("crates/x/src/bump.rs", "unsafe {}")]).is_empty());
        assert!(complaints(ROOT, &[("crates/x/src/bump/chunk.rs", "unsafe {}")]).is_empty());
    }

    #[test]
    fn a_parent_module_may_name_the_files_below_it() {
        let root = "#![deny(unsafe_code)]\nmod deque;\n";
        let parent = "#[expect(unsafe_code, reason = \"raw items\")]\nmod steal;\nmod len;\n";
        let files = |inner| {
            [
                ("crates/x/src/deque.rs", parent),
                ("crates/x/src/deque/steal.rs", "unsafe {}"),
                ("crates/x/src/deque/len.rs", inner),
            ]
        };
        assert!(complaints(root, &files("")).is_empty());
        assert_eq!(complaints(root, &files("unsafe {}")).len(), 1);
    }

    #[test]
    fn unsafe_code_in_a_file_that_is_not_named_is_a_complaint() {
        let files = [
            ("crates/x/src/bump.rs", "unsafe {}"),
            ("crates/x/src/frame.rs", "unsafe {}"),
        ];
        assert_eq!(complaints(ROOT, &files).len(), 1);
    }

    #[test]
    fn a_named_module_without_unsafe_code_is_a_complaint() {
        let files = [("crates/x/src/bump.rs", "// unsafe is only spoken of")];
        assert_eq!(complaints(ROOT, &files).len(), 1);
    }

    #[test]
    fn a_crate_that_denies_nothing_is_a_complaint() {
        assert_eq!(complaints("//! A crate.\n", &[]).len(), 1);
    }
}
