//! `xtask bench`: builds the bench and runs it, or hands out its program.

use crate::build::{self, World};
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::{host, tools, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BUILD: [&str; 5] = ["build", "--profile", "bench", "--package", "bywash-bench"];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    if given.first().is_some_and(|argument| argument == "--bundle") {
        return match given {
            [_, file] => bundle(Path::new(file)),
            _ => Err(Failure::usage(
                "`bench --bundle FILE` wants one file to write, and nothing else",
            )),
        };
    }
    let mut command = Command::new(program()?);
    command.args(given).current_dir(workspace::root());
    if draws_a_page(given) {
        add_models(&page_folder(given));
    }
    let is_quick = given.iter().any(|argument| argument == "--quick");
    let patience = if is_quick {
        Patience::QUICK_BENCH
    } else {
        Patience::BENCH
    };
    process::pass_through(&mut command, patience)
}

/// Whether this call ends with a page: what only lists, compares or counts does not.
fn draws_a_page(given: &[String]) -> bool {
    let others = [
        "--list",
        "--compare",
        "--instructions",
        "--readme",
        "--help",
        "-h",
    ];
    given
        .iter()
        .all(|argument| !others.contains(&argument.as_str()))
}

/// Where the page will lie: beside the report.
fn page_folder(given: &[String]) -> PathBuf {
    let named = ["--json", "--page"].iter().find_map(|option| {
        given.iter().enumerate().find_map(|(place, argument)| {
            let rest = argument.strip_prefix(option)?;
            match rest.strip_prefix('=') {
                Some(path) => Some(path),
                None if rest.is_empty() => given.get(place + 1).map(String::as_str),
                None => None,
            }
        })
    });
    let report = workspace::root().join(named.unwrap_or("target/bench/report.json"));
    report.parent().map(Path::to_path_buf).unwrap_or(report)
}

/// Lays the models of machines with many cores beside the page, which shows them as such. A page
/// without them says so, hence a line is all that is lost.
fn add_models(folder: &Path) {
    let models = if host::has_hwloc() {
        tools::models()
    } else {
        Err(host::no_hwloc())
    };
    let written = models.and_then(|text| {
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(folder.join("simulation.txt"), text))
            .map_err(|error| format!("{}: {error}", folder.display()))
    });
    if let Err(reason) = written {
        eprintln!("xtask: the page goes without models of many cores ({reason})");
    }
}

/// Copies the bench to `file`: it runs without cargo, sources or network.
fn bundle(file: &Path) -> Result<(), Failure> {
    if file.is_dir() {
        return Err(Failure::usage(format!(
            "--bundle {}: this is a folder; name a file in it",
            file.display()
        )));
    }
    let refused =
        |error: std::io::Error| Failure::usage(format!("--bundle {}: {error}", file.display()));
    // Before minutes of building, not after them.
    let is_new = !file.exists();
    drop(
        fs::File::options()
            .append(true)
            .create(true)
            .open(file)
            .map_err(refused)?,
    );
    let program = program().inspect_err(|_| {
        if is_new {
            // It was made for a program that there is none of.
            let _ = fs::remove_file(file);
        }
    })?;
    fs::copy(program, file).map_err(refused)?;
    println!("{}: run it with --help", file.display());
    Ok(())
}

/// Builds the bench and tells where its program is.
pub(crate) fn program() -> Result<std::path::PathBuf, Failure> {
    let mut command = World::Plain.cargo(&BUILD);
    build::executables(command.args(["--bin", "bench"]))
        .map_err(Failure::Failed)?
        .into_iter()
        .map(|program| program.path)
        .next()
        .ok_or_else(|| Failure::failed("cargo built the bench without naming its program"))
}

#[cfg(test)]
mod tests {
    use super::{draws_a_page, page_folder};

    fn given(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn models_lie_beside_the_report_that_was_asked_for() {
        assert!(page_folder(&given("--quick")).ends_with("target/bench"));
        assert!(page_folder(&given("--json=/a/b.json")).ends_with("/a"));
        assert!(page_folder(&given("--quick --json /a/b.json")).ends_with("/a"));
    }

    #[test]
    fn what_measures_nothing_needs_no_model() {
        assert!(draws_a_page(&given("--quick --filter join_fib")));
        assert!(!draws_a_page(&given("--compare a b")));
    }
}
