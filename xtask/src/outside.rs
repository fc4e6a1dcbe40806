//! `xtask outside`: each crate as a stranger meets it, alone in a package outside the workspace.
//!
//! The package is made below `target/`, depends on the one crate, and runs the first example of its
//! README. What a crate must not drag in is looked for in its tree of dependencies.

use crate::arguments::{Accepted, Arguments};
use crate::build;
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::steps::Steps;
use crate::workspace;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A crate, the page whose first example is run, and what may not be in its tree.
const CRATES: &[(&str, &str, &[&str])] = &[
    (
        "bywash-arena",
        "crates/bywash-arena/README.md",
        &[
            "bywash",
            "bywash-deque",
            "bywash-topology",
            "crossbeam-epoch",
            "loom",
            "shuttle",
        ],
    ),
    (
        "bywash-deque",
        "crates/bywash-deque/README.md",
        &[
            "bywash",
            "bywash-arena",
            "bywash-topology",
            "loom",
            "shuttle",
        ],
    ),
    (
        "bywash-topology",
        "crates/bywash-topology/README.md",
        &[
            "bywash",
            "bywash-arena",
            "bywash-deque",
            "crossbeam-epoch",
            "hwlocality",
            "loom",
        ],
    ),
    ("bywash", "README.md", &["loom", "shuttle", "hwlocality"]),
];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    Arguments::parse("outside", given, Accepted::default())?;
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish("outside")
}

pub(crate) fn add(steps: &mut Steps) {
    for (name, page, unwanted) in CRATES {
        steps.check(&format!("outside: {name}"), || meet(name, page, unwanted));
    }
}

fn meet(name: &str, page: &str, unwanted: &[&str]) -> Result<String, String> {
    let root = workspace::root();
    let path = root.join(page);
    let text = fs::read_to_string(&path).map_err(|error| format!("{page}: {error}"))?;
    let example = first_example(&text).ok_or_else(|| format!("{page} has no ```rust example"))?;
    let folder = workspace::target().join("outside").join(name);
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap_or(&folder))
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    write(
        "Cargo.toml",
        &manifest(name, &root.join("crates").join(name)),
    )?;
    write("src/main.rs", &program(&example))?;
    // The versions that the workspace was tested with; cargo drops the lines that are not used.
    let lock = fs::read_to_string(root.join("Cargo.lock")).map_err(|error| error.to_string())?;
    write("Cargo.lock", &lock)?;

    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(build::cargo());
        command.args(arguments).current_dir(&folder).env(
            "CARGO_TARGET_DIR",
            workspace::target().join("outside/target"),
        );
        command
    };
    process::show(&mut cargo(&["run", "--quiet"]), Patience::BUILD)?;
    let mut tree = cargo(&["tree", "--edges", "normal", "--prefix", "none"]);
    let tree = process::read(&mut tree, Patience::ANSWER)?;
    let met = packages(&tree);
    match unwanted.iter().find(|unwanted| met.contains(*unwanted)) {
        Some(unwanted) => Err(format!("{name} drags in {unwanted}:\n{tree}")),
        None => Ok(format!("{} packages, itself included", met.len() - 1)),
    }
}

/// The names in a `cargo tree`, each once.
fn packages(tree: &str) -> Vec<&str> {
    let mut names: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn manifest(name: &str, path: &Path) -> String {
    format!(
        "[package]\nname = \"stranger\"\nedition = \"2024\"\n\n\
         [dependencies]\n{name} = {{ path = '{}' }}\n\n[workspace]\n",
        path.display()
    )
}

/// The first block that is marked as plain ```` ```rust ````, its hidden lines shown.
fn first_example(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("```rust\n")?;
    let (block, _) = rest.split_once("```")?;
    let shown = block.lines().map(|line| match line.strip_prefix('#') {
        Some("") => "",
        Some(hidden) if hidden.starts_with(' ') => hidden,
        _ => line,
    });
    Some(shown.collect::<Vec<_>>().join("\n"))
}

/// The example as a program, wrapped the way rustdoc does it.
fn program(example: &str) -> String {
    if example.contains("fn main()") {
        example.to_owned()
    } else if example.trim_end().ends_with("(())") {
        format!(
            "fn main() {{\n    fn example() -> Result<(), impl core::fmt::Debug> {{\n{example}\n    }}\n    \
             example().unwrap();\n}}\n"
        )
    } else {
        format!("fn main() {{\n{example}\n}}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{first_example, packages, program};

    #[test]
    fn the_first_plain_example_is_taken_with_its_hidden_lines() {
        let page = "# T\n```rust,ignore\na\n```\n```rust\n# use x;\n#[inline]\nfn f() {}\n```\n```rust\nlast\n```\n";
        assert_eq!(
            first_example(page).unwrap(),
            " use x;\n#[inline]\nfn f() {}"
        );
        assert_eq!(first_example("no example"), None);
    }

    #[test]
    fn an_example_that_ends_in_a_result_can_use_the_question_mark() {
        assert!(program("f()?;\nOk::<(), E>(())").contains("-> Result<(), impl core::fmt::Debug>"));
        assert_eq!(program("fn main() {}"), "fn main() {}");
        assert!(program("f();").starts_with("fn main() {\nf();"));
    }

    #[test]
    fn a_package_is_met_by_its_whole_name() {
        let tree = "stranger v0.1.0\nbywash-arena v0.1.0\nbumpalo v3.20.2\nbumpalo v3.20.2 (*)\n";
        assert_eq!(packages(tree), ["bumpalo", "bywash-arena", "stranger"]);
    }
}
