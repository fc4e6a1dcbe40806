//! `xtask mutants`: one ordering weakened at a time, and the scenario that must notice.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::loom;
use crate::parallel;
use crate::process::Finished;
use crate::scenario::{self, Scenario};
use crate::steps::Steps;
use std::fs;

/// The exit code of a run in which the mutant's site was never reached.
const NEVER_REACHED: i32 = 3;

/// Mutants of this name live in the scenarios themselves: they show that a suite can turn red.
const CANARY: &str = "canary.";

/// One line of a crate's `tests/loom/mutants.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mutant {
    name: String,
    scenario: String,
    expected: Expected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// The scenario fails, and says these words.
    Red(String),
    /// Nobody can tell it from the real code, for the reason that the table gives.
    Equivalent,
}

/// One part of the mutants: those whose place in the list is `index` modulo `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) index: usize,
    pub(crate) count: usize,
}

impl Shard {
    pub(crate) const ALL: Self = Self { index: 0, count: 1 };

    /// Reads `I/N`, with `I` from 1 to `N`.
    fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let (index, count): (usize, usize) = (index.parse().ok()?, count.parse().ok()?);
        (1..=count).contains(&index).then(|| Self {
            index: index - 1,
            count,
        })
    }
}

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        options: &["--shard"],
        word: Some("NAME"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("mutants", given, accepted)?;
    let shard = match arguments.value("--shard") {
        None => Shard::ALL,
        Some(text) => Shard::parse(text).ok_or_else(|| {
            Failure::usage(format!(
                "`--shard {text}`: wanted I/N with I from 1 to N, such as 2/4"
            ))
        })?,
    };
    let mut steps = Steps::default();
    add(&mut steps, shard, arguments.word());
    steps.finish("mutants")
}

/// The mutants of `shard` whose names contain `filter`; before them, their scenarios unmutated.
pub(crate) fn add(steps: &mut Steps, shard: Shard, filter: Option<&str>) {
    let mut cases = Vec::new();
    steps.check("mutants: build", || {
        let scenarios = scenario::build(World::Loom, "loom")?;
        let all = table(&scenarios)?;
        let total = all.len();
        cases = all
            .into_iter()
            .filter(|(mutant, _)| filter.is_none_or(|filter| mutant.name.contains(filter)))
            .enumerate()
            .filter(|(place, _)| place % shard.count == shard.index)
            .map(|(_, case)| case)
            .collect();
        match (cases.is_empty(), filter) {
            (true, Some(filter)) => Err(format!(
                "none of {total} mutants has `{filter}` in its name"
            )),
            _ => Ok(format!("{} of {total} mutants", cases.len())),
        }
    });
    if cases.is_empty() {
        return;
    }
    let mut healthy: Vec<Scenario> = Vec::new();
    for (_, scenario) in &cases {
        if healthy
            .iter()
            .all(|known| known.title() != scenario.title())
        {
            healthy.push(scenario.clone());
        }
    }
    steps.check("mutants: unmutated", || loom::explore_all(&healthy));
    steps.check("mutants: weakened", || hunt(&cases));
}

/// The canaries of the crates that `chosen` scenarios belong to; a crate without one is an error.
pub(crate) fn canaries(all: &[Scenario], chosen: &[Scenario]) -> Result<String, String> {
    let mut cases = table(all)?;
    cases.retain(|(mutant, scenario)| {
        let same = |chosen: &Scenario| chosen.package == scenario.package;
        mutant.name.starts_with(CANARY) && chosen.iter().any(same)
    });
    for Scenario { package, .. } in chosen {
        if cases.iter().all(|(_, canary)| canary.package != *package) {
            return Err(format!(
                "{package} has no canary: nothing shows that its scenarios can turn red"
            ));
        }
    }
    hunt(&cases)
}

/// Runs every mutant and prints the table; fails on each that is not as expected.
fn hunt(cases: &[(Mutant, Scenario)]) -> Result<String, String> {
    let verdicts = parallel::each(cases, |(mutant, scenario)| {
        let finished = scenario.run(Some(&mutant.name))?;
        judge(&mutant.expected, &finished)
    });
    let width = cases.iter().map(|(mutant, _)| mutant.name.len()).max();
    let width = width.unwrap_or(0);
    let mut surprises = Vec::new();
    for ((mutant, scenario), verdict) in cases.iter().zip(verdicts) {
        let name = &mutant.name;
        match verdict {
            Ok(verdict) => println!("  {name:<width$}  {verdict:<10}  {}", scenario.title()),
            Err(reason) => {
                println!(
                    "  {name:<width$}  SURPRISE    {}: {reason}",
                    scenario.title()
                );
                surprises.push(name.as_str());
            }
        }
    }
    if surprises.is_empty() {
        let equivalent = |case: &&(Mutant, Scenario)| case.0.expected == Expected::Equivalent;
        let equivalent = cases.iter().filter(equivalent).count();
        Ok(format!(
            "{} red for their reason, {equivalent} equivalent",
            cases.len() - equivalent
        ))
    } else {
        Err(format!("not as expected: {}", surprises.join(", ")))
    }
}

