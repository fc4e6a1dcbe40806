//! What changed between two runs, beyond the noise, by a rule that is written down.
//!
//! Two runs are two moods of a machine, so each row is looked at in up to three ways: ours by the
//! clock, ours of each round by the geometric mean of the rivals in it, and by that of the floors.
//! In each way whole rounds are resampled (bootstrap) and the medians divided. **A row changed when
//! every way shows it: the 95 % interval of the quotient leaves out 1 on the same side, and its
//! middle is more than 3 % away from 1.** `docs/decisions/611-comparing-two-runs.md` says why.

use super::words::figure;
use crate::harness::measurement::{Figures, Report, RowResult};
use crate::harness::statistics::{SplitMix64, median, quantile};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Changes smaller than this are nobody's business.
const WORTH: f64 = 0.03;

/// One row of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row and its workers.
    pub row: String,
    /// The ways of looking at it, by the clock first.
    pub ways: Vec<Quotient>,
    /// Ours in the first run and in the second, in the row's unit.
    pub medians: (f64, f64),
    /// The row's unit.
    pub unit: String,
}

/// The cost of the second run by that of the first: above 1 is worse, whatever the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quotient {
    /// Whose mood it is relative to; the clock's is none.
    pub anchor: &'static str,
    /// That of the medians.
    pub middle: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Quotient {
    /// Of ours in two runs, each divided by the common others of its run, round by round.
    fn of(
        anchor: &'static str,
        ours: (&Figures, &Figures),
        others: (&[&Figures], &[&Figures]),
        lower_is_better: bool,
    ) -> Self {
        let first = relative(ours.0, others.0, lower_is_better);
        let second = relative(ours.1, others.1, lower_is_better);
        let (low, high) = quotient_bounds(&first, &second);
        Self {
            anchor,
            middle: median(&second) / median(&first),
            low,
            high,
        }
    }

    fn is_worse(&self) -> bool {
        self.low > 1.0 && self.middle > 1.0 + WORTH
    }

    fn is_better(&self) -> bool {
        self.high < 1.0 && self.middle < 1.0 - WORTH
    }
}

impl Change {
    /// Shown in every way, and for the worse.
    pub fn is_worse(&self) -> bool {
        self.ways.iter().all(Quotient::is_worse)
    }

    /// Shown in every way, and for the better.
    pub fn is_better(&self) -> bool {
        self.ways.iter().all(Quotient::is_better)
    }

    /// By the most cautious way: the quotient that is nearest to 1.
    pub fn middle(&self) -> f64 {
        let middles = self.ways.iter().map(|way| way.middle);
        let nearest = middles.min_by(|one, other| one.ln().abs().total_cmp(&other.ln().abs()));
        nearest.unwrap_or(1.0)
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
    let ours = (old.ours.as_ref()?, new.ours.as_ref()?);
    let lower_is_better = old.lower_is_better;
    let by = |anchor, old: &Entries, new: &Entries| {
        let common = old
            .iter()
            .filter_map(|(name, figures)| Some((figures, new.get(name)?)));
        let (old, new): (Vec<_>, Vec<_>) = common.unzip();
        let is_there = !old.is_empty();
        is_there.then(|| Quotient::of(anchor, ours, (&old, &new), lower_is_better))
    };
    let mut ways = vec![Quotient::of("clock", ours, (&[], &[]), lower_is_better)];
    ways.extend(by("rivals", &old.rivals, &new.rivals));
    ways.extend(by("floors", &old.floors, &new.floors));
    Some(Change {
        row: format!("{} on {}", old.row, old.workers),
        ways,
        medians: (ours.0.median, ours.1.median),
        unit: old.unit.clone(),
    })
}

/// Contenders by name.
type Entries = BTreeMap<String, Figures>;

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
        picked.sort_by(|one, other| other.middle().total_cmp(&one.middle()));
        let _ = writeln!(text, "{title}:");
        for change in picked {
            let _ = writeln!(text, "{}", line(change));
        }
    };
    section("Worse", &Change::is_worse);
    section("Better", &Change::is_better);
    section("No difference shown", &|change| {
        !change.is_worse() && !change.is_better()
    });
    text += "Above 1 is worse. A row changed when each way of looking at it shows it: the 95 % interval \
leaves out 1, on the same side, and its middle is more than 3 % away.\n";
    text
}

fn line(change: &Change) -> String {
    let ways: Vec<String> = change
        .ways
        .iter()
        .map(|way| {
            let Quotient {
                anchor,
                middle,
                low,
                high,
            } = way;
            format!("{anchor} {middle:.3} [{low:.3}, {high:.3}]")
        })
        .collect();
    format!(
        "  {:<30} {:>7} → {:<7} {:<8} {}",
        change.row,
        figure(change.medians.0),
        figure(change.medians.1),
        change.unit,
        ways.join("  ")
    )
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
        assert!(!change.is_worse() && !change.is_better(), "{change:?}");
    }

    #[test]
    fn a_mood_that_hits_the_others_alone_is_no_change() {
        let before = row(&scaled(3.0), &scaled(9.0), true);
        let after = row(&scaled(2.0), &scaled(4.0), true);
        let change = change(&before, &after).expect("both have ours");
        assert!(!change.is_worse() && !change.is_better(), "{change:?}");
    }

    #[test]
    fn a_slower_path_is_worse_and_a_faster_one_is_better() {
        let before = row(&scaled(2.0), &scaled(4.0), true);
        let slower = change(&before, &row(&scaled(2.3), &scaled(4.0), true)).expect("as above");
        assert!(slower.is_worse() && slower.middle() > 1.1, "{slower:?}");
        let faster = change(&before, &row(&scaled(1.7), &scaled(4.0), true)).expect("as above");
        assert!(faster.is_better() && !faster.is_worse(), "{faster:?}");
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
        assert!(!change(&before, &after).expect("as above").is_worse());
    }
}
