//! What changed between two runs, beyond the noise, by a rule that is written down.
//!
//! Two runs are two moods of a machine, so figures are not compared but figures relative to the
//! others of the same round: for each round of a row, ours is divided by the geometric mean of
//! all contenders that both runs have. The two sets of quotients are resampled (bootstrap, whole
//! rounds), and their medians divided. **A row changed when the 95 % interval of that quotient
//! leaves out 1 and its middle is more than 3 % away from 1.** A row without common contenders is
//! compared as it is and marked. `docs/decisions/611-comparing-two-runs.md` says why.

use super::words::figure;
use crate::harness::measurement::{Figures, Report, RowResult};
use crate::harness::statistics::{SplitMix64, median, quantile};
use std::fmt::Write;

/// Changes smaller than this are nobody's business.
const WORTH: f64 = 0.03;

/// One row of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row and its workers.
    pub row: String,
    /// The cost of the second run by that of the first: above 1 is worse, whatever the unit.
    pub quotient: f64,
    /// The 95 % interval of it.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Whether it was taken relative to the others of its rounds.
    pub is_anchored: bool,
    /// Ours in the first run and in the second, in the row's unit.
    pub medians: (f64, f64),
    /// The row's unit.
    pub unit: String,
}

impl Change {
    /// The rule.
    pub fn is_shown(&self) -> bool {
        (self.low > 1.0 || self.high < 1.0) && (self.quotient - 1.0).abs() > WORTH
    }

    /// Shown, and not for the better.
    pub fn is_worse(&self) -> bool {
        self.is_shown() && self.quotient > 1.0
    }
}

/// Every row that both reports have.
pub fn compare(before: &Report, after: &Report) -> Vec<Change> {
    before
        .rows
        .iter()
        .filter_map(|old| {
            let new = after
                .rows
                .iter()
                .find(|new| new.row == old.row && new.workers == old.workers)?;
            change(old, new)
        })
        .collect()
}

fn change(old: &RowResult, new: &RowResult) -> Option<Change> {
    let (old_ours, new_ours) = (old.ours.as_ref()?, new.ours.as_ref()?);
    let common: Vec<(&Figures, &Figures)> = others(old)
        .filter_map(|(name, figures)| {
            let (_, others) = others(new).find(|(other, _)| *other == name)?;
            Some((figures, others))
        })
        .collect();
    let old_anchors: Vec<&Figures> = common.iter().map(|pair| pair.0).collect();
    let new_anchors: Vec<&Figures> = common.iter().map(|pair| pair.1).collect();
    let first = relative(old_ours, &old_anchors, old.lower_is_better);
    let second = relative(new_ours, &new_anchors, new.lower_is_better);
    let (low, high) = quotient_bounds(&first, &second);
    Some(Change {
        row: format!("{} on {}", old.row, old.workers),
        quotient: median(&second) / median(&first),
        low,
        high,
        is_anchored: !common.is_empty(),
        medians: (old_ours.median, new_ours.median),
        unit: old.unit.clone(),
    })
}

fn others(row: &RowResult) -> impl Iterator<Item = (&String, &Figures)> {
    row.rivals.iter().chain(&row.floors)
}

/// Ours of each round by the geometric mean of the others in it, turned so that more is worse.
fn relative(ours: &Figures, anchors: &[&Figures], lower_is_better: bool) -> Vec<f64> {
    ours.samples
        .iter()
        .enumerate()
        .map(|(round, &value)| {
            let logs: Vec<f64> = anchors
                .iter()
                .filter_map(|anchor| anchor.samples.get(round))
                .map(|sample| sample.max(1e-3).ln())
                .collect();
            let anchor = if logs.is_empty() {
                1.0
            } else {
                (logs.iter().sum::<f64>() / logs.len() as f64).exp()
            };
            let relative = value.max(1e-3) / anchor;
            if lower_is_better {
                relative
            } else {
                1.0 / relative
            }
        })
        .collect()
}

/// The 95 % bootstrap interval of the quotient of two medians.
fn quotient_bounds(first: &[f64], second: &[f64]) -> (f64, f64) {
    let mut random = SplitMix64::new(0xC0FFEE);
    let mut resampled = |values: &[f64]| {
        let resample: Vec<f64> = values
            .iter()
            .map(|_| values[random.below(values.len())])
            .collect();
        median(&resample)
    };
    let quotients: Vec<f64> = (0..2_000)
        .map(|_| {
            let below = resampled(first);
            resampled(second) / below
        })
        .collect();
    (quantile(&quotients, 0.025), quantile(&quotients, 0.975))
}

