//! `xtask loom`: every scenario green with its count of schedules, every canary red.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::mutants;
use crate::parallel;
use crate::scenario::{self, Scenario};
use crate::steps::Steps;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        word: Some("SCENARIO"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("loom", given, accepted)?;
    let mut steps = Steps::default();
    add(&mut steps, arguments.word());
    steps.finish("loom")
}

/// The scenarios whose title contains `filter`, then the canaries of their crates.
pub(crate) fn add(steps: &mut Steps, filter: Option<&str>) {
    let (mut all, mut chosen) = (Vec::new(), Vec::new());
    steps.check("loom: build", || {
        all = scenario::build(World::Loom, "loom")?;
        chosen.clone_from(&all);
        if let Some(filter) = filter {
            chosen.retain(|scenario| scenario.title().contains(filter));
        }
        match (chosen.is_empty(), filter) {
            (true, Some(filter)) => {
                let all = all.len();
                Err(format!(
                    "none of {all} scenarios has `{filter}` in its name"
                ))
            }
            (true, None) => Err("no crate has a tests/loom/main.rs".to_owned()),
            (false, _) => Ok(format!("{} scenarios", chosen.len())),
        }
    });
    if !chosen.is_empty() {
        steps.check("loom: scenarios", || explore_all(&chosen));
        steps.check("loom: canaries", || mutants::canaries(&all, &chosen));
    }
}

/// Explores every scenario, prints its evidence, and names those that are not green.
pub(crate) fn explore_all(scenarios: &[Scenario]) -> Result<String, String> {
    let mut schedules = 0;
    let mut red = Vec::new();
    let explored = parallel::each(scenarios, explore);
    for (scenario, result) in scenarios.iter().zip(explored) {
        match result {
            Ok(evidence) => {
                println!("  {:<14} {}", scenario.package, evidence.join("; "));
                schedules += evidence.iter().filter_map(|line| count(line)).sum::<u64>();
            }
            Err(reason) => {
                eprintln!("  {} is not green: {reason}", scenario.title());
                red.push(scenario.title());
            }
        }
    }
    if red.is_empty() {
        Ok(format!(
            "{} scenarios green over {schedules} schedules",
            scenarios.len()
        ))
    } else {
        Err(format!("not green: {}", red.join(", ")))
    }
}

/// Runs one scenario; green only with the line that says how many schedules it met.
fn explore(scenario: &Scenario) -> Result<Vec<String>, String> {
    let finished = scenario.run(None)?;
    if let Some(reason) = finished.timed_out {
        return Err(reason);
    }
    if !finished.succeeded() {
        return Err(format!("\n{}", finished.tail(30)));
    }
    evidence(&finished.output)
}

/// The lines `model: NAME: N schedules, …` of a run.
fn evidence(output: &str) -> Result<Vec<String>, String> {
    let lines: Vec<_> = output
        .lines()
        .filter_map(|line| line.split_once("model: "))
        .map(|(_, line)| line.to_owned())
        .collect();
    if lines
        .iter()
        .any(|line| count(line).is_some_and(|met| met > 0))
    {
        Ok(lines)
    } else {
        Err("it passed without the line that counts its schedules".to_owned())
    }
}

/// The `N` of `NAME: N schedules, …`.
fn count(line: &str) -> Option<u64> {
    let (before, _) = line.split_once(" schedules")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{count, evidence};

    #[test]
    fn a_pass_without_a_count_of_schedules_is_not_evidence() {
        assert!(evidence("running 1 test\ntest result: ok. 1 passed").is_err());
        assert!(evidence("model: pop::last: 0 schedules, bound 3, floor 0").is_err());
    }

    #[test]
    fn the_count_is_read_wherever_the_line_begins() {
        let output = "test pop ... model: pop::last: 1207 schedules, bound 3, floor 200\nok\n";
        let lines = evidence(output).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(count(&lines[0]), Some(1207));
    }
}
