//! Instruction counts of the hot paths: deterministic for one binary, hence a gate where time is not.
//!
//! A thin wrapper around valgrind's callgrind: each path runs twice, with 10 and with 30 bursts,
//! and the difference is divided, so that start, warm-up and end drop out. The committed counts
//! are keyed by toolchain, target and CPU baseline: another compiler makes other code.

use crate::harness::machine::Machine;
use crate::hot_paths::{BURST, PATHS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// How much a count may grow before somebody has to say that it may.
const GROWTH: f64 = 1.03;
/// Below this, counts are compared as they are: 3 % of four instructions is none.
const SLACK: f64 = 0.5;

/// The committed file: counts of each path, for each kind of build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts(BTreeMap<String, BTreeMap<String, f64>>);

/// What becomes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fails when a path needs more than the file says.
    Check,
    /// Writes what was counted.
    Update,
}

/// The kind of build that this program is.
fn key(machine: &Machine) -> String {
    let compiler: Vec<&str> = machine.compiler.split(' ').take(2).collect();
    format!(
        "{} {} {}",
        compiler.join(" "),
        machine.target,
        machine.baseline
    )
}

/// Counts all paths and checks or updates `file`. Says whether nothing grew.
///
/// # Errors
/// In words: when valgrind cannot be run, or the file not be read or written.
pub fn run(file: &Path, purpose: Purpose) -> Result<bool, String> {
    let known: Counts = match std::fs::read_to_string(file) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?
        }
        Err(_) => Counts::default(),
    };
    let key = key(&Machine::read());
    let counted = count_all()?;
    let before = known.0.get(&key).cloned().unwrap_or_default();
    let (text, grown) = compare(&before, &counted);
    println!("{key}\n{text}");
    if purpose == Purpose::Update {
        let mut all = known;
        all.0.insert(key, counted);
        let json = serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?;
        super::file::write_text(file, &(json + "\n"))?;
        println!("written: {}", file.display());
        return Ok(true);
    }
    if before.is_empty() {
        println!("no counts are recorded for this kind of build: nothing was compared");
    }
    Ok(!grown)
}

/// Each path's old and new count as text, and whether one grew too much.
fn compare(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> (String, bool) {
    let mut text = String::new();
    let mut any = false;
    for (name, &count) in after {
        let (old, word) = match before.get(name) {
            None => ("–".to_owned(), "new"),
            Some(&old) => {
                let has_grown = count > old * GROWTH && count > old + SLACK;
                any |= has_grown;
                let word = match count.total_cmp(&old) {
                    _ if has_grown => "GREW by more than 3 %",
                    std::cmp::Ordering::Less => "less",
                    _ => "",
                };
                (format!("{old:.1}"), word)
            }
        };
        let _ = writeln!(text, "  {name:<22} {old:>9} → {count:>9.1}  {word}");
    }
    (text, any)
}

fn count_all() -> Result<BTreeMap<String, f64>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    PATHS
        .iter()
        .map(|path| {
            let few = instructions(&program, path.name, 10 * BURST)?;
            let many = instructions(&program, path.name, 30 * BURST)?;
            let each = (many as f64 - few as f64) / (20 * BURST) as f64;
            Ok((path.name.to_owned(), (each * 10.0).round() / 10.0))
        })
        .collect()
}

fn instructions(program: &Path, name: &str, count: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--cache-sim=no",
        ])
        .arg(program)
        .args(["--hot-path", name, &count.to_string()])
        .output()
        .map_err(|error| {
            format!("--instructions: valgrind cannot be run ({error}); on Debian: apt-get install valgrind")
        })?;
    let words = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let said = words.lines().find(|line| line.contains("terminating"));
        let said = said.unwrap_or("no word from it");
        return Err(format!(
            "--instructions: {name} did not end well under valgrind ({}): {said}",
            output.status
        ));
    }
    collected(&words).ok_or_else(|| {
        format!(
            "--instructions: valgrind counted nothing for {name}: {}",
            words.lines().last().unwrap_or("no word from it")
        )
    })
}

/// The number behind `Collected :` in callgrind's last words.
fn collected(words: &str) -> Option<u64> {
    words
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, number)| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
        pairs
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    #[test]
    fn growth_beyond_three_per_cent_is_caught_and_less_is_not() {
        let before = counts(&[("join", 40.0), ("pop", 4.0)]);
        assert!(!compare(&before, &counts(&[("join", 41.0), ("pop", 4.4)])).1);
        assert!(compare(&before, &counts(&[("join", 41.5), ("pop", 4.0)])).1);
        assert!(compare(&before, &counts(&[("join", 40.0), ("pop", 5.0)])).1);
        assert!(!compare(&before, &counts(&[("join", 20.0), ("new", 9.0)])).1);
    }

    #[test]
    fn the_count_is_read_from_callgrinds_last_words() {
        let words = "==7== Events    : Ir\n==7== Collected : 1234567\n==7==\n";
        assert_eq!(collected(words), Some(1_234_567));
        assert_eq!(collected("valgrind: no such tool"), None);
    }
}
