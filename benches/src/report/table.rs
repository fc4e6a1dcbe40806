//! The table in the terminal.

use super::words::{self, figure, ranked};
use crate::harness::measurement::{Figures, Report, RowResult};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The whole scoreboard as text, one line a row and worker count, problems below.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut family = "";
    for row in &report.rows {
        if row.family != family {
            family = &row.family;
            let _ = writeln!(
                text,
                "\n{:<19} {:>2} {:<9} {:>9}  {:<13} {:<20} {:<22} rivals",
                family, "w", "unit", "bywash", "ratio (≤)", "verdict", "floor"
            );
        }
        let _ = writeln!(text, "{}", line(row));
    }
    let problems: Vec<String> = report
        .rows
        .iter()
        .flat_map(|row| {
            row.problems.iter().map(|problem| {
                format!(
                    "  {} on {}: {}: {}",
                    row.row, row.workers, problem.contender, problem.what
                )
            })
        })
        .collect();
    if !problems.is_empty() {
        let _ = writeln!(text, "\nNot counted:\n{}", problems.join("\n"));
    }
    let missed: Vec<String> = report
        .rows
        .iter()
        .flat_map(|row| {
            row.goals
                .iter()
                .filter(|goal| goal.met == Some(false))
                .map(|goal| {
                    let reached = match words::reached(goal).as_str() {
                        "" => String::new(),
                        figure => format!(" (reached {figure})"),
                    };
                    format!("  {} on {}: {}{reached}", row.row, row.workers, goal.goal)
                })
        })
        .collect();
    if !missed.is_empty() {
        let _ = writeln!(text, "\nGoals not met:\n{}", missed.join("\n"));
    }
    text
}

fn line(row: &RowResult) -> String {
    let ratio = words::ratio(row);
    let ratio = ratio.map_or_else(
        || "–".to_owned(),
        |(middle, high)| format!("{middle} (≤ {high})"),
    );
    let verdict = if row.checked {
        row.verdict.clone()
    } else {
        format!("{} UNCHECKED", row.verdict)
    };
    format!(
        "{:<19} {:>2} {:<9} {:>9}  {:<13} {:<20} {:<22} {}",
        row.row,
        row.workers,
        row.unit,
        words::ours(row),
        ratio,
        verdict,
        list(&row.floors, row.lower_is_better),
        list(&row.rivals, row.lower_is_better)
    )
}

/// Names and medians, the best first; those that only stand beside are in brackets.
fn list(figures: &BTreeMap<String, Figures>, lower_is_better: bool) -> String {
    ranked(figures, lower_is_better)
        .iter()
        .map(|(name, figures)| {
            let text = format!("{name} {}", figure(figures.median));
            if figures.counted {
                text
            } else {
                format!("({text})")
            }
        })
        .collect::<Vec<_>>()
        .join(" · ")
}
