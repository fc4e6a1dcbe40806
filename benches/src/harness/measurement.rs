//! What a row's run leaves behind: the report's contract, as types.

use super::row::{Bound, Goal, Role, Row};
use super::statistics::{Ratio, Verdict, median, median_bounds, paired_ratio, quantile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of these types; a reader refuses a newer one.
    pub schema: u32,
    /// Where it ran.
    pub machine: super::machine::Machine,
    /// The commit measured, with `+changes` where the tree was not clean.
    pub commit: String,
    /// The command line, without the program's path.
    pub command: String,
    /// When it began, UTC.
    pub date: String,
    /// The most rounds that any row ran.
    pub rounds: usize,
    /// Whether it was a short run.
    pub quick: bool,
    /// The rows, in the scoreboard's order.
    pub rows: Vec<RowResult>,
}

/// The version of [`Report`].
pub const SCHEMA: u32 = 1;

/// One row at one worker count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowResult {
    /// The row's name.
    pub row: String,
    /// The part of the scoreboard.
    pub family: String,
    /// Threads taking part.
    pub workers: usize,
    /// The unit of every figure.
    pub unit: String,
    /// Whether smaller is better.
    pub lower_is_better: bool,
    /// What the clock covers.
    pub timed: String,
    /// What to know beside the figures.
    pub note: String,
    /// Interleaved rounds run.
    pub rounds: usize,
    /// The project's own figures; absent when it failed or is not in the row.
    pub ours: Option<Figures>,
    /// Other libraries; those with `counted: false` do another job and are shown only.
    pub rivals: BTreeMap<String, Figures>,
    /// What is physically there; never the best rival.
    pub floors: BTreeMap<String, Figures>,
    /// The counted rival with the best median.
    pub best_rival: Option<String>,
    /// Median of the paired ratios to it; below 1 is ahead.
    pub ratio_to_best: Option<f64>,
    /// Its lower 95 % bound.
    pub ratio_low: Option<f64>,
    /// Its upper 95 % bound.
    pub ratio_high: Option<f64>,
    /// `first`, `behind`, `no difference shown`, or `alone` where nobody else does this job.
    pub verdict: String,
    /// Ours and every required rival were there and answered rightly.
    pub checked: bool,
    /// Who failed, and how.
    pub problems: Vec<Problem>,
    /// The goals, judged.
    pub goals: Vec<GoalResult>,
}

/// The figures of one contender.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Figures {
    /// The middle sample.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Whether it is ranked.
    #[serde(default = "is_counted", skip_serializing_if = "Clone::clone")]
    pub counted: bool,
    /// One sample a round, in the order of the rounds.
    pub samples: Vec<f64>,
    /// The distribution of single latencies over all rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

fn is_counted() -> bool {
    true
}

/// A latency distribution in the row's unit.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Latency {
    /// How many latencies it is made of.
    pub count: usize,
    /// Half are below.
    pub p50: f64,
    /// One in a hundred is above.
    pub p99: f64,
    /// One in a thousand is above.
    pub p999: f64,
    /// Quantiles at even steps from 0 to 1, for the plot.
    pub curve: Vec<f64>,
}

/// A contender that failed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Problem {
    /// Who.
    pub contender: String,
    /// In which way.
    pub what: String,
}

/// A goal and whether it is met.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct GoalResult {
    /// The bound in words.
    pub goal: String,
    /// Whether the median meets it; absent where it could not be judged.
    pub met: Option<bool>,
    /// Whether the interval lies wholly on that side.
    pub certain: bool,
    /// What was reached, in the goal's own terms.
    pub reached: Option<f64>,
}

/// What a contender leaves behind while the rounds go on.
#[derive(Clone, Debug)]
pub struct Track {
    /// Who.
    pub name: &'static str,
    /// How it counts.
    pub role: Role,
    /// One sample a round.
    pub samples: Vec<f64>,
    /// All latencies of all rounds.
    pub latencies: Vec<f64>,
    /// The failure that ended its part, if any.
    pub failure: Option<String>,
}

impl Track {
    fn figures(&self) -> Figures {
        Figures {
            median: median(&self.samples),
            min: quantile(&self.samples, 0.0),
            max: quantile(&self.samples, 1.0),
            counted: self.role != Role::Shown,
            samples: self.samples.clone(),
            latency: (!self.latencies.is_empty()).then(|| Latency::of(&self.latencies)),
        }
    }

    fn is_sound(&self) -> bool {
        self.failure.is_none() && !self.samples.is_empty()
    }
}

