//! The performance section of the README, written from a report and from nothing else.

use super::words::{self, figure};
use crate::harness::measurement::{Report, RowResult};
use std::fmt::Write;

const BEGIN: &str = "<!-- performance: begin, written by `cargo xtask readme` -->";
const END: &str = "<!-- performance: end -->";

/// The rows that the README shows, in its order.
const ROWS: &[&str] = &[
    "join_fib",
    "spawn_detached",
    "task_eff_120ns",
    "loop_chunks",
    "reduce_sum",
    "entry_hot_alone",
    "entry_cold",
    "idle_cpu",
    "uts_t1",
    "cilksort_1e6",
    "tick",
    "frame_cycle",
    "alloc_u64_1m",
    "deque_pair",
];

/// `readme` with the section between its two marks replaced.
///
/// # Errors
/// In words, when the marks are missing or in the wrong order.
pub fn rewrite(readme: &str, report: &Report, source: &str) -> Result<String, String> {
    let begin = readme
        .find(BEGIN)
        .ok_or_else(|| format!("the line {BEGIN} is missing"))?;
    let end = readme
        .find(END)
        .filter(|end| *end > begin)
        .ok_or_else(|| format!("the line {END} is missing after {BEGIN}"))?;
    Ok(format!(
        "{}{BEGIN}\n{}{}",
        &readme[..begin],
        section(report, source),
        &readme[end..]
    ))
}

fn section(report: &Report, source: &str) -> String {
    let mut text = String::from(
        "| row | workers | unit | bywash | best rival | ratio (95 % bound) | verdict |\n|---|---|---|---|---|---|---|\n",
    );
    let most = report
        .rows
        .iter()
        .map(|row| row.workers)
        .filter(|workers| *workers <= report.machine.cores)
        .max();
    for name in ROWS {
        let row = report
            .rows
            .iter()
            .filter(|row| row.row == *name && most.is_none_or(|most| row.workers <= most))
            .max_by_key(|row| row.workers);
        if let Some(row) = row {
            let _ = writeln!(text, "{}", line(row));
        }
    }
    let machine = &report.machine;
    let _ = writeln!(
        text,
        "\nMeasured on {} ({} cores{}), {}, {}, by `{}` at commit `{}` on {}; every answer checked, rounds interleaved. \
A ratio below 1 means ahead; *first* means that the bound is below 1 too. Losses stand here like wins; all rows with all samples: `{source}`.",
        machine.processor,
        machine.cores,
        if machine.is_virtual { ", virtual" } else { "" },
        machine.kernel,
        machine.compiler,
        report.command,
        report.commit,
        report.date.get(..10).unwrap_or(&report.date),
    );
    text
}

fn line(row: &RowResult) -> String {
    let rival = row.best_rival.as_ref().map_or("–".to_owned(), |name| {
        format!("{name} {}", figure(row.rivals[name].median))
    });
    let ratio = words::ratio(row);
    let ratio = ratio.map_or("–".to_owned(), |(middle, high)| {
        format!("{middle} ({high})")
    });
    let verdict = if row.checked {
        row.verdict.clone()
    } else {
        format!("{}, unchecked", row.verdict)
    };
    format!(
        "| `{}` | {} | {} | {} | {rival} | {ratio} | {verdict} |",
        row.row,
        row.workers,
        row.unit,
        words::ours(row)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::machine::Machine;
    use crate::harness::measurement::SCHEMA;

    fn report() -> Report {
        Report {
            schema: SCHEMA,
            machine: Machine::read(),
            commit: "0123456789ab".to_owned(),
            command: "cargo xtask bench".to_owned(),
            date: "2026-03-14T15:09:26Z".to_owned(),
            rounds: 0,
            quick: false,
            rows: Vec::new(),
        }
    }

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = rewrite(&readme, &report(), "benches/results/x.json").expect("both marks");
        assert!(new.starts_with("before\n") && new.ends_with(&format!("{END}\nafter\n")));
        assert!(!new.contains("old") && new.contains("0123456789ab"));
        assert_eq!(
            rewrite(&new, &report(), "benches/results/x.json").as_ref(),
            Ok(&new)
        );
    }

    #[test]
    fn a_readme_without_marks_is_refused() {
        let Err(words) = rewrite("no marks", &report(), "x.json") else {
            panic!("there is nothing to replace");
        };
        assert!(words.contains(BEGIN));
    }
}
