//! What a row is: its name, what is timed, who competes, and which goal it is held to.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One row of the scoreboard.
pub struct Row {
    /// The name `--filter` takes and the report prints.
    pub name: &'static str,
    /// The part of the scoreboard it stands in.
    pub family: Family,
    /// The unit of every figure of the row.
    pub unit: &'static str,
    /// Whether a smaller figure is a better one.
    pub lower_is_better: bool,
    /// From when to when the clock runs, in one sentence.
    pub timed: &'static str,
    /// The worker counts it is measured with.
    pub workers: Workers,
    /// The rivals without which the row does not count as checked.
    pub required: &'static [&'static str],
    /// What the project set itself.
    pub goals: &'static [Goal],
    /// What a reader should know beside the figures; empty where the figures say it all.
    pub note: &'static str,
    /// Sets up the shared workload and names everybody who runs it.
    pub contenders: fn(&Setting) -> Vec<Contender>,
}

impl Row {
    /// A scheduler row where less is better, measured at each worker count, without a goal.
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        timed: &'static str,
        contenders: fn(&Setting) -> Vec<Contender>,
    ) -> Self {
        Self {
            name,
            family: Family::Scheduler,
            unit,
            lower_is_better: true,
            timed,
            workers: Workers::Each,
            required: &[],
            goals: &[],
            note: "",
            contenders,
        }
    }

    /// In another part of the scoreboard.
    pub const fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Where more is better.
    pub const fn higher_is_better(mut self) -> Self {
        self.lower_is_better = false;
        self
    }

    /// Measured at other worker counts.
    pub const fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Not checked without these rivals.
    pub const fn required(mut self, rivals: &'static [&'static str]) -> Self {
        self.required = rivals;
        self
    }

    /// Held to these goals.
    pub const fn goals(mut self, goals: &'static [Goal]) -> Self {
        self.goals = goals;
        self
    }

    /// With a word to the reader.
    pub const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

/// The part of the scoreboard a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Forks, spawns, loops, waking, real programs.
    Scheduler,
    /// Loads shaped like a game's frame.
    Frame,
    /// Memory.
    Arena,
    /// Work stealing alone.
    Deque,
}

impl Family {
    /// The heading in table and page.
    pub fn title(self) -> &'static str {
        match self {
            Family::Scheduler => "Scheduler",
            Family::Frame => "Frames",
            Family::Arena => "Arena",
            Family::Deque => "Deque",
        }
    }
}

/// The worker counts a row is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// Each count that was asked for.
    Each,
    /// Each count above one; the row says nothing on one worker.
    Several,
    /// This many, whatever was asked for.
    Fixed(usize),
}

impl Workers {
    /// The counts for one run; never empty.
    pub fn counts(self, asked: &[usize]) -> Vec<usize> {
        match self {
            Workers::Each => asked.to_vec(),
            Workers::Several => {
                let several: Vec<usize> = asked.iter().copied().filter(|&n| n > 1).collect();
                if several.is_empty() { vec![2] } else { several }
            }
            Workers::Fixed(count) => vec![count],
        }
    }
}

/// The circumstances of one measurement, which contenders scale themselves by.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Threads taking part, the caller included where the library lets it.
    pub workers: usize,
    /// A short run: fewer repeats, the same work and the same checks.
    pub quick: bool,
}

impl Setting {
    /// `full` repeats, or `quick` ones in a short run.
    pub fn repeats(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

/// Who a contender is to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The project's own entry.
    Ours,
    /// Another library doing the same job.
    Rival,
    /// Another library, or ours, doing a different job: shown beside, never ranked.
    Shown,
    /// What is physically there: serial code, a bare pointer, two spinning threads.
    Floor,
}

/// One entry of a row: a name and a way to take one sample.
pub struct Contender {
    /// As the report prints it.
    pub name: &'static str,
    /// How it counts.
    pub role: Role,
    /// Takes one sample: sets up, warms up, times, checks, tears down.
    pub sample: Box<dyn FnMut() -> Result<Sample, Wrong>>,
    /// Whether each sample is taken in a process of its own, because what it starts cannot be
    /// taken down again and would burn time beside the others.
    pub own_process: bool,
}

impl Contender {
    /// The project's own entry.
    pub fn ours(sample: impl FnMut() -> Result<Sample, Wrong> + 'static) -> Self {
        Self::new("bywash", Role::Ours, sample)
    }

    /// Another library doing the same job.
    pub fn rival(
        name: &'static str,
        sample: impl FnMut() -> Result<Sample, Wrong> + 'static,
    ) -> Self {
        Self::new(name, Role::Rival, sample)
    }

    /// An entry that is shown and never ranked.
    pub fn shown(
        name: &'static str,
        sample: impl FnMut() -> Result<Sample, Wrong> + 'static,
    ) -> Self {
        Self::new(name, Role::Shown, sample)
    }

    /// What is physically there.
    pub fn floor(
        name: &'static str,
        sample: impl FnMut() -> Result<Sample, Wrong> + 'static,
    ) -> Self {
        Self::new(name, Role::Floor, sample)
    }