impl Latency {
    fn of(latencies: &[f64]) -> Self {
        Self {
            count: latencies.len(),
            p50: quantile(latencies, 0.5),
            p99: quantile(latencies, 0.99),
            p999: quantile(latencies, 0.999),
            curve: (0..=100)
                .map(|step| quantile(latencies, f64::from(step) / 100.0))
                .collect(),
        }
    }
}

impl RowResult {
    /// Sums up the rounds of one row. `lost` are contenders that the watchdog took out.
    pub fn new(row: &Row, workers: usize, tracks: &[Track], lost: &[Problem]) -> Self {
        let sound = |role: Role| {
            tracks
                .iter()
                .filter(move |track| track.role == role && track.is_sound())
        };
        let named = |role| {
            sound(role)
                .map(|track| (track.name.to_owned(), track.figures()))
                .collect::<BTreeMap<_, _>>()
        };
        let ours = sound(Role::Ours).next();
        let mut rivals = named(Role::Rival);
        rivals.extend(named(Role::Shown));

        let best = sound(Role::Rival).min_by(|left, right| {
            let order = median(&left.samples).total_cmp(&median(&right.samples));
            if row.lower_is_better {
                order
            } else {
                order.reverse()
            }
        });
        let ratio = ours
            .zip(best)
            .map(|(ours, best)| paired_ratio(&ours.samples, &best.samples, row.lower_is_better));

        let mut problems: Vec<Problem> = tracks
            .iter()
            .filter_map(|track| {
                track.failure.as_ref().map(|what| Problem {
                    contender: track.name.to_owned(),
                    what: what.clone(),
                })
            })
            .collect();
        problems.extend_from_slice(lost);
        for required in row.required {
            let is_there = rivals.contains_key(*required);
            let is_explained = problems.iter().any(|p| p.contender == *required);
            if !is_there && !is_explained {
                problems.push(Problem {
                    contender: (*required).to_owned(),
                    what: "required, and missing from the row".to_owned(),
                });
            }
        }
        if ours.is_none() && !problems.iter().any(|p| p.contender == "bywash") {
            problems.push(Problem {
                contender: "bywash".to_owned(),
                what: "missing from the row".to_owned(),
            });
        }
        let checked = ours.is_some() && row.required.iter().all(|name| rivals.contains_key(*name));

        Self {
            row: row.name.to_owned(),
            family: row.family.title().to_owned(),
            workers,
            unit: row.unit.to_owned(),
            lower_is_better: row.lower_is_better,
            timed: row.timed.to_owned(),
            note: row.note.to_owned(),
            rounds: tracks
                .iter()
                .map(|track| track.samples.len())
                .max()
                .unwrap_or(0),
            ours: ours.map(Track::figures),
            floors: named(Role::Floor),
            best_rival: best.map(|track| track.name.to_owned()),
            ratio_to_best: ratio.map(|ratio| ratio.median),
            ratio_low: ratio.map(|ratio| ratio.low),
            ratio_high: ratio.map(|ratio| ratio.high),
            verdict: verdict(ours.is_some(), ratio).to_owned(),
            checked,
            problems,
            goals: row
                .goals
                .iter()
                .filter(|goal| goal.workers.is_none_or(|count| count == workers))
                .map(|goal| judge(goal, row, tracks, ratio))
                .collect(),
            rivals,
        }
    }
}

fn verdict(has_ours: bool, ratio: Option<Ratio>) -> &'static str {
    match ratio.map(|ratio| ratio.verdict()) {
        Some(Verdict::First) => "first",
        Some(Verdict::Behind) => "behind",
        Some(Verdict::NoDifference) => "no difference shown",
        None if has_ours => "alone",
        None => "not measured",
    }
}

