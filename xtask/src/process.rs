//! Starting a program: every one with a time limit, after which it and all it has started is ended.

use crate::failure::Failure;
use std::fs;
use std::io::{IsTerminal, PipeReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may run, and how long it may say nothing meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    in_all: Duration,
    in_silence: Duration,
}

impl Patience {
    /// What answers at once: `git`, `pkg-config`, a list of tests.
    pub(crate) const ANSWER: Self = Self::seconds(60);
    /// Cargo or rustc. Without a word for as long as the largest crate takes on a busy machine.
    pub(crate) const BUILD: Self = Self::seconds(1_800).silent(720);
    /// Tests that are built already. After a minute libtest names one that does not end; from then
    /// on a deadlock is silence.
    pub(crate) const TESTS: Self = Self::seconds(900).silent(180);
    /// Tests that were left out of the others for their length: libtest names those that take more
    /// than a minute and then waits with us.
    pub(crate) const LONG_TESTS: Self = Self::seconds(1_800);
    /// One scenario of a model checker, or one stress program: silent until it is done.
    pub(crate) const SCENARIO: Self = Self::seconds(300);
    /// Another library's tests, which spin on more threads than there are cores.
    pub(crate) const CONFORMANCE: Self = Self::seconds(600);
    /// Every hot path, twice, under valgrind.
    pub(crate) const INSTRUCTIONS: Self = Self::seconds(480).silent(240);
    /// A short run of the bench, which is over in three minutes. The bench itself ends a contender
    /// that hangs.
    pub(crate) const QUICK_BENCH: Self = Self::seconds(900);
    /// A run of the bench with many worker counts and rounds.
    pub(crate) const BENCH: Self = Self::seconds(6 * 3_600);

    /// As long as this, however silent.
    pub(crate) const fn seconds(seconds: u64) -> Self {
        let all = Duration::from_secs(seconds);
        Self {
            in_all: all,
            in_silence: all,
        }
    }

    const fn silent(mut self, seconds: u64) -> Self {
        self.in_silence = Duration::from_secs(seconds);
        self
    }
}

/// How a program has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finished {
    /// The exit code; `None` after a signal or when time ran out.
    pub(crate) code: Option<i32>,
    /// Why it was ended by us, if it was.
    pub(crate) timed_out: Option<String>,
    /// What it said on standard output and standard error, in the order it was said.
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

    /// Nothing when all went well, else how `name` ended, with its last words if it had to be ended.
    fn judged(&self, name: &str) -> Result<(), Broken> {
        let reason = match (&self.timed_out, self.code) {
            (None, Some(0)) => return Ok(()),
            (Some(reason), _) => format!("{name} {reason}; its last words:\n{}", self.tail(12)),
            (None, Some(code)) => format!("{name} ended with exit code {code}"),
            (None, None) => format!("{name} was ended by a signal"),
        };
        Err(Broken {
            reason,
            has_hung: self.timed_out.is_some(),
        })
    }
}

/// How a program that should have succeeded did not.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) reason: String,
    /// Whether it had to be ended: what stands on the same code would hang too.
    pub(crate) has_hung: bool,
}

impl From<Broken> for String {
    fn from(broken: Broken) -> Self {
        broken.reason
    }
}

impl From<String> for Broken {
    fn from(reason: String) -> Self {
        Self {
            reason,
            has_hung: false,
        }
    }
}

/// Runs `command` with its output shown as it comes, and without standard input.
pub(crate) fn show(command: &mut Command, patience: Patience) -> Result<(), Broken> {
    let is_terminal = std::io::stdout().is_terminal();
    if is_terminal && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        // What goes through us is no terminal to cargo, but it ends on one.
        command.env("CARGO_TERM_COLOR", "always");
    }
    let echo = |bytes: &[u8]| {
        // Who listened to us may be gone; the exit code still tells how the program fared.
        let _ = std::io::stdout().write_all(bytes);
        let _ = std::io::stdout().flush();
    };
    follow(command, patience, Errors::Caught, echo)?.judged(&name(command))
}

