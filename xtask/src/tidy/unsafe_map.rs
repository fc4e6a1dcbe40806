//! The rule of the unsafe map: `unsafe` stands in the files that `lib.rs` names, and in each of them.

use super::{Complaint, Tree, code};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let roots = tree
        .files()
        .filter(|(path, _)| path.starts_with("crates/") && path.ends_with("/src/lib.rs"));
    for (path, text) in roots {
        let folder = path.trim_end_matches("lib.rs");
        if !["#![deny(unsafe_code)]", "#![forbid(unsafe_code)]"]
            .iter()
            .any(|line| text.contains(line))
        {
            complaints.push(format!("{path}: wants `#![deny(unsafe_code)]`"));
        }
        let allowed = allowed(text);
        let mut used = vec![false; allowed.len()];
        for (file, source) in tree.with_extension("rs") {
            let Some(inside) = file.strip_prefix(folder).filter(|_| is_unsafe(source)) else {
                continue;
            };
            let module = inside.split(['/', '.']).next().unwrap_or(inside);
            match allowed.iter().position(|name| *name == module) {
                Some(place) => used[place] = true,
                None => complaints.push(format!(
                    "{file}: has `unsafe`, and {path} does not name it with \
                     `#[expect(unsafe_code, reason = \"…\")] mod {module};`"
                )),
            }
        }
        for (module, _) in allowed.iter().zip(used).filter(|(_, used)| !used) {
            complaints.push(format!(
                "{path}: allows unsafe code in `{module}`, which has none"
            ));
        }
    }
    complaints
}

fn is_unsafe(source: &str) -> bool {
    code::has_word(&code::only(source), "unsafe")
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
