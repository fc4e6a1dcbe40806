//! `xtask readme`: the README's performance section, written by the bench from a recorded report.

use crate::arguments::{Accepted, Arguments};
use crate::failure::Failure;
use crate::process::{self, Patience};
use crate::{bench, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the runs lie that documents may quote: a folder a machine, a file a run, named by its date.
const RESULTS: &str = "benches/results";

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        word: Some("REPORT"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("readme", given, accepted)?;
    let report = match arguments.word() {
        Some(report) => PathBuf::from(report),
        None => newest(&workspace::root().join(RESULTS)).ok_or_else(|| {
            Failure::usage(format!(
                "`readme`: {RESULTS} holds no report; name one, such as target/bench/report.json"
            ))
        })?,
    };
    // Seen from the root, so that the README quotes a path that every clone has.
    let report = report
        .strip_prefix(workspace::root())
        .map_or(report.clone(), Path::to_path_buf);
    let mut command = Command::new(bench::program()?);
    command
        .current_dir(workspace::root())
        .args(["--readme", "README.md", "--results"])
        .arg(report);
    process::pass_through(&mut command, Patience::ANSWER)
}

/// The report with the latest date in its name, whatever its machine.
fn newest(results: &Path) -> Option<PathBuf> {
    let machines = fs::read_dir(results).ok()?.flatten();
    let reports = machines
        .filter_map(|machine| fs::read_dir(machine.path()).ok())
        .flat_map(|reports| reports.flatten().map(|report| report.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
    reports.max_by_key(|path| path.file_name().map(std::ffi::OsStr::to_owned))
}

#[cfg(test)]
mod tests {
    use super::newest;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_newest_report_is_told_by_its_name() {
        let results = std::env::temp_dir().join(format!("xtask-readme-{}", std::process::id()));
        for file in [
            "slow/2026-03-02.json",
            "fast/2026-11-01.json",
            "fast/2026-02-09.json",
        ] {
            let path = results.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let found = newest(&results).unwrap();
        fs::remove_dir_all(&results).unwrap();
        assert!(found.ends_with("fast/2026-11-01.json"));
        assert_eq!(newest(Path::new("no/such/folder")), None);
    }
}