/// Runs `command` and catches what it says.
pub(crate) fn listen(command: &mut Command, patience: Patience) -> Result<Finished, String> {
    follow(command, patience, Errors::Caught, |_| ())
}

/// The standard output of a program that must succeed; its standard error is ours.
pub(crate) fn read(command: &mut Command, patience: Patience) -> Result<String, String> {
    let finished = follow(command, patience, Errors::Ours, |_| ())?;
    finished.judged(&name(command))?;
    Ok(finished.output)
}

/// Whether `command` can be started and succeeds; what it says is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    listen(command, Patience::ANSWER).is_ok_and(|finished| finished.succeeded())
}

/// Runs `command` as if it had been called itself: our streams are its, its exit code is ours.
pub(crate) fn pass_through(command: &mut Command, patience: Patience) -> Result<(), Failure> {
    let name = name(command);
    let mut child = command
        .spawn()
        .map_err(|error| Failure::failed(cannot_start(&name, &error)))?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() > patience.in_all => {
                kill_family(&mut child);
                let limit = patience.in_all.as_secs();
                return Err(Failure::failed(format!("{name} did not end in {limit} s")));
            }
            Ok(None) => thread::sleep(POLL),
            Err(error) => return Err(Failure::failed(format!("{name}: {error}"))),
        }
    };
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::failed(format!(
            "{name} was ended by a signal ({status})"
        ))),
    }
}

/// Where a program's standard error goes.
#[derive(PartialEq, Eq)]
enum Errors {
    /// Among its standard output.
    Caught,
    /// Where ours goes.
    Ours,
}

/// How often one looks whether a program has ended.
const POLL: Duration = Duration::from_millis(5);

/// How long the last words of a program that has ended may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs `command` to its end, or to the end of our patience, and hands on what it says.
fn follow(
    command: &mut Command,
    patience: Patience,
    errors: Errors,
    mut heard: impl FnMut(&[u8]),
) -> Result<Finished, String> {
    let name = name(command);
    let wrong = |error: std::io::Error| cannot_start(&name, &error);
    let (reader, writer) = std::io::pipe().map_err(wrong)?;
    command.stdin(Stdio::null());
    if errors == Errors::Caught {
        command.stderr(writer.try_clone().map_err(wrong)?);
    }
    let child = command.stdout(writer).spawn();
    // The command holds the pipe's other end, which would keep it open for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.map_err(wrong)?;
    let words = hear(reader);
    let mut output = Vec::new();
    let mut take = |bytes: Vec<u8>| {
        heard(&bytes);
        output.extend(bytes);
    };

    let started = Instant::now();
    let mut spoke = started;
    let outcome: Result<ExitStatus, String> = loop {
        match words.recv_timeout(POLL) {
            Ok(bytes) => {
                take(bytes);
                spoke = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = child
            .try_wait()
            .map_err(|error| format!("{name}: {error}"))?
        {
            break Ok(status);
        }
        let limit = if started.elapsed() > patience.in_all {
            format!("did not end in {} s", patience.in_all.as_secs())
        } else if spoke.elapsed() > patience.in_silence {
            format!("said nothing for {} s", patience.in_silence.as_secs())
        } else {
            continue;
        };
        kill_family(&mut child);
        break Err(limit);
    };
    // A stray process may hold the pipe for ever.
    let ended = Instant::now();
    while let Ok(bytes) = words.recv_timeout(LAST_WORDS.saturating_sub(ended.elapsed())) {
        take(bytes);
    }
    Ok(Finished {
        code: outcome.as_ref().ok().and_then(ExitStatus::code),
        timed_out: outcome.err(),
        output: String::from_utf8_lossy(&output).into_owned(),
    })
}

/// What comes out of `pipe`, piece by piece, until it is closed.
fn hear(mut pipe: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, words) = channel();
    thread::spawn(move || {
        let mut piece = [0; 8_192];
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    words
}

/// Ends `child` and whatever it has started: cargo's death alone would leave a hung test behind.
///
/// By descent and not as a process group of its own, which Ctrl-C would no longer reach.
fn kill_family(child: &mut Child) {
    let family = descendants(child.id()).into_iter().chain([child.id()]);
    let family: Vec<String> = family.map(|id| id.to_string()).collect();
    // The shell's own `kill` needs no package. Some may have ended meanwhile.
    let _ = Command::new("sh")
        .args(["-c", "kill -KILL \"$@\" 2>/dev/null", "sh"])
        .args(family)
        .status();
    let _ = child.kill();
    let _ = child.wait();
}

/// The children of process `ancestor`, theirs, and so on; none where there is no `/proc`.
fn descendants(ancestor: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(u32, u32)> = processes
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            parent(&fs::read_to_string(entry.path().join("stat")).ok()?).map(|parent| (id, parent))
        })
        .collect();
    let mut family = vec![ancestor];
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == member)
                .map(|(id, _)| id),
        );
        next += 1;
    }
    family.split_off(1)
}