/// The word for a mutant that behaved as expected, or what it did instead.
fn judge(expected: &Expected, finished: &Finished) -> Result<&'static str, String> {
    if let Some(reason) = &finished.timed_out {
        return Err(reason.clone());
    }
    if finished.code == Some(NEVER_REACHED) {
        return Err("its site was never reached".to_owned());
    }
    match (expected, finished.succeeded()) {
        (Expected::Equivalent, true) => Ok("equivalent"),
        (Expected::Equivalent, false) => Err(format!(
            "called equivalent, but red:\n{}",
            finished.tail(12)
        )),
        (Expected::Red(_), true) => Err("it survived".to_owned()),
        (Expected::Red(words), false) if finished.output.contains(words) => Ok("red"),
        (Expected::Red(words), false) => Err(format!(
            "red without the words `{words}`:\n{}",
            finished.tail(12)
        )),
    }
}

/// Every mutant of every crate with its scenario, one of `scenarios`.
fn table(scenarios: &[Scenario]) -> Result<Vec<(Mutant, Scenario)>, String> {
    let mut cases = Vec::new();
    for package in scenario::packages("loom")? {
        let path = package.folder.join("tests/loom/mutants.tsv");
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        for mutant in parse(&text).map_err(|error| wrong(&error))? {
            let scenario = scenarios
                .iter()
                .find(|known| known.package == package.name() && known.name == mutant.scenario)
                .ok_or_else(|| wrong(&format!("there is no scenario {}", mutant.scenario)))?;
            cases.push((mutant, scenario.clone()));
        }
    }
    Ok(cases)
}

/// Reads the lines below the header: mutant, scenario, `red` or `equivalent`, reason.
fn parse(text: &str) -> Result<Vec<Mutant>, String> {
    let mut mutants: Vec<Mutant> = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let columns: Vec<_> = line.split('\t').collect();
        let [name, scenario, expected, reason] = columns[..] else {
            return Err(wrong("wanted mutant, scenario, red or equivalent, reason"));
        };
        if reason.is_empty() {
            return Err(wrong("the reason is missing"));
        }
        if mutants
            .iter()
            .any(|known| known.name == name && known.scenario == scenario)
        {
            return Err(wrong("this mutant stands here twice"));
        }
        mutants.push(Mutant {
            name: name.to_owned(),
            scenario: scenario.to_owned(),
            expected: match expected {
                "red" => Expected::Red(reason.to_owned()),
                "equivalent" => Expected::Equivalent,
                _ => return Err(wrong("expected is neither red nor equivalent")),
            },
        });
    }
    Ok(mutants)
}

#[cfg(test)]
mod tests {
    use super::{Expected, Shard, judge, parse};
    use crate::process::Finished;

    fn finished(code: i32, output: &str) -> Finished {
        Finished {
            code: Some(code),
            timed_out: None,
            output: output.to_owned(),
        }
    }

    #[test]
    fn a_red_mutant_must_fail_with_its_words() {
        let red = Expected::Red("Causality violation".to_owned());
        assert_eq!(
            judge(&red, &finished(101, "Causality violation: …")),
            Ok("red")
        );
        assert!(judge(&red, &finished(101, "out of memory")).is_err());
        assert!(judge(&red, &finished(0, "Causality violation")).is_err());
    }

    #[test]
    fn an_equivalent_mutant_must_stay_green() {
        assert_eq!(
            judge(&Expected::Equivalent, &finished(0, "")),
            Ok("equivalent")
        );
        assert!(judge(&Expected::Equivalent, &finished(101, "")).is_err());
    }

    #[test]
    fn a_site_never_reached_and_a_search_without_end_are_errors_for_both_kinds() {
        let endless = Finished {
            code: None,
            timed_out: Some("did not end in 1 s".to_owned()),
            output: "deadlock".to_owned(),
        };
        for expected in [Expected::Equivalent, Expected::Red("deadlock".to_owned())] {
            assert!(judge(&expected, &finished(3, "deadlock")).is_err());
            assert!(judge(&expected, &endless).is_err());
        }
    }

    #[test]
    fn a_table_with_a_hole_a_twin_or_an_unknown_word_is_refused() {
        let header = "mutant\tscenario\texpected\treason\n";
        assert_eq!(
            parse(&format!("{header}a.b\tx::y\tred\tlost\n"))
                .unwrap()
                .len(),
            1
        );
        for wrong in [
            "a.b\tx::y\tred\n",
            "a.b\tx::y\tred\t\n",
            "a.b\tx::y\tgreen\tlost\n",
        ] {
            assert!(
                parse(&format!("{header}{wrong}")).is_err(),
                "{wrong:?} was taken"
            );
        }
        let twin = "a.b\tx::y\tred\tlost\n".repeat(2);
        assert!(parse(&format!("{header}{twin}")).is_err());
    }

    #[test]
    fn a_shard_is_a_place_within_a_count() {
        assert_eq!(Shard::parse("2/4"), Some(Shard { index: 1, count: 4 }));
        for wrong in ["0/4", "5/4", "1/0", "x/4", "3"] {
            assert_eq!(Shard::parse(wrong), None, "{wrong} was taken");
        }
    }
}
