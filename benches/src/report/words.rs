//! How figures, ratios and goals are worded, wherever they are shown.

use crate::harness::measurement::{Figures, GoalResult, RowResult};
use std::collections::BTreeMap;

/// Ours in a row, or a dash.
pub(super) fn ours(row: &RowResult) -> String {
    let ours = row.ours.as_ref();
    ours.map_or_else(|| "–".to_owned(), |ours| figure(ours.median))
}

/// The ratio to the best rival and its upper bound, where there is one.
pub(super) fn ratio(row: &RowResult) -> Option<(String, String)> {
    let (ratio, high) = row.ratio_to_best.zip(row.ratio_high)?;
    Some((format!("{ratio:.2}"), format!("{high:.2}")))
}

/// `1 worker`, `2 workers`.
pub(super) fn workers(row: &RowResult) -> String {
    match row.workers {
        1 => "1 worker".to_owned(),
        count => format!("{count} workers"),
    }
}

/// What was reached of a goal, in its own terms; being first is a verdict and has no figure.
pub(super) fn reached(goal: &GoalResult) -> String {
    let reached = goal.reached.filter(|_| goal.goal != "first");
    reached.map_or_else(String::new, figure)
}

/// The best first; those that are only shown after all that count.
pub(super) fn ranked(
    figures: &BTreeMap<String, Figures>,
    lower_is_better: bool,
) -> Vec<(&String, &Figures)> {
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
}

/// Three significant digits, without an exponent.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 99.95 {
        grouped(&format!("{value:.0}"))
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.0995 || size == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(digits: &str) -> String {
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
        assert_eq!(figure(-1_234.0), "-1,234");
    }
}
