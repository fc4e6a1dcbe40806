//! The rule of mutants: each one that the code names stands in a table, and each row names one.

use super::{Complaint, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        // The macro's own files speak of mutants that do not exist.
        let is_code = path.starts_with("crates/") && !path.starts_with("crates/bywash-sync/src/");
        if is_code || path == "crates/bywash-sync/src/parker.rs" {
            named.extend(mutants(text).map(|mutant| (path, mutant)));
        }
    }
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for (path, text) in tree
        .files()
        .filter(|(path, _)| path.ends_with("tests/loom/mutants.tsv"))
    {
        let first = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split('\t').next());
        rows.extend(first.map(|mutant| (path, mutant)));
    }
    let lacks =
        |list: &[(&str, &str)], mutant: &str| list.iter().all(|(_, other)| *other != mutant);
    let unlisted = named
        .iter()
        .filter(|(_, mutant)| lacks(&rows, mutant))
        .map(|(path, mutant)| {
            format!("{path}: mutant `{mutant}` stands in no tests/loom/mutants.tsv")
        });
    let unnamed = rows
        .iter()
        .filter(|(_, mutant)| lacks(&named, mutant))
        .map(|(path, mutant)| format!("{path}: no code names mutant `{mutant}`"));
    unlisted.chain(unnamed).collect()
}

/// The names in `mutant("…")` and `ordering!(…, "…" => …)`, comments left out.
fn mutants(text: &str) -> impl Iterator<Item = &str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| {
            let called = line
                .match_indices("mutant(\"")
                .map(|(at, call)| &line[at + call.len()..]);
            let replaced = line.match_indices("\" =>").filter_map(|(at, _)| {
                let begin = line[..at].rfind('"')?;
                Some(&line[begin + 1..])
            });
            called.chain(replaced)
        })
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.contains('.') && !name.contains([' ', '/', '{']))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    const CODE: &str = "//! Code.\nif !mutant(\"pop.fence\") {}\nx.store(1, ordering!(Release, \"push.publish\" => Relaxed));\n";

    fn complaints(rows: &str) -> Vec<String> {
        let table = format!("mutant\tscenario\texpected\treason\n{rows}");
        check(&Tree::of(&[
            ("crates/bywash-deque/src/ring.rs", CODE),
            ("crates/bywash-deque/tests/loom/mutants.tsv", &table),
        ]))
    }

    #[test]
    fn a_mutant_without_a_row_and_a_row_without_a_mutant_are_complaints() {
        let both = "pop.fence\ta::b\tred\tlost\npush.publish\ta::b\tred\trace\n";
        assert!(complaints(both).is_empty());
        assert_eq!(complaints("pop.fence\ta::b\tred\tlost\n").len(), 1);
        assert_eq!(
            complaints(&format!("{both}steal.cas\ta::b\tred\ttwice\n")).len(),
            1
        );
    }
}
