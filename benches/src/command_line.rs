//! What can be asked of the program, and the one clear line for what cannot.

use crate::harness::machine::{self, Machine};
use crate::harness::measurement::{Report, SCHEMA};
use crate::harness::row::Row;
use crate::harness::supervisor::{self, Run};
use crate::report::table;
use clap::Parser;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures bywash beside its rivals, on work with known answers.
#[derive(Debug, Parser)]
#[command(name = "bench", disable_version_flag = true)]
struct Arguments {
    /// A short run: every row within three minutes on two cores
    #[arg(long)]
    quick: bool,

    /// Only this row; `*` stands for anything (join_*), and the option can be given again
    #[arg(long, value_name = "ROW")]
    filter: Vec<String>,

    /// Worker counts, the caller included; the default is 1, 2 and all cores
    #[arg(long, value_name = "N,N,…", value_delimiter = ',')]
    workers: Vec<usize>,

    /// Exactly this many interleaved rounds a row
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,

    /// Where the report goes
    #[arg(long, value_name = "PATH", default_value = "target/bench/report.json")]
    json: PathBuf,

    /// Names the rows and what each times, and measures nothing
    #[arg(long)]
    list: bool,

    /// Runs one row for the process that started this one
    #[arg(long, hide = true, value_name = "ORDER")]
    measure: Option<String>,
}

/// The program.
pub fn main(rows: &[&Row]) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse_or_help(&error),
    };
    if let Some(order) = &arguments.measure {
        return match supervisor::obey(order, rows) {
            Ok(()) => ExitCode::SUCCESS,
            Err(words) => refuse(&words),
        };
    }
    if arguments.list {
        print!("{}", list(rows));
        return ExitCode::SUCCESS;
    }
    match measure(&arguments, rows) {
        Ok(code) => code,
        Err(words) => refuse(&words),
    }
}

fn measure(arguments: &Arguments, rows: &[&Row]) -> Result<ExitCode, String> {
    let chosen = choose(rows, &arguments.filter)?;
    let workers = worker_counts(&arguments.workers)?;
    if arguments.rounds == Some(0) {
        return Err("--rounds 0: a row needs at least one round".to_owned());
    }
    // Before minutes of measuring, not after them.
    touch(&arguments.json)?;
    let run = Run {
        quick: arguments.quick,
        rounds: arguments.rounds,
        workers,
    };
    let machine = Machine::read();
    let date = machine::now();
    let results = run.measure(&chosen)?;
    let report = Report {
        schema: SCHEMA,
        machine,
        commit: machine::commit(),
        command: command(),
        date,
        rounds: results.iter().map(|row| row.rounds).max().unwrap_or(0),
        quick: arguments.quick,
        rows: results,
    };
    println!("{}", table::render(&report));
    let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    fs::write(&arguments.json, json + "\n")
        .map_err(|error| format!("--json {}: {error}", arguments.json.display()))?;
    println!("report: {}", arguments.json.display());
    let all_checked = report.rows.iter().all(|row| row.checked);
    Ok(if all_checked {
        ExitCode::SUCCESS
    } else {
        eprintln!("some rows are unchecked: see \"Not counted\" above");
        ExitCode::FAILURE
    })
}

/// The rows that any of `patterns` names; all of them where there is none.
fn choose<'row>(rows: &[&'row Row], patterns: &[String]) -> Result<Vec<&'row Row>, String> {
    for pattern in patterns {
        if !rows.iter().any(|row| matches(pattern, row.name)) {
            return Err(format!(
                "--filter {pattern}: no row has this name; --list names them all, and * stands for anything"
            ));
        }
    }
    Ok(rows
        .iter()
        .copied()
        .filter(|row| patterns.is_empty() || patterns.iter().any(|p| matches(p, row.name)))
        .collect())
}

/// Whether `name` is `pattern`, where each `*` stands for any run of letters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len())
                .filter(|&cut| tail.is_char_boundary(cut))
                .any(|cut| matches(rest, &tail[cut..]))
        }),
    }
}

/// The most threads a run may ask for: far above any machine it was tried on, far below what
/// exhausts one.
const MOST_WORKERS: usize = 1_024;

fn worker_counts(asked: &[usize]) -> Result<Vec<usize>, String> {
    if asked.contains(&0) {
        return Err("--workers 0: a row needs at least one worker".to_owned());
    }
    if let Some(count) = asked.iter().find(|&&count| count > MOST_WORKERS) {
        return Err(format!(
            "--workers {count}: at most {MOST_WORKERS} workers can be asked for"
        ));
    }
    let mut counts = if asked.is_empty() {
        vec![
            1,
            2,
            std::thread::available_parallelism().map_or(1, usize::from),
        ]
    } else {
        asked.to_vec()
    };
    counts.sort_unstable();
    counts.dedup();
    Ok(counts)
}

/// Makes sure that `path` can be written, without harming what is there.
fn touch(path: &PathBuf) -> Result<(), String> {
    let complaint =
        |error: std::io::Error| format!("--json {}: cannot be written: {error}", path.display());
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(complaint)?;
    }
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map(drop)
        .map_err(complaint)
}

fn list(rows: &[&Row]) -> String {
    let mut text = String::new();
    let mut family = None;
    for row in rows {
        if family != Some(row.family) {
            family = Some(row.family);
            text += &format!("\n{}\n", row.family.title());
        }
        text += &format!("  {:<20} {:<10} {}\n", row.name, row.unit, row.timed);
    }
    text
}

fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ["cargo xtask bench", &arguments.join(" ")]
        .join(" ")
        .trim_end()
        .to_owned()
}

fn refuse_or_help(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    refuse(first.trim_start_matches("error: "))
}

fn refuse(words: &str) -> ExitCode {
    eprintln!("bench: {words}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::all;

    #[test]
    fn a_filter_is_a_whole_name_or_a_pattern() {
        assert!(matches("join_fib", "join_fib"));
        assert!(!matches("join", "join_fib"));
        assert!(matches("join_*", "join_tree20"));
        assert!(matches("*_eff_*", "task_eff_20ns"));
        assert!(!matches("join_*_rev", "join_tree20"));
        assert!(matches("*", "anything"));
    }

    #[test]
    fn an_unknown_row_is_refused_by_its_name() {
        let rows = all();
        let chosen = choose(&rows, &["join_fib".to_owned()]).expect("the row exists");
        assert_eq!(chosen.len(), 1);
        let Err(words) = choose(&rows, &["join_fob".to_owned()]) else {
            panic!("there is no such row");
        };
        assert!(words.starts_with("--filter join_fob: no row"), "{words}");
    }

    #[test]
    fn worker_counts_are_sorted_and_refused_at_zero_and_beyond_reason() {
        assert_eq!(worker_counts(&[4, 1, 4]), Ok(vec![1, 4]));
        assert!(worker_counts(&[2, 0]).is_err());
        assert!(worker_counts(&[1_000_000]).is_err());
    }

    #[test]
    fn an_unwritable_path_is_refused_before_anything_is_measured() {
        let Err(words) = touch(&PathBuf::from("/proc/no/such/place.json")) else {
            panic!("nothing can be written below /proc");
        };
        assert!(words.contains("cannot be written"), "{words}");
    }

    #[test]
    fn row_names_are_unique_and_every_required_rival_is_in_its_row() {
        let rows = all();
        let mut names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