/// The comparison as text: what changed first, then what did not.
pub fn render(changes: &[Change]) -> String {
    let mut text = String::new();
    let mut section = |title: &str, pick: &dyn Fn(&Change) -> bool| {
        let mut picked: Vec<&Change> = changes.iter().filter(|change| pick(change)).collect();
        if picked.is_empty() {
            return;
        }
        picked.sort_by(|one, other| other.quotient.total_cmp(&one.quotient));
        let _ = writeln!(text, "{title}:");
        for change in picked {
            let _ = writeln!(
                text,
                "  {:<34} × {:<5.3} [{:.3}, {:.3}]  {} → {} {}{}",
                change.row,
                change.quotient,
                change.low,
                change.high,
                figure(change.medians.0),
                figure(change.medians.1),
                change.unit,
                if change.is_anchored {
                    ""
                } else {
                    "  (no common contender: not corrected for the machine's mood)"
                }
            );
        }
    };
    section("Worse", &Change::is_worse);
    section("Better", &|change| change.is_shown() && !change.is_worse());
    section("No difference shown", &|change| !change.is_shown());
    text += "A row changed when the 95 % interval leaves out 1 and its middle is more than 3 % from it; \
above 1 is worse.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(samples: &[f64]) -> Figures {
        Figures {
            median: median(samples),
            min: quantile(samples, 0.0),
            max: quantile(samples, 1.0),
            counted: true,
            samples: samples.to_vec(),
            latency: None,
        }
    }

    fn row(ours: &[f64], rival: &[f64], lower_is_better: bool) -> RowResult {
        RowResult {
            row: "join_fib".to_owned(),
            family: "Scheduler".to_owned(),
            workers: 2,
            unit: "ns/fork".to_owned(),
            lower_is_better,
            timed: String::new(),
            note: String::new(),
            rounds: ours.len(),
            ours: Some(figures(ours)),
            rivals: [("chili".to_owned(), figures(rival))].into(),
            floors: Default::default(),
            best_rival: Some("chili".to_owned()),
            ratio_to_best: None,
            ratio_low: None,
            ratio_high: None,
            verdict: String::new(),
            checked: true,
            problems: Vec::new(),
            goals: Vec::new(),
        }
    }

    const NOISE: [f64; 7] = [1.0, 1.02, 0.99, 1.01, 0.98, 1.0, 1.01];

    fn scaled(factor: f64) -> Vec<f64> {
        NOISE.iter().map(|value| value * factor).collect()
    }

    #[test]
    fn a_machine_in_another_mood_is_no_change() {
        let before = row(&scaled(2.0), &scaled(4.0), true);
        let after = row(&scaled(3.0), &scaled(6.0), true);
        let change = change(&before, &after).expect("both have ours");
        assert!(!change.is_shown(), "{change:?}");
    }

    #[test]
    fn a_slower_path_is_worse_and_a_faster_one_is_not() {
        let before = row(&scaled(2.0), &scaled(4.0), true);
        let slower = change(&before, &row(&scaled(2.3), &scaled(4.0), true)).expect("as above");
        assert!(slower.is_worse(), "{slower:?}");
        let faster = change(&before, &row(&scaled(1.7), &scaled(4.0), true)).expect("as above");
        assert!(faster.is_shown() && !faster.is_worse(), "{faster:?}");
    }

    #[test]
    fn where_more_is_better_less_is_worse() {
        let before = row(&scaled(90.0), &scaled(50.0), false);
        let after = row(&scaled(70.0), &scaled(50.0), false);
        assert!(change(&before, &after).expect("as above").is_worse());
    }

    #[test]
    fn a_change_within_the_noise_is_not_shown() {
        let wild = [1.0, 2.0, 0.5, 1.6, 0.7, 1.2, 0.9];
        let before = row(&wild, &scaled(1.0), true);
        let after = row(&wild.map(|value| value * 1.1), &scaled(1.0), true);
        assert!(!change(&before, &after).expect("as above").is_shown());
    }
}