/// The parent in a line of `/proc/ID/stat`: the second field after the name in brackets.
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// The program and its first argument, as reports name it.
fn name(command: &Command) -> String {
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
    use super::{Patience, descendants, listen, parent, show};
    use std::process::Command;
    use std::time::Duration;

    const AT_ONCE: Patience = Patience {
        in_all: Duration::from_millis(200),
        in_silence: Duration::from_millis(200),
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_all_that_it_has_started() {
        let mut command = shell("sleep 600 & echo $!; wait");
        let finished = listen(&mut command, AT_ONCE).unwrap();
        assert!(finished.timed_out.is_some() && finished.code.is_none());
        let grandchild: u32 = finished.output.trim().parse().unwrap();
        let is_alive = || {
            std::fs::read_to_string(format!("/proc/{grandchild}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z"))
        };
        // It was told to end, and does so when it is next scheduled.
        let runs_on = (0..1_000).all(|_| {
            std::thread::sleep(Duration::from_millis(10));
            is_alive()
        });
        assert!(!runs_on, "{grandchild} runs on");
    }

    #[test]
    fn a_program_that_is_ended_is_reported_with_its_last_words() {
        let broken = show(&mut shell("echo test x ...; sleep 600"), AT_ONCE).unwrap_err();
        let reason = broken.reason;
        assert!(broken.has_hung && reason.contains("test x ..."), "{reason}");
    }

    #[test]
    fn silence_alone_ends_a_program_long_before_its_time() {
        let patience = Patience {
            in_all: Duration::from_secs(600),
            in_silence: Duration::from_millis(200),
        };
        let finished = listen(&mut shell("echo begun; sleep 600"), patience).unwrap();
        let reason = finished.timed_out.unwrap();
        assert!(reason.starts_with("said nothing for"), "{reason}");
    }

    #[test]
    fn a_stray_process_that_holds_the_pipe_holds_nobody_up() {
        let mut command = shell("(sleep 20 &); echo done");
        let finished = listen(&mut command, Patience::seconds(600)).unwrap();
        assert!(finished.succeeded() && finished.output == "done\n");
    }

    #[test]
    fn both_outputs_and_the_exit_code_are_caught_in_their_order() {
        let mut command = shell("echo out; echo err >&2; echo end; exit 3");
        let finished = listen(&mut command, Patience::ANSWER).unwrap();
        assert_eq!(finished.code, Some(3));
        assert_eq!(finished.output, "out\nerr\nend\n");
        assert_eq!(finished.tail(1), "end");
    }

    #[test]
    fn a_missing_program_is_one_clear_line() {
        let mut command = Command::new("no-such-program-here");
        let broken = show(&mut command, Patience::ANSWER).unwrap_err();
        assert!(
            broken
                .reason
                .contains("`no-such-program-here` cannot be started")
        );
    }

    #[test]
    fn a_parent_is_read_behind_whatever_the_name_holds() {
        assert_eq!(parent("77 (a ) R (b) S 12 77 1 0"), Some(12));
        assert_eq!(parent("77"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_child_is_found_by_its_descent() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let family = descendants(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.contains(&child.id()));
    }
}
