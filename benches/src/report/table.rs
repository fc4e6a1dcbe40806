//! The table in the terminal.

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
                    let reached = goal.reached.map_or(String::new(), figure);
                    format!(
                        "  {} on {}: {} (reached {reached})",
                        row.row, row.workers, goal.goal
                    )
                })
        })
        .collect();
    if !missed.is_empty() {
        let _ = writeln!(text, "\nGoals not met:\n{}", missed.join("\n"));
    }
    text
}

fn line(row: &RowResult) -> String {
    let ours = row
        .ours
        .as_ref()
        .map_or_else(|| "–".to_owned(), |ours| figure(ours.median));
    let ratio = match (row.ratio_to_best, row.ratio_high) {
        (Some(ratio), Some(high)) => format!("{ratio:.2} (≤ {high:.2})"),
        _ => "–".to_owned(),
    };
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
        ours,
        ratio,
        verdict,
        list(&row.floors, row.lower_is_better),
        list(&row.rivals, row.lower_is_better)
    )
}

/// Names and medians, the best first; those that only stand beside are in brackets.
fn list(figures: &BTreeMap<String, Figures>, lower_is_better: bool) -> String {
    let mut named: Vec<_> = figures.iter().collect();
    named.sort_by(|(_, one), (_, other)| {
        let order = one.median.total_cmp(&other.median);
        let order = if lower_is_better {
            order
        } else {
            order.reverse()
        };
        other.counted.cmp(&one.counted).then(order)
    });
    named
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

/// Three significant digits, without an exponent.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 99.95 {
        let digits = format!("{value:.0}");
        let start = digits.len() - digits.trim_start_matches('-').len();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            let left = digits.len() - index;
            if index > start && left.is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.0995 || size == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_no_exponent() {
        assert_eq!(figure(0.0), "0.00");
        assert_eq!(figure(0.031), "0.0310");
        assert_eq!(figure(1.784), "1.78");
        assert_eq!(figure(14.26), "14.3");
        assert_eq!(figure(147.6), "148");
        assert_eq!(figure(28_634.4), "28,634");
        assert_eq!(figure(1_000_000.0), "1,000,000");
    }
}