/// Holds one goal against the samples.
fn judge(goal: &Goal, row: &Row, tracks: &[Track], to_best: Option<Ratio>) -> GoalResult {
    let sound = |name: &str| tracks.iter().find(|t| t.name == name && t.is_sound());
    let ours = tracks
        .iter()
        .find(|track| track.role == Role::Ours && track.is_sound());
    let unit = row.unit;
    let best = to_best.map(|ratio| (ratio.median, ratio.low, ratio.high));
    let paired = |ours: &Track, theirs: &Track| {
        let ratio = paired_ratio(&ours.samples, &theirs.samples, true);
        (ratio.median, ratio.low, ratio.high)
    };
    let against = |name| {
        ours.zip(sound(name))
            .map(|(ours, theirs)| paired(ours, theirs))
    };
    // Each arm: the words, what was reached with its bounds, the limit, and whether it is an upper one.
    let (words, reached, limit, is_upper) = match goal.bound {
        Bound::First => ("first".to_owned(), best, 1.0, true),
        Bound::OfBest(times) => (format!("≤ {times} × the best rival"), best, times, true),
        Bound::AtMost(limit) => (format!("≤ {limit} {unit}"), ours.map(spread), limit, true),
        Bound::AtLeast(limit) => (format!("≥ {limit} {unit}"), ours.map(spread), limit, false),
        Bound::TailAtMost(limit) => {
            let tail = ours
                .filter(|ours| !ours.latencies.is_empty())
                .map(|ours| quantile(&ours.latencies, 0.99));
            let tail = tail.map(|tail| (tail, tail, tail));
            (format!("p99 ≤ {limit} {unit}"), tail, limit, true)
        }
        Bound::Against { name, times } => {
            let sign = if row.lower_is_better { '≤' } else { '≥' };
            let words = format!("{sign} {times} × {name}");
            (words, against(name), times, row.lower_is_better)
        }
        Bound::Above { name, times } => {
            (format!("≥ {times} × {name}"), against(name), times, false)
        }
        Bound::SpeedUp { times } => {
            let serial = ours.zip(sound("serial"));
            let ratio = serial.map(|(ours, serial)| paired(serial, ours));
            (format!("≥ {times} × serial speed"), ratio, times, false)
        }
    };
    let met = reached.map(|(middle, _, _)| {
        if goal.bound == Bound::First {
            // The only goal that asks for certainty by its own definition.
            to_best.is_some_and(|ratio| ratio.verdict() == Verdict::First)
        } else if is_upper {
            middle <= limit
        } else {
            middle >= limit
        }
    });
    let certain = reached.is_some_and(|(_, low, high)| {
        if is_upper {
            high <= limit || low > limit
        } else {
            low >= limit || high < limit
        }
    });
    let at = goal
        .workers
        .map_or(String::new(), |workers| format!(" on {workers}"));
    GoalResult {
        goal: format!("{words}{at}"),
        met,
        certain,
        reached: reached.map(|(middle, _, _)| middle),
    }
}

fn spread(track: &Track) -> (f64, f64, f64) {
    let (low, high) = median_bounds(&track.samples, 0.05);
    (median(&track.samples), low, high)
}

#[cfg(test)]
mod tests {
    use super::super::row::{Family, Setting, Workers};
    use super::*;

    const GOALS: &[Goal] = &[
        Goal::FIRST,
        Goal::at_most(3.0).on(2),
        Goal::against("serial", 1.05).on(1),
        Goal::of_best(0.1).on(4),
        Goal::tail_at_most(10.0).on(4),
    ];

    fn row(lower_is_better: bool) -> Row {
        Row {
            name: "test_row",
            family: Family::Scheduler,
            unit: "ns/job",
            lower_is_better,
            timed: "nothing",
            workers: Workers::Each,
            required: &["fast", "slow"],
            goals: GOALS,
            note: "",
            contenders: |_: &Setting| Vec::new(),
        }
    }

    fn track(name: &'static str, role: Role, samples: &[f64]) -> Track {
        Track {
            name,
            role,
            samples: samples.to_vec(),
            latencies: Vec::new(),
            failure: None,
        }
    }

    #[test]
    fn floors_and_shown_entries_never_become_the_best_rival() {
        let tracks = [
            track("bywash", Role::Ours, &[2.0; 5]),
            track("fast", Role::Rival, &[4.0; 5]),
            track("slow", Role::Rival, &[8.0; 5]),
            track("loop", Role::Shown, &[0.5; 5]),
            track("serial", Role::Floor, &[0.1; 5]),
        ];
        let result = RowResult::new(&row(true), 2, &tracks, &[]);
        assert_eq!(result.best_rival.as_deref(), Some("fast"));
        assert_eq!(result.ratio_to_best, Some(0.5));
        assert_eq!(result.verdict, "first");
        assert!(result.checked);
        assert!(!result.rivals["loop"].counted);
        assert!(result.problems.is_empty());
    }

