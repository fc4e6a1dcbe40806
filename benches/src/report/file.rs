//! The report as a file, and the one clear line when it cannot be read or written.

use crate::harness::measurement::{Report, SCHEMA};
use std::fs;
use std::path::Path;

/// Writes the report.
///
/// # Errors
/// In words, naming the path.
pub fn write(path: &Path, report: &Report) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    write_text(path, &(json + "\n"))
}

/// Writes a text beside the report, making its folder where there is none.
///
/// # Errors
/// In words, naming the path.
pub fn write_text(path: &Path, text: &str) -> Result<(), String> {
    make_folder(path)?;
    fs::write(path, text).map_err(|error| complain(path, "cannot be written", &error))
}

/// Reads a report.
///
/// # Errors
/// In words, naming the path, when there is none, it is not one, or it is newer than this program.
pub fn read(path: &Path) -> Result<Report, String> {
    let text =
        fs::read_to_string(path).map_err(|error| complain(path, "cannot be read", &error))?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| complain(path, "is no report of this bench", &error))?;
    if report.schema > SCHEMA {
        return Err(format!(
            "{}: written by a newer bench (its format is {}, this one reads up to {SCHEMA})",
            path.display(),
            report.schema
        ));
    }
    Ok(report)
}

/// Makes sure that `path` can be written before minutes are spent on what goes there, without
/// harming what is there.
///
/// # Errors
/// In words, naming the path.
pub fn touch(path: &Path) -> Result<(), String> {
    make_folder(path)?;
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map(drop)
        .map_err(|error| complain(path, "cannot be written", &error))
}

fn make_folder(path: &Path) -> Result<(), String> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder)
            .map_err(|error| complain(path, "its folder cannot be made", &error)),
        _ => Ok(()),
    }
}

fn complain(path: &Path, what: &str, error: &dyn std::fmt::Display) -> String {
    format!("{}: {what}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unwritable_path_is_refused_by_its_name() {
        let Err(words) = touch(Path::new("/proc/no/such/place.json")) else {
            panic!("nothing can be written below /proc");
        };
        assert!(words.starts_with("/proc/no/such/place.json: "), "{words}");
    }

    #[test]
    fn a_file_that_is_no_report_is_refused_by_its_name() {
        let Err(words) = read(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml"
        ))) else {
            panic!("a manifest is no report");
        };
        assert!(words.contains("is no report"), "{words}");
    }
}
