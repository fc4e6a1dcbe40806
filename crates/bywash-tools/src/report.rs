//! The model's tables, each with the reminder that it is one.

use std::fmt::Write;

use bywash_topology::{Level, Placement};

use crate::outcome::Outcome;
use crate::workload::Workload;

/// One strategy's line.
pub(crate) struct Row {
    pub(crate) placement: Placement,
    pub(crate) workers: usize,
    pub(crate) outcome: Outcome,
}

/// On every table.
const REMINDER: &str = "model, not measurement";

/// Parts into which a run is cut to show the cores awake.
const BUCKETS: usize = 24;

/// The tables of one workload.
pub(crate) fn table(machine: &str, workload: Workload, rows: &[Row]) -> String {
    let mut text = format!("{machine}\n{}\n\n", workload.describe());
    summary(workload, rows, &mut text);
    text.push('\n');
    steals(rows, &mut text);
    text.push('\n');
    awake(rows, &mut text);
    text.push_str(
        "\nThe model: one task a steal; steal cost = latency of the level x lines moved; \
         latencies of an EPYC 7R13\n(SMT 10 ns, LLC 23, package 107, other socket 197 one way); \
         a wake 5,000 ns; siblings share 1.3 cores,\nworkers beyond the PUs no more than that. It knows no cache misses, no \
         memory bandwidth,\nno clock changes and no difference between kinds of core.\n",
    );
    text
}

fn summary(workload: Workload, rows: &[Row], text: &mut String) {
    let _ = writeln!(text, "Time ({REMINDER})");
    let _ = writeln!(
        text,
        "{:<24} {:>8} {:>14} {:>14} {:>10} {:>12}",
        "strategy", "workers", "makespan us", "longest us", "steals", "cores awake"
    );
    for Row {
        placement,
        workers,
        outcome,
    } in rows
    {
        let longest = match workload.rounds() {
            1 => "-".to_owned(),
            _ => microseconds(outcome.longest_round),
        };
        let _ = writeln!(
            text,
            "{:<24} {workers:>8} {:>14} {longest:>14} {:>10} {:>12.1}",
            placement.to_string(),
            microseconds(outcome.makespan),
            outcome.all_steals(),
            outcome.mean_awake(),
        );
    }
}

fn steals(rows: &[Row], text: &mut String) {
    let _ = writeln!(text, "Steals by level, and their mean cost ({REMINDER})");
    let _ = writeln!(
        text,
        "{:<24} {:>8} {:>8} {:>8} {:>8} {:>10} {:>8} {:>10}",
        "strategy", "core", "LLC", "node", "package", "node/pkgs", "remote", "mean ns"
    );
    for Row {
        placement, outcome, ..
    } in rows
    {
        let _ = write!(text, "{:<24}", placement.to_string());
        for (level, width) in Level::ALL.into_iter().zip([8, 8, 8, 8, 10, 8]) {
            let _ = write!(text, " {:>width$}", outcome.steals_at(level));
        }
        let mean = outcome
            .mean_steal()
            .map_or("-".to_owned(), |mean| mean.to_string());
        let _ = writeln!(text, " {mean:>10}");
    }
}

fn awake(rows: &[Row], text: &mut String) {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let series: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row.outcome.awake_over_time(BUCKETS))
        .collect();
    let most = series.iter().flatten().copied().fold(1.0, f64::max);
    let _ = writeln!(
        text,
        "Cores awake from begin to end, {BUCKETS} parts of each run; full height is {most:.1} ({REMINDER})"
    );
    for (Row { placement, .. }, cores) in rows.iter().zip(series) {
        let bar = |cores: &f64| BARS[((cores / most * 8.0).ceil() as usize).min(8)];
        let line: String = cores.iter().map(bar).collect();
        let ends = format!("{:.1} .. {:.1}", cores[0], cores[BUCKETS - 1]);
        let _ = writeln!(text, "{:<24} |{line}| {ends}", placement.to_string());
    }
}

fn microseconds(nanoseconds: u64) -> String {
    format!("{}.{:01}", nanoseconds / 1000, nanoseconds % 1000 / 100)
}
