//! What can be asked of the program, and the one clear line for what cannot.

use crate::harness::machine::{self, Machine};
use crate::harness::measurement::{Report, SCHEMA};
use crate::harness::row::Row;
use crate::harness::supervisor::{self, Run};
use crate::hot_paths;
use crate::report::instructions::{self, Purpose};
use crate::report::page::{self, Beside};
use crate::report::{compare, file, readme, table};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
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

    /// Also keeps the report as benches/results/MACHINE/DATE.json, for figures that are quoted
    #[arg(long, conflicts_with = "quick")]
    record: bool,

    /// Names the rows and what each times, and measures nothing
    #[arg(long)]
    list: bool,

    /// Says what changed from the first report to the second, and fails if a row got worse
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with = "quick")]
    compare: Option<Vec<PathBuf>>,

    /// Counts the instructions of the hot paths and fails if one grew by more than 3 %
    #[arg(long)]
    instructions: bool,

    /// Where the counts are kept
    #[arg(
        long,
        value_name = "PATH",
        default_value = "benches/results/instructions.json",
        requires = "instructions"
    )]
    counts: PathBuf,

    /// With --instructions: writes the counts instead of comparing them
    #[arg(long, requires = "instructions")]
    update: bool,

    /// Rewrites this README's performance section from a report, and measures nothing
    #[arg(long, value_name = "README", requires = "results")]
    readme: Option<PathBuf>,

    /// The report that --readme and --page take their figures from
    #[arg(long, value_name = "REPORT")]
    results: Option<PathBuf>,

    /// Draws the page of a report again, and measures nothing; a simulation.txt beside it (from
    /// `cargo xtask simulate`) becomes a section of it
    #[arg(long, value_name = "PATH", requires = "results")]
    page: Option<PathBuf>,

    /// Runs one hot path so many times, for a tool that counts instructions
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "COUNT"])]
    hot_path: Option<Vec<String>>,

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
    let done = if let Some(words) = &arguments.hot_path {
        hot_paths::run(words).map(|()| ExitCode::SUCCESS)
    } else if let Some(reports) = &arguments.compare {
        compare_reports(reports)
    } else if arguments.instructions {
        count_instructions(&arguments)
    } else if let (Some(readme), Some(results)) = (&arguments.readme, &arguments.results) {
        rewrite_readme(readme, results)
    } else if let (Some(page), Some(results)) = (&arguments.page, &arguments.results) {
        draw_page(page, results)
    } else {
        measure(&arguments, rows)
    };
    done.unwrap_or_else(|words| refuse(&words))
}

fn count_instructions(arguments: &Arguments) -> Result<ExitCode, String> {
    let purpose = if arguments.update {
        Purpose::Update
    } else {
        Purpose::Check
    };
    let is_fine = instructions::run(&arguments.counts, purpose)?;
    if !is_fine {
        eprintln!(
            "a hot path needs more instructions than {} says; if it may, run with --instructions --update and commit",
            arguments.counts.display()
        );
    }
    Ok(ExitCode::from(u8::from(!is_fine)))
}

fn compare_reports(reports: &[PathBuf]) -> Result<ExitCode, String> {
    let [before, after] = reports else {
        return Err("--compare: two reports are needed".to_owned());
    };
    let changes = compare::compare(&file::read(before)?, &file::read(after)?);
    if changes.is_empty() {
        return Err(format!(
            "--compare: {} and {} have no row in common",
            before.display(),
            after.display()
        ));
    }
    print!("{}", compare::render(&changes));
    let is_worse = changes.iter().any(compare::Change::is_worse);
    Ok(ExitCode::from(u8::from(is_worse)))
}

fn rewrite_readme(readme: &Path, results: &Path) -> Result<ExitCode, String> {
    let report = file::read(results)?;
    let text = fs::read_to_string(readme)
        .map_err(|error| format!("{}: cannot be read: {error}", readme.display()))?;
    let source = results.display().to_string();
    let new = readme::rewrite(&text, &report, &source)
        .map_err(|words| format!("{}: {words}", readme.display()))?;
    file::write_text(readme, &new)?;
    Ok(ExitCode::SUCCESS)
}

fn draw_page(page: &Path, results: &Path) -> Result<ExitCode, String> {
    let report = file::read(results)?;
    write_page(page, &report)?;
    println!("page: {}", page.display());
    Ok(ExitCode::SUCCESS)
}

/// Draws the page. A `simulation.txt` beside it, the output of `cargo xtask simulate`, becomes
/// its section on machines with many cores.
fn write_page(path: &Path, report: &Report) -> Result<(), String> {
    let criterion = path.with_file_name("../criterion/report/index.html");
    let beside = Beside {
        model: fs::read_to_string(path.with_file_name("simulation.txt")).ok(),
        has_criterion: criterion.is_file(),
    };
    file::write_text(path, &page::render(report, &beside))
}

fn measure(arguments: &Arguments, rows: &[&Row]) -> Result<ExitCode, String> {
    if arguments.results.is_some() {
        return Err("--results: wants --page or --readme beside it".to_owned());
    }
    let chosen = choose(rows, &arguments.filter)?;
    let workers = worker_counts(&arguments.workers)?;
    if arguments.rounds == Some(0) {
        return Err("--rounds 0: a row needs at least one round".to_owned());
    }
    // Before minutes of measuring, not after them.
    let page = arguments.json.with_file_name("index.html");
    file::touch(&arguments.json).map_err(|words| format!("--json {words}"))?;
    file::touch(&page).map_err(|words| format!("--json: {words}"))?;
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
    file::write(&arguments.json, &report)?;
    write_page(&page, &report)?;
    println!("report: {}", arguments.json.display());
    println!("page:   {}", page.display());
    if arguments.record {
        let day = report.date.get(..10).unwrap_or(&report.date);
        let kept = Path::new("benches/results")
            .join(report.machine.slug())
            .join(format!("{day}.json"));
        file::write(&kept, &report)?;
        println!("kept:   {}", kept.display());
    }
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
    refuse(&first_sentence(&error.to_string()))
}

/// The complaint alone: its first line, and the next where the first only announces it.
fn first_sentence(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let first = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    match lines.next() {
        Some(next) if first.ends_with(':') => format!("{first} {next}"),
        _ => first.to_owned(),
    }
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
    fn a_refusal_is_one_line() {
        for arguments in [
            &["bench", "--bogus"][..],
            &["bench", "--workers", "two"],
            &["bench", "--readme", "README.md"],
            &["bench", "--counts", "counts.json"],
        ] {
            let Err(error) = Arguments::try_parse_from(arguments) else {
                panic!("{arguments:?} is wrong usage");
            };
            let words = first_sentence(&error.to_string());
            assert!(!words.contains('\n') && words.len() > 20, "{words}");
            assert!(!words.ends_with(':'), "{words}");
        }
    }

    #[test]
    fn row_names_are_unique() {
        let rows = all();
        let mut names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