    fn new(
        name: &'static str,
        role: Role,
        sample: impl FnMut() -> Result<Sample, Wrong> + 'static,
    ) -> Self {
        Self {
            name,
            role,
            sample: Box::new(sample),
            own_process: false,
        }
    }

    /// The same, each sample in a process of its own.
    pub fn in_own_process(mut self) -> Self {
        self.own_process = true;
        self
    }
}

/// One measured figure in the row's unit, with the latencies behind it where the row has any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The figure, in the row's unit.
    pub value: f64,
    /// Single latencies in the row's unit, for rows that report a distribution.
    pub latencies: Vec<f64>,
}

impl Sample {
    /// A time spread over `count` operations, in nanoseconds each.
    pub fn nanoseconds_each(time: Duration, count: usize) -> Self {
        Self::of(time.as_nanos() as f64 / count as f64)
    }

    /// A time in milliseconds.
    pub fn milliseconds(time: Duration) -> Self {
        Self::of(time.as_secs_f64() * 1e3)
    }

    /// A time in microseconds.
    pub fn microseconds(time: Duration) -> Self {
        Self::of(time.as_secs_f64() * 1e6)
    }

    /// A figure already in the row's unit.
    pub fn of(value: f64) -> Self {
        Self {
            value,
            latencies: Vec::new(),
        }
    }

    /// Latencies in the row's unit; the figure is their quantile `q`.
    pub fn quantile_of(latencies: Vec<f64>, q: f64) -> Self {
        Self {
            value: super::statistics::quantile(&latencies, q),
            latencies,
        }
    }
}

/// A wrong answer: what was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong(pub String);

/// Holds an answer against the known one.
///
/// # Errors
/// [`Wrong`], naming both, when they differ.
pub fn check<T: PartialEq + std::fmt::Debug>(answer: T, expected: T) -> Result<(), Wrong> {
    if answer == expected {
        Ok(())
    } else {
        Err(Wrong(format!(
            "answered {answer:?} instead of {expected:?}"
        )))
    }
}

/// One thing the project set itself for a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Only judged at this worker count, where one is given.
    pub workers: Option<usize>,
    /// The bound.
    pub bound: Bound,
}

/// The bound a goal sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Ahead of every counted rival, beyond the noise.
    First,
    /// Ours is at most this, in the row's unit.
    AtMost(f64),
    /// Ours is at least this, in the row's unit.
    AtLeast(f64),
    /// Ours costs at most `times` what the named contender costs in the same round; where higher
    /// is better, reaches at least `times` what it reaches.
    Against {
        /// The contender.
        name: &'static str,
        /// The factor.
        times: f64,
    },
    /// Ours costs at least `times` what the named contender costs: what a better way saves.
    Above {
        /// The contender.
        name: &'static str,
        /// The factor.
        times: f64,
    },
    /// Ours costs at most `times` what the best counted rival costs in the same round.
    OfBest(f64),
    /// One latency in a hundred is above this at most, in the row's unit.
    TailAtMost(f64),
    /// At least `times` as fast as serial code.
    SpeedUp {
        /// The factor.
        times: f64,
    },
}

impl Goal {
    /// Ahead of every counted rival, beyond the noise.
    pub const FIRST: Self = Self::always(Bound::First);

    /// At most `limit` in the row's unit.
    pub const fn at_most(limit: f64) -> Self {
        Self::always(Bound::AtMost(limit))
    }

    /// At least `limit` in the row's unit.
    pub const fn at_least(limit: f64) -> Self {
        Self::always(Bound::AtLeast(limit))
    }

    /// At most `times` the cost of the named contender, or at least `times` what it reaches.
    pub const fn against(name: &'static str, times: f64) -> Self {
        Self::always(Bound::Against { name, times })
    }

    /// At least `times` the figure of the named contender, where less is better.
    pub const fn at_least_times(name: &'static str, times: f64) -> Self {
        Self::always(Bound::Above { name, times })
    }

    /// At most `times` the cost of the best counted rival.
    pub const fn of_best(times: f64) -> Self {
        Self::always(Bound::OfBest(times))
    }

    /// A 99th percentile of at most `limit` in the row's unit.
    pub const fn tail_at_most(limit: f64) -> Self {
        Self::always(Bound::TailAtMost(limit))
    }

    /// At least `times` as fast as serial code.
    pub const fn speed_up(times: f64) -> Self {
        Self::always(Bound::SpeedUp { times })
    }

    /// The same, judged at one worker count only.
    pub const fn on(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    const fn always(bound: Bound) -> Self {
        Self {
            workers: None,
            bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_several_workers_never_ends_up_without_one() {
        assert_eq!(Workers::Several.counts(&[1]), [2]);
        assert_eq!(Workers::Several.counts(&[1, 2, 4]), [2, 4]);
        assert_eq!(Workers::Each.counts(&[1, 2]), [1, 2]);
        assert_eq!(Workers::Fixed(32).counts(&[1, 2]), [32]);
    }

    #[test]
    fn a_wrong_answer_names_both() {
        let Err(Wrong(words)) = check(4, 5) else {
            panic!("4 is not 5");
        };
        assert_eq!(words, "answered 4 instead of 5");
        assert_eq!(check("a", "a"), Ok(()));
    }
}
