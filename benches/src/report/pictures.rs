//! The page's pictures: efficiency against length, figures against workers, latency curves.

use super::plot::{Axis, Line, Series, Strip, escape, lines, strips};
use super::words::{self, figure, grouped, ranked};
use crate::harness::measurement::{Figures, Report, RowResult};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines under way: each contender's colour and points.
type ByName<'row> = BTreeMap<&'row str, (Series, Vec<(f64, f64)>)>;

/// A contender of a row, whatever its role, with the colour it has all over the page.
pub(super) type Entry<'row> = (&'row str, Series, &'row Figures);

/// All contenders of a row: ours, the rivals, the floors.
pub(super) fn entries(row: &RowResult) -> Vec<Entry<'_>> {
    let ours = row.ours.iter().map(|ours| ("bywash", Series::Ours, ours));
    let rivals = ranked(&row.rivals, row.lower_is_better)
        .into_iter()
        .map(|(name, figures)| {
            let series = if figures.counted {
                Series::Rival(colour(name))
            } else {
                Series::Shown
            };
            (name.as_str(), series, figures)
        });
    let floors = row
        .floors
        .iter()
        .map(|(name, figures)| (name.as_str(), Series::Floor, figures));
    ours.chain(rivals).chain(floors).collect()
}

/// One colour for each library, whichever of its forms takes part.
fn colour(name: &str) -> usize {
    const LIBRARIES: &[&[&str]] = &[
        &["rayon", "bumpalo"],
        &["chili", "bump-scope", "crossbeam"],
        &["forte", "blink", "st3"],
        &["bevy", "typed-arena"],
        &["fork_union", "mimalloc"],
        &["orx", "malloc"],
        &["paralight"],
    ];
    LIBRARIES
        .iter()
        .position(|library| library.iter().any(|start| name.starts_with(start)))
        .unwrap_or(7)
}

pub(super) fn pictures(report: &Report) -> String {
    let groups = [
        (
            "Efficiency against the length of a task",
            efficiencies(report),
        ),
        ("Time against workers", over_workers(report)),
        ("Time against placement strategy", over_strategies(report)),
        ("Latencies", latencies(report)),
    ];
    let mut html = String::from("<section id=\"pictures\"><h2>Pictures</h2>");
    for (title, figures) in groups {
        if !figures.is_empty() {
            let _ = write!(
                html,
                "<h3>{title}</h3><div class=\"figures\">{figures}</div>"
            );
        }
    }
    html + "</section>"
}

fn picture(title: &str, words: &str, svg: &str) -> String {
    format!(
        "<figure><figcaption><b>{title}</b> {words}</figcaption><div class=\"plot\">{svg}</div></figure>"
    )
}

fn efficiencies(report: &Report) -> String {
    const SIZES: [(&str, f64); 4] = [
        ("20ns", 20.0),
        ("120ns", 120.0),
        ("1350ns", 1_350.0),
        ("13600ns", 13_600.0),
    ];
    let kinds = [
        (
            "task_eff_",
            "Tasks spawned one by one",
            "how much of the machine they get, by their length; 100&nbsp;% is every core busy with nothing else",
        ),
        (
            "batch_eff_",
            "The same tasks, sixteen to a job",
            "spawned in batches",
        ),
        (
            "loop_eff_",
            "The same tasks as a loop",
            "handed out by the library",
        ),
    ];
    let mut html = String::new();
    for (prefix, title, words) in kinds {
        let mut series = ByName::new();
        for (size, nanoseconds) in SIZES {
            let name = format!("{prefix}{size}");
            let largest = report
                .rows
                .iter()
                .filter(|row| row.row == name)
                .max_by_key(|row| row.workers);
            for (name, colour, figures) in largest.map(entries).unwrap_or_default() {
                series
                    .entry(name)
                    .or_insert((colour, Vec::new()))
                    .1
                    .push((nanoseconds, figures.median));
            }
        }
        if series.is_empty() {
            continue;
        }
        let axis = Axis {
            title: "nominal length of a task",
            ticks: vec![
                (20.0, "20 ns".to_owned()),
                (120.0, "120 ns".to_owned()),
                (1_350.0, "1.35 µs".to_owned()),
                (13_600.0, "13.6 µs".to_owned()),
            ],
            is_logarithmic: true,
        };
        html += &picture(title, words, &lines(&to_lines(series), &axis, "%"));
    }
    html
}

