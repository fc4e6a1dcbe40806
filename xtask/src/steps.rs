//! The steps of a command: each timed, each with its outcome, and the table at the end.

use crate::failure::Failure;
use crate::process::{self, Patience};
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

/// The steps done so far. One that fails does not keep the next from running; one that hangs does,
/// since what comes after it would hang in the same place, for minutes each.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    hung: Option<String>,
}

impl Steps {
    /// A step that is one program, with its output shown.
    pub(crate) fn program(&mut self, name: &str, command: &mut Command, patience: Patience) {
        let mut has_hung = false;
        self.check(name, || {
            process::show(command, patience).map_err(|broken| {
                has_hung = broken.has_hung;
                broken.reason
            })?;
            Ok(String::new())
        });
        if has_hung {
            self.hung = Some(name.to_owned());
        }
    }

    /// A step of our own: `Ok` with what there is to say, or what was wrong.
    pub(crate) fn check(&mut self, name: &str, work: impl FnOnce() -> Result<String, String>) {
        if let Some(hung) = &self.hung {
            let reason = format!("not tried after \"{hung}\" hung");
            return self.skip(name, reason);
        }
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
        self.done.push(Step {
            name: name.to_owned(),
            took: started.elapsed(),
            outcome,
        });
    }

    /// A step left out, and why.
    pub(crate) fn skip(&mut self, name: &str, reason: impl Into<String>) {
        let reason = reason.into();
        println!("\n== {name}: left out: {reason}");
        self.done.push(Step {
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
        self.done
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
            .map(|step| step.name.as_str())
    }

    fn table(&self, command: &str) -> String {
        let width = self
            .done
            .iter()
            .map(|step| step.name.len())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for step in &self.done {
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
    use crate::process::Patience;
    use std::process::Command;

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
    fn a_step_that_hangs_ends_the_command_with_what_it_last_said() {
        let mut steps = Steps::default();
        let mut hung = Command::new("sh");
        hung.args(["-c", "echo test deadlock ...; sleep 600"]);
        steps.program("first", &mut hung, Patience::seconds(0));
        steps.check("second", || Ok(String::new()));
        let table = steps.table("ci");
        assert!(table.contains("did not end in 0 s"), "{table}");
        assert!(table.ends_with("ci: 0 passed, 1 failed, 1 skipped\n"));
        assert!(steps.finish("ci").is_err());
    }

    #[test]
    fn steps_that_pass_or_are_left_out_are_a_success() {
        let mut steps = Steps::default();
        steps.check("first", || Ok("12 rows".to_owned()));
        steps.skip("second", "no tool");
        assert_eq!(steps.finish("ci"), Ok(()));
    }
}
