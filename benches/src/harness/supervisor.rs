//! One process a row: a contender that hangs or crashes costs itself its cell, and nobody else a figure.
//!
//! A hung library cannot be stopped from inside its own process. So the program starts itself
//! again for each row and worker count, hears on a pipe who is sampling, and when one stays
//! silent for too long ends that process and runs the row again without it. All contenders of a
//! row still run interleaved in one process.

use super::measurement::{Problem, RowResult};
use super::progress::Progress;
use super::rounds::{self, Host, Plan};
use super::row::{Row, Sample, Setting, Wrong};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// What a row's process is told, as one argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    row: String,
    workers: usize,
    quick: bool,
    rounds: Option<usize>,
    lost: Vec<Problem>,
    /// One sample of this contender alone, instead of the row.
    only: Option<String>,
}

/// What a row's process says, one line each.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Begins { contender: String, round: usize },
    Ends(Box<RowResult>),
    Sampled(Result<Sample, Wrong>),
}

/// How a whole run is made.
#[derive(Clone, Debug)]
pub struct Run {
    /// The short form.
    pub quick: bool,
    /// Exactly this many rounds, instead of the plan's.
    pub rounds: Option<usize>,
    /// The worker counts asked for.
    pub workers: Vec<usize>,
}

impl Run {
    /// The longest a single sample may stay silent. A sample takes well under two seconds; the
    /// rest is for machines that are busy.
    fn patience(&self) -> Duration {
        Duration::from_secs(if self.quick { 15 } else { 40 })
    }

    /// Measures `rows`, one process each, drawing progress.
    ///
    /// # Errors
    /// In words, when a row's process cannot be started at all.
    pub fn measure(&self, rows: &[&Row]) -> Result<Vec<RowResult>, String> {
        let cases: Vec<(&Row, usize)> = rows
            .iter()
            .flat_map(|row| {
                row.workers
                    .counts(&self.workers)
                    .into_iter()
                    .map(move |workers| (*row, workers))
            })
            .collect();
        let mut progress = Progress::new(cases.len());
        let mut results = Vec::with_capacity(cases.len());
        for (row, workers) in cases {
            let label = format!("{} on {}", row.name, threads(workers));
            results.push(self.measure_one(row, workers, &label, &progress)?);
            progress.finish(&label);
        }
        progress.clear();
        Ok(results)
    }

    fn measure_one(
        &self,
        row: &Row,
        workers: usize,
        label: &str,
        progress: &Progress,
    ) -> Result<RowResult, String> {
        let mut order = Order {
            row: row.name.to_owned(),
            workers,
            quick: self.quick,
            rounds: self.rounds,
            lost: Vec::new(),
            only: None,
        };
        loop {
            match self.attempt(&order, label, progress)? {
                Attempt::Ended(result) => return Ok(*result),
                Attempt::Lost(problem) if order.lost.contains(&problem) => {
                    // The process fails whoever sits out: the row itself is broken.
                    return Ok(RowResult::new(row, workers, &[], &order.lost));
                }
                Attempt::Lost(problem) => order.lost.push(problem),
            }
        }
    }

