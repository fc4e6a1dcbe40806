//! Interleaved rounds: A B C, B C A, C A B …, so that a machine that drifts drifts under everybody.

use super::measurement::{Problem, RowResult, Track};
use super::row::{Contender, Row, Sample, Setting, Wrong};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long a row may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Rounds run whatever they cost.
    pub least: usize,
    /// Rounds after which no more is learnt.
    pub most: usize,
    /// No further round begins that would end after this.
    pub budget: Duration,
}

impl Plan {
    /// The short run: every row of the scoreboard within three minutes on two cores.
    pub const QUICK: Plan = Plan {
        least: 2,
        most: 5,
        budget: Duration::from_millis(1_000),
    };

    /// The run whose figures are quoted.
    pub const FULL: Plan = Plan {
        least: 7,
        most: 21,
        budget: Duration::from_secs(9),
    };

    /// Exactly this many rounds.
    pub fn exactly(rounds: usize) -> Plan {
        Plan {
            least: rounds,
            most: rounds,
            budget: Duration::MAX,
        }
    }

    fn goes_on(&self, rounds: usize, spent: Duration) -> bool {
        let next_ends = spent + spent / rounds.max(1) as u32;
        rounds < self.least || (rounds < self.most && next_ends <= self.budget)
    }
}

/// What the rounds ask of whoever runs them.
pub trait Host {
    /// Hears who starts in which round, so that a watchdog outside knows whom to blame.
    fn begins(&mut self, contender: &str, round: usize);

    /// Takes a sample of the named contender in a process of its own.
    ///
    /// # Errors
    /// The contender's wrong answer, or how its process ended instead.
    fn sample_elsewhere(&mut self, contender: &str) -> Result<Sample, Wrong>;
}

/// Runs one row at one worker count. `lost` names contenders that an earlier attempt lost, which
/// sit out.
pub fn run(
    row: &Row,
    setting: &Setting,
    plan: &Plan,
    lost: &[Problem],
    host: &mut impl Host,
) -> RowResult {
    let mut contenders = (row.contenders)(setting);
    contenders.retain(|contender| lost.iter().all(|lost| lost.contender != contender.name));
    let mut tracks: Vec<Track> = contenders
        .iter()
        .map(|contender| Track {
            name: contender.name,
            role: contender.role,
            samples: Vec::new(),
            latencies: Vec::new(),
            failure: None,
        })
        .collect();

    let start = Instant::now();
    let mut round = 0;
    while plan.goes_on(round, start.elapsed()) {
        for turn in 0..contenders.len() {
            let who = (round + turn) % contenders.len();
            if tracks[who].failure.is_some() {
                continue;
            }
            let contender = &mut contenders[who];
            host.begins(contender.name, round);
            let sample = if contender.own_process {
                host.sample_elsewhere(contender.name)
            } else {
                take(contender)
            };
            match sample {
                Ok(sample) => {
                    tracks[who].samples.push(sample.value);
                    tracks[who].latencies.extend(sample.latencies);
                }
                Err(Wrong(what)) => tracks[who].failure = Some(what),
            }
        }
        round += 1;
    }
    RowResult::new(row, setting.workers, &tracks, lost)
}

/// Takes one sample here. A library may panic; that is its result, not ours.
///
/// # Errors
/// The wrong answer, or that it panicked.
pub fn take(contender: &mut Contender) -> Result<Sample, Wrong> {
    catch_unwind(AssertUnwindSafe(&mut contender.sample))
        .unwrap_or_else(|_| Err(Wrong("panicked".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::super::row::{Family, Workers};
    use super::*;
    use std::sync::Mutex;

    static ORDER: Mutex<Vec<&str>> = Mutex::new(Vec::new());

    fn three(_: &Setting) -> Vec<Contender> {
        fn noting(name: &'static str) -> impl FnMut() -> Result<Sample, Wrong> {
            move || {
                ORDER.lock().expect("no holder panics").push(name);
                Ok(Sample::of(1.0))
            }
        }
        vec![
            Contender::ours(noting("bywash")),
            Contender::rival("b", noting("b")),
            Contender::rival("c", noting("c")),
        ]
    }

    fn failing(_: &Setting) -> Vec<Contender> {
        vec![
            Contender::ours(|| Ok(Sample::of(1.0))),
            Contender::rival("wrong", || Err(Wrong("answered 1 instead of 2".to_owned()))),
            Contender::rival("loud", || panic!("a rival's own panic")),
            Contender::rival("apart", || Ok(Sample::of(1.0))).in_own_process(),
        ]
    }

    fn row(contenders: fn(&Setting) -> Vec<Contender>) -> Row {
        Row {
            name: "test_row",
            family: Family::Scheduler,
            unit: "ns",
            lower_is_better: true,
            timed: "nothing",
            workers: Workers::Each,
            required: &[],
            goals: &[],
            note: "",
            contenders,
        }
    }

    struct Nobody;

    impl Host for Nobody {
        fn begins(&mut self, _: &str, _: usize) {}

        fn sample_elsewhere(&mut self, _: &str) -> Result<Sample, Wrong> {
            Ok(Sample::of(7.0))
        }
    }

    const SETTING: Setting = Setting {
        workers: 2,
        quick: true,
    };

    #[test]
    fn the_order_rotates_from_round_to_round() {
        let result = run(&row(three), &SETTING, &Plan::exactly(3), &[], &mut Nobody);
        let order = ORDER.lock().expect("no holder panics").join(" ");
        assert_eq!(order, "bywash b c b c bywash c bywash b");
        assert_eq!(result.rounds, 3);
    }

    #[test]
    fn a_contender_that_fails_is_out_and_the_others_go_on() {
        let result = run(&row(failing), &SETTING, &Plan::exactly(2), &[], &mut Nobody);
        assert_eq!(result.ours.expect("ours is sound").samples, [1.0, 1.0]);
        assert_eq!(result.rivals.len(), 1);
        assert_eq!(result.rivals["apart"].samples, [7.0, 7.0]);
        assert_eq!(result.problems.len(), 2);
        assert_eq!(result.problems[0].what, "answered 1 instead of 2");
        assert_eq!(result.problems[1].what, "panicked");
    }

    #[test]
    fn a_plan_stops_at_its_budget_but_not_before_its_least() {
        let second = Duration::from_secs(1);
        let plan = Plan {
            least: 3,
            most: 9,
            budget: 5 * second,
        };
        assert!(plan.goes_on(2, 100 * second));
        assert!(plan.goes_on(4, 4 * second));
        assert!(!plan.goes_on(5, 5 * second));
        assert!(!plan.goes_on(9, second));
    }
}
