//! Starting a program: with our output, or with its output caught and its time limited.

use crate::failure::Failure;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a program that was listened to has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finished {
    /// The exit code; `None` after a signal or when time ran out.
    pub(crate) code: Option<i32>,
    pub(crate) timed_out: bool,
    /// Standard output, then standard error.
    pub(crate) output: String,
}

impl Finished {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// The last lines, for a report that has to stay short.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let all: Vec<_> = self.output.trim_end().lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// Runs `command` with our standard output and error, and without standard input.
pub(crate) fn show(command: &mut Command) -> Result<(), String> {
    let name = program(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| cannot_start(&name, &error))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("{name} ended with exit code {code}")),
        None => Err(format!("{name} was ended by a signal ({status})")),
    }
}

/// Runs `command` as if it had been called itself: our streams are its, its exit code is ours.
pub(crate) fn pass_through(command: &mut Command) -> Result<(), Failure> {
    let name = program(command);
    let status = command
        .status()
        .map_err(|error| Failure::failed(cannot_start(&name, &error)))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::failed(format!(
            "{name} was ended by a signal ({status})"
        ))),
    }
}

/// Runs `command` and catches what it says; after `limit` it is killed.
///
/// Only the program itself is killed, not what it has started: give it a test binary, not cargo.
pub(crate) fn listen(command: &mut Command, limit: Duration) -> Result<Finished, String> {
    let name = program(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(&name, &error))?;
    let output = child
        .stdout
        .take()
        .map(|pipe| thread::spawn(|| drain(pipe)));
    let errors = child
        .stderr
        .take()
        .map(|pipe| thread::spawn(|| drain(pipe)));
    let started = Instant::now();
    let mut timed_out = false;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < limit => thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                timed_out = true;
                // It may have ended just now; the wait below tells either way.
                let _ = child.kill();
                break child.wait().map_err(|error| format!("{name}: {error}"))?;
            }
            Err(error) => return Err(format!("{name}: {error}")),
        }
    };
    let text = [output, errors]
        .into_iter()
        .flatten()
        .map(|reader| reader.join().unwrap_or_default())
        .collect::<Vec<_>>()
        .concat();
    Ok(Finished {
        code: if timed_out { None } else { status.code() },
        timed_out,
        output: text,
    })
}

/// The standard output of a short program that must succeed.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let name = program(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(&name, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{name} ended with {}", output.status))
    }
}

/// Whether `command` can be started and succeeds; what it says is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn drain(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks ends the text; the exit code still tells how the program fared.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn program(command: &Command) -> String {
    let path = command.get_program().to_string_lossy().into_owned();
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    match command.get_args().next() {
        Some(first) => format!("`{name} {}`", first.to_string_lossy()),
        None => format!("`{name}`"),
    }
}

fn cannot_start(name: &str, error: &std::io::Error) -> String {
    format!("{name} cannot be started: {error}")
}

#[cfg(test)]
mod tests {
    use super::{listen, show};
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn a_program_that_does_not_end_is_killed_and_said_so() {
        let finished = listen(Command::new("sleep").arg("600"), Duration::from_millis(1));
        let finished = finished.unwrap();
        assert!(finished.timed_out && finished.code.is_none());
    }

    #[test]
    fn both_outputs_and_the_exit_code_are_caught() {
        let finished = listen(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            Duration::from_secs(60),
        );
        let finished = finished.unwrap();
        assert_eq!(
            (finished.code, finished.output.as_str()),
            (Some(3), "out\nerr\n")
        );
        assert_eq!(finished.tail(1), "err");
    }

    #[test]
    fn a_missing_program_is_one_clear_line() {
        let error = show(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.contains("`no-such-program-here` cannot be started"));
    }
}
