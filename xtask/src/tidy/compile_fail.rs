//! The rule of what must not compile: each such doctest names the error that it is refused with.

use super::{Complaint, Tree};

/// How many such doctests a crate has at least; raised as they are written.
const AT_LEAST: &[(&str, usize)] = &[];

/// Files with doctests whose error has no code: "lifetime may not live long enough" has none.
const WITHOUT_CODE: &[(&str, usize)] = &[("crates/bywash/src/frame.rs", 1)];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        let fences = text.lines().enumerate().filter(|(_, line)| is_fence(line));
        let spared = WITHOUT_CODE.iter().find(|(file, _)| *file == path);
        let spared = spared.map_or(0, |(_, count)| *count);
        for (number, line) in fences.filter(|(_, line)| !has_code(line)).skip(spared) {
            complaints.push(format!(
                "{path}:{}: `{}` passes on any error; write `compile_fail,E0…`",
                number + 1,
                line.trim()
            ));
        }
    }
    for (name, wanted) in AT_LEAST {
        let folder = format!("crates/{name}/src/");
        let own = tree
            .with_extension("rs")
            .filter(|(path, _)| path.starts_with(&folder));
        let found: usize = own
            .map(|(_, text)| text.lines().filter(|line| is_fence(line)).count())
            .sum();
        if found < *wanted {
            complaints.push(format!(
                "{folder}: {found} doctests that must not compile; there have been {wanted}"
            ));
        }
    }
    complaints
}

fn is_fence(line: &str) -> bool {
    let line = line
        .trim_start()
        .trim_start_matches(['/', '!'])
        .trim_start();
    line.starts_with("```") && line.contains("compile_fail")
}

fn has_code(line: &str) -> bool {
    line.split_once("compile_fail,E").is_some_and(|(_, rest)| {
        rest.len() >= 4 && rest.bytes().take(4).all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_doctest_that_any_error_satisfies_is_a_complaint() {
        let path = "crates/bywash-arena/src/frame.rs";
        assert!(check(&Tree::of(&[(path, "/// ```compile_fail,E0505\n")])).is_empty());
        assert_eq!(
            check(&Tree::of(&[(path, "/// ```compile_fail\n")])).len(),
            1
        );
    }
}
