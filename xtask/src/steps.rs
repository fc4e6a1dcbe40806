//! The steps of a command: each timed, each with its outcome, and the table at the end.

use crate::failure::Failure;
use crate::process;
use std::process::Command;
use std::time::{Duration, Instant};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With what there is to say about it, often nothing.
    Passed(String),
    Failed(String),
    Skipped(String),
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

/// The steps done so far. One that fails does not keep the next from running.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    /// A step that is one program, with its output shown.
    pub(crate) fn program(&mut self, name: &str, command: &mut Command) {
        self.check(name, || process::show(command).map(|()| String::new()));
    }

    /// A step of our own: `Ok` with what there is to say, or what was wrong.
    pub(crate) fn check(&mut self, name: &str, work: impl FnOnce() -> Result<String, String>) {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = match work() {
            Ok(detail) => Outcome::Passed(detail),
            Err(reason) => Outcome::Failed(reason),
        };
        match &outcome {
            Outcome::Passed(detail) if !detail.is_empty() => println!("{detail}"),
            Outcome::Failed(reason) => eprintln!("{name}: {reason}"),
            Outcome::Passed(_) | Outcome::Skipped(_) => {}
        }
        self.0.push(Step {
            name: name.to_owned(),
            took: started.elapsed(),
            outcome,
        });
    }

    /// A step left out, and why.
    pub(crate) fn skip(&mut self, name: &str, reason: impl Into<String>) {
        let reason = reason.into();
        println!("\n== {name}: left out: {reason}");
        self.0.push(Step {
            name: name.to_owned(),
            took: Duration::ZERO,
            outcome: Outcome::Skipped(reason),
        });
    }

    /// Prints the table and, as the last line, the counts.
    pub(crate) fn finish(self, command: &str) -> Result<(), Failure> {
        print!("\n{}", self.table(command));
        let failed: Vec<_> = self.failed().collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Failure::failed(format!(
                "{command} failed at: {}",
                failed.join(", ")
            )))
        }
    }

    fn failed(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
            .map(|step| step.name.as_str())
    }

    fn table(&self, command: &str) -> String {
        let width = self.0.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for step in &self.0 {
            let (mark, detail) = match &step.outcome {
                Outcome::Passed(detail) => {
                    passed += 1;
                    ("ok", detail)
                }
                Outcome::Failed(reason) => {
                    failed += 1;
                    ("FAILED", reason)
                }
                Outcome::Skipped(reason) => {
                    skipped += 1;
                    ("left out", reason)
                }
            };
            let seconds = step.took.as_secs_f64();
            let first = detail.lines().next().unwrap_or("");
            let line = format!(
                "  {:<width$}  {mark:<8} {seconds:>7.1} s  {first}",
                step.name
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push_str(&format!(
            "{command}: {passed} passed, {failed} failed, {skipped} skipped\n"
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;
    use crate::failure::Failure;

    #[test]
    fn a_failed_step_fails_the_command_and_the_steps_after_it_still_run() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.check("first", || Err("it broke".to_owned()));
        steps.check("second", || {
            ran = true;
            Ok(String::new())
        });
        steps.skip("third", "no tool");
        let table = steps.table("ci");
        assert!(ran);
        assert!(table.contains("it broke") && table.contains("no tool"));
        assert!(table.ends_with("ci: 1 passed, 1 failed, 1 skipped\n"));
        let failure = steps.finish("ci");
        assert_eq!(failure, Err(Failure::failed("ci failed at: first")));
    }

    #[test]
    fn steps_that_pass_or_are_left_out_are_a_success() {
        let mut steps = Steps::default();
        steps.check("first", || Ok("12 rows".to_owned()));
        steps.skip("second", "no tool");
        assert_eq!(steps.finish("ci"), Ok(()));
    }
}