fn to_lines(series: ByName<'_>) -> Vec<Line<'_>> {
    series
        .into_iter()
        .map(|(name, (series, points))| Line {
            name,
            series,
            points,
        })
        .collect()
}

/// Every row that was measured at two worker counts or more, and whose name is worth a picture.
fn over_workers(report: &Report) -> String {
    const WORTH: &[(&str, &str)] = &[
        ("join_fib", "A fork"),
        ("spawn_detached", "A spawn"),
        ("loop_chunks", "A loop"),
        ("reduce_sum", "A reduction"),
        ("uts_t1", "An unbalanced tree"),
        ("cilksort_1e6", "A sort"),
    ];
    let mut html = String::new();
    for (name, title) in WORTH {
        let at: Vec<&RowResult> = report.rows.iter().filter(|row| row.row == *name).collect();
        if at.len() > 1 {
            html += &by_workers(title, &at, entries);
        }
    }
    html
}

/// The lines of one row over its worker counts.
fn by_workers<'row>(
    title: &str,
    at: &[&'row RowResult],
    entries: impl Fn(&'row RowResult) -> Vec<Entry<'row>>,
) -> String {
    let mut series = ByName::new();
    for row in at {
        for (name, colour, figures) in entries(row) {
            let (_, points) = series.entry(name).or_insert((colour, Vec::new()));
            points.push((row.workers as f64, figures.median));
        }
    }
    let axis = Axis {
        title: "workers",
        ticks: at
            .iter()
            .map(|row| (row.workers as f64, row.workers.to_string()))
            .collect(),
        is_logarithmic: true,
    };
    let first = at[0];
    let words = format!(
        "<a href=\"#{name}-{}\">{name}</a>, {}",
        first.workers,
        first.unit,
        name = first.row
    );
    picture(title, &words, &lines(&to_lines(series), &axis, &first.unit))
}

/// Each load under each placement strategy: all samples with the most workers, and the medians by
/// workers where there are enough of them to make a curve.
fn over_strategies(report: &Report) -> String {
    const LOADS: &[(&str, &str)] = &[
        ("strategy_loop", "A parallel loop"),
        ("strategy_join", "Fork and join"),
        ("strategy_spawn", "A storm of spawns"),
        ("strategy_reduce", "A reduction"),
    ];
    let mut html = String::new();
    for (name, load) in LOADS {
        let at: Vec<&RowResult> = report.rows.iter().filter(|row| row.row == *name).collect();
        let Some(widest) = at.iter().max_by_key(|row| row.workers) else {
            continue;
        };
        let all = strategies(widest);
        let all: Vec<Strip<'_>> = all.iter().map(Strip::of).collect();
        html += &picture(
            load,
            &format!(
                "{}, {}: {}",
                words::workers(widest),
                widest.unit,
                widest.timed
            ),
            &strips(&all, &widest.unit),
        );
        if at.len() > 2 {
            let title = format!("{load}, by workers");
            html += &by_workers(&title, &at, strategies);
        }
    }
    html
}

/// The entries of a strategy row, each by its strategy: ours is the one that binds nothing.
fn strategies(row: &RowResult) -> Vec<Entry<'_>> {
    const ORDER: [&str; 6] = [
        "None",
        "Linear",
        "AvoidSmt",
        "CcdIsolation",
        "Scatter",
        "TieredSpillover",
    ];
    let find = |(place, name): (usize, &'static str)| {
        let figures = match name {
            "None" => row.ours.as_ref(),
            _ => row.rivals.get(name),
        };
        let series = if place == 0 {
            Series::Ours
        } else {
            Series::Rival(place)
        };
        Some((name, series, figures?))
    };
    ORDER.into_iter().enumerate().filter_map(find).collect()
}

/// Latency curves, and the quantiles that people ask for.
fn latencies(report: &Report) -> String {
    let mut html = String::new();
    for row in &report.rows {
        let known: Vec<_> = entries(row)
            .into_iter()
            .filter_map(|(name, series, figures)| Some((name, series, figures.latency.as_ref()?)))
            .collect();
        if known.is_empty() {
            continue;
        }
        let all: Vec<Line<'_>> = known
            .iter()
            .map(|(name, series, latency)| Line {
                name,
                series: *series,
                points: latency
                    .curve
                    .iter()
                    .enumerate()
                    .filter(|(step, _)| step % 5 == 0 || *step == 99)
                    .take_while(|(step, _)| *step <= 99)
                    .map(|(step, value)| (step as f64, *value))
                    .collect(),
            })
            .collect();
        let axis = Axis {
            title: "share of the samples that are faster, %",
            ticks: [0.0, 25.0, 50.0, 75.0, 99.0]
                .map(|at| (at, format!("{at:.0}")))
                .to_vec(),
            is_logarithmic: false,
        };
        let mut quantiles = format!(
            "<table class=\"quantiles\"><thead><tr><th>{}</th><th>p50</th><th>p99</th><th>p99.9</th><th>samples</th></tr></thead><tbody>",
            row.unit
        );
        for (name, _, latency) in &known {
            let _ = write!(
                quantiles,
                "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(name),
                figure(latency.p50),
                figure(latency.p99),
                figure(latency.p999),
                grouped(&latency.count.to_string())
            );
        }
        quantiles += "</tbody></table>";
        html += &picture(
            &row.row,
            &format!("{}: {}", words::workers(row), escape(&row.timed)),
            &(lines(&all, &axis, &row.unit) + &quantiles),
        );
    }
    html
}
