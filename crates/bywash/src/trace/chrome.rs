//! The file that `chrome://tracing` and Perfetto open: one line a thread, one box a stretch of time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::What;
use super::recorder::{Event, threads};
use crate::jobs::JobSystem;

impl JobSystem {
    /// Writes what the workers did last as a trace file for Perfetto or `chrome://tracing`: frames,
    /// jobs, steals and sleeps on a line for each thread, with the worker's index beside each. Needs
    /// feature `trace`, with which every job takes the time twice and a lock; the last 65,536 events
    /// of each worker are kept. What has not ended is not in the file. A look: it stops nobody.
    ///
    /// # Errors
    /// Those of creating and writing the file.
    pub fn write_trace(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut events: Vec<Event> = self
            .system()
            .all_seats()
            .flat_map(|seat| seat.trace.events())
            .collect();
        events.sort_by_key(|event| (event.thread, event.begin, u64::MAX - event.end));
        let mut file = BufWriter::new(File::create(path)?);
        write_all(&mut file, &events)?;
        file.flush()
    }
}

fn write_all(file: &mut impl Write, events: &[Event]) -> io::Result<()> {
    let seen: BTreeSet<u32> = events.iter().map(|event| event.thread).collect();
    write!(file, "{{\"traceEvents\":[")?;
    let mut separator = "\n";
    for (thread, name) in threads().into_iter().enumerate() {
        if seen.contains(&(thread as u32)) {
            let name = escaped(&name);
            write!(
                file,
                "{separator}{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{thread},\"args\":{{\"name\":\"{name}\"}}}}"
            )?;
            separator = ",\n";
        }
    }
    for event in events {
        write!(file, "{separator}")?;
        write_one(file, event)?;
        separator = ",\n";
    }
    writeln!(file, "\n]}}")
}

fn write_one(file: &mut impl Write, event: &Event) -> io::Result<()> {
    let (thread, worker) = (event.thread, event.worker);
    // The format's times are microseconds.
    let begin = event.begin as f64 / 1_000.0;
    let duration = (event.end - event.begin) as f64 / 1_000.0;
    let name = match event.what {
        What::Frame => "frame",
        What::Job => "job",
        What::Sleep => "sleep",
        What::Park => "park",
        What::Steal { victim, jobs } => {
            return write!(
                file,
                "{{\"name\":\"steal\",\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":{thread},\"ts\":{begin},\"args\":{{\"worker\":{worker},\"victim\":{victim},\"jobs\":{jobs}}}}}"
            );
        }
    };
    write!(
        file,
        "{{\"name\":\"{name}\",\"ph\":\"X\",\"pid\":1,\"tid\":{thread},\"ts\":{begin},\"dur\":{duration},\"args\":{{\"worker\":{worker}}}}}"
    )
}

/// A name as it stands between a JSON string's quotes.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_keeps_its_quotes_and_loses_its_control_characters() {
        assert_eq!(escaped("a \"b\"\\\n"), "a \\\"b\\\"\\\\ ");
    }
}