    #[test]
    fn a_required_rival_that_is_missing_or_wrong_leaves_the_row_unchecked() {
        let mut wrong = track("slow", Role::Rival, &[8.0; 5]);
        wrong.failure = Some("answered 4 instead of 5".to_owned());
        let tracks = [
            track("bywash", Role::Ours, &[2.0; 5]),
            track("fast", Role::Rival, &[4.0; 5]),
            wrong,
        ];
        let result = RowResult::new(&row(true), 2, &tracks, &[]);
        assert!(!result.checked);
        assert!(!result.rivals.contains_key("slow"));
        assert_eq!(result.problems.len(), 1);

        let result = RowResult::new(&row(true), 2, &tracks[..2], &[]);
        assert!(!result.checked);
        assert_eq!(result.problems[0].contender, "slow");
    }

    #[test]
    fn a_rival_that_hung_is_named_with_what_happened() {
        let tracks = [
            track("bywash", Role::Ours, &[2.0; 5]),
            track("fast", Role::Rival, &[4.0; 5]),
        ];
        let lost = [Problem {
            contender: "slow".to_owned(),
            what: "hung".to_owned(),
        }];
        let result = RowResult::new(&row(true), 2, &tracks, &lost);
        assert!(!result.checked);
        assert_eq!(result.problems, lost);
    }

    #[test]
    fn goals_are_judged_at_their_own_worker_count() {
        let tracks = [
            track("bywash", Role::Ours, &[3.5; 5]),
            track("fast", Role::Rival, &[4.0; 5]),
            track("slow", Role::Rival, &[8.0; 5]),
            track("serial", Role::Floor, &[3.4; 5]),
        ];
        let on_two = RowResult::new(&row(true), 2, &tracks, &[]);
        assert_eq!(on_two.goals.len(), 2);
        assert_eq!(on_two.goals[0].met, Some(true));
        assert_eq!(on_two.goals[1].goal, "≤ 3 ns/job on 2");
        assert_eq!(on_two.goals[1].met, Some(false));
        let on_one = RowResult::new(&row(true), 1, &tracks, &[]);
        assert_eq!(on_one.goals[1].goal, "≤ 1.05 × serial on 1");
        assert_eq!(on_one.goals[1].met, Some(true));
        assert!(on_one.goals[1].certain);
    }

    #[test]
    fn goals_on_the_best_rival_and_on_the_tail_are_judged_by_their_own_figures() {
        let mut ours = track("bywash", Role::Ours, &[1.0; 5]);
        ours.latencies = (0..=100).map(f64::from).collect();
        let tracks = [ours, track("fast", Role::Rival, &[20.0; 5])];
        let goals = RowResult::new(&row(true), 4, &tracks, &[]).goals;
        assert_eq!(goals[1].goal, "≤ 0.1 × the best rival on 4");
        assert_eq!((goals[1].met, goals[1].reached), (Some(true), Some(0.05)));
        assert_eq!((goals[2].met, goals[2].reached), (Some(false), Some(99.0)));
    }

    #[test]
    fn where_more_is_better_the_best_rival_is_the_highest() {
        let tracks = [
            track("bywash", Role::Ours, &[90.0; 5]),
            track("fast", Role::Rival, &[60.0; 5]),
            track("slow", Role::Rival, &[30.0; 5]),
        ];
        let result = RowResult::new(&row(false), 2, &tracks, &[]);
        assert_eq!(result.best_rival.as_deref(), Some("fast"));
        let ratio = result.ratio_to_best.expect("both are there");
        assert!((ratio - 60.0 / 90.0).abs() < 1e-12);
    }

    #[test]
    fn the_json_carries_every_field_of_the_contract() {
        let tracks = [
            track("bywash", Role::Ours, &[2.0; 5]),
            track("fast", Role::Rival, &[4.0; 5]),
            track("slow", Role::Rival, &[8.0; 5]),
            track("serial", Role::Floor, &[0.27; 5]),
        ];
        let result = RowResult::new(&row(true), 2, &tracks, &[]);
        let json = serde_json::to_value(&result).expect("figures are finite");
        for field in [
            "row",
            "workers",
            "unit",
            "lower_is_better",
            "ours",
            "rivals",
            "floors",
            "best_rival",
            "ratio_to_best",
            "ratio_high",
            "checked",
        ] {
            assert!(json.get(field).is_some(), "{field} is missing");
        }
        for figures in [
            &json["ours"],
            &json["rivals"]["slow"],
            &json["floors"]["serial"],
        ] {
            for field in ["median", "min", "max"] {
                assert!(figures[field].is_f64(), "{field} is missing");
            }
        }
        let back: RowResult = serde_json::from_value(json).expect("what we write, we read");
        assert_eq!(back.ours, result.ours);
    }
}