    fn attempt(&self, order: &Order, label: &str, progress: &Progress) -> Result<Attempt, String> {
        let mut child = start(order)?;
        let words = listen(&mut child)?;
        let mut running = String::new();
        let outcome = loop {
            match words.recv_timeout(self.patience()) {
                Ok(Word::Begins { contender, round }) => {
                    progress.running(&format!("{label}: {contender}, round {}", round + 1));
                    running = contender;
                }
                Ok(Word::Ends(result)) => break Attempt::Ended(result),
                Ok(Word::Sampled(_)) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = self.patience().as_secs();
                    break lost(&running, format!("hung: no answer within {seconds} s"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let how = child
                        .wait()
                        .map_or_else(|e| e.to_string(), |s| s.to_string());
                    break lost(&running, format!("ended the process ({how})"));
                }
            }
        };
        // A hung process is ended; one that has answered may still be joining its threads, and
        // nothing of it is needed any more.
        let _ = child.kill();
        let _ = child.wait();
        Ok(outcome)
    }
}

enum Attempt {
    Ended(Box<RowResult>),
    Lost(Problem),
}

fn lost(contender: &str, what: String) -> Attempt {
    Attempt::Lost(Problem {
        contender: contender.to_owned(),
        what,
    })
}

fn threads(workers: usize) -> String {
    if workers == 1 {
        "1 worker".to_owned()
    } else {
        format!("{workers} workers")
    }
}

fn start(order: &Order) -> Result<Child, String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("this program cannot find itself: {error}"))?;
    let order = serde_json::to_string(order).map_err(|error| error.to_string())?;
    Command::new(&program)
        .arg("--measure")
        .arg(order)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))
}

fn listen(child: &mut Child) -> Result<Receiver<Word>, String> {
    let pipe = child
        .stdout
        .take()
        .ok_or("the row's process has no output")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // What a library prints is not a word of ours and is passed over.
        BufReader::new(pipe)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str(&line).ok())
            .map_while(|word| sender.send(word).ok())
            .for_each(drop);
    });
    Ok(receiver)
}

/// The other side: runs the one row of `order` and says each word on standard output.
///
/// # Errors
/// In words, when `order` is not one that [`Run`] gave.
pub fn obey(order: &str, rows: &[&Row]) -> Result<(), String> {
    let order: Order =
        serde_json::from_str(order).map_err(|error| format!("--measure: {error}"))?;
    let row = rows
        .iter()
        .find(|row| row.name == order.row)
        .ok_or_else(|| format!("--measure: no row is named {}", order.row))?;
    // Whoever ends this process, because a contender hangs, ends those it started.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| format!("--measure: {error}"))?;
    let setting = Setting {
        workers: order.workers,
        quick: order.quick,
    };
    if let Some(name) = &order.only {
        let sample = (row.contenders)(&setting)
            .iter_mut()
            .find(|contender| contender.name == name)
            .map_or_else(|| Err(Wrong("not in the row".to_owned())), rounds::take);
        say(&Word::Sampled(sample));
        return Ok(());
    }
    let plan = match order.rounds {
        Some(rounds) => Plan::exactly(rounds),
        None if order.quick => Plan::QUICK,
        None => Plan::FULL,
    };
    let lost = order.lost.clone();
    let result = rounds::run(row, &setting, &plan, &lost, &mut Hosted(order));
    say(&Word::Ends(Box::new(result)));
    Ok(())
}

/// A row's process as seen from its rounds.
struct Hosted(Order);

impl Host for Hosted {
    fn begins(&mut self, contender: &str, round: usize) {
        say(&Word::Begins {
            contender: contender.to_owned(),
            round,
        });
        // The listener wakes for this line on one of the cores that are about to be measured.
        std::thread::sleep(Duration::from_micros(500));
    }

    fn sample_elsewhere(&mut self, contender: &str) -> Result<Sample, Wrong> {
        let mut order = self.0.clone();
        order.only = Some(contender.to_owned());
        let mut child = start(&order).map_err(Wrong)?;
        let words = listen(&mut child).map_err(Wrong)?;
        let answer = words.iter().find_map(|word| match word {
            Word::Sampled(sample) => Some(sample),
            _ => None,
        });
        let how = child
            .wait()
            .map_or_else(|e| e.to_string(), |s| s.to_string());
        answer.unwrap_or_else(|| Err(Wrong(format!("ended its process ({how})"))))
    }
}

fn say(word: &Word) {
    if let Ok(line) = serde_json::to_string(word) {
        let mut output = std::io::stdout().lock();
        // Whoever listened may be gone; then the figures interest nobody.
        let _ = writeln!(output, "{line}");
        let _ = output.flush();
    }
}
