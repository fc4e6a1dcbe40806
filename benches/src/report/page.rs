//! The page: scoreboard, pictures and every row's samples, in one file that needs no network.

use super::pictures::{entries, pictures};
use super::plot::{Strip, escape, strips};
use super::table::figure;
use crate::harness::measurement::{Figures, Report, RowResult};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The page of a report, complete. `model` is what `cargo xtask simulate` printed, if it was run.
pub fn render(report: &Report, model: Option<&str>) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>bywash: bench</title><style>{}</style></head><body><main>",
        include_str!("page.css")
    );
    page += &heading(report);
    page += &scoreboard(report);
    page += &pictures(report);
    page += &many_cores(report, model);
    page += &rows(report);
    page += "</main></body></html>\n";
    page
}

fn heading(report: &Report) -> String {
    let machine = &report.machine;
    let virtual_note = if machine.is_virtual {
        ", in a virtual machine"
    } else {
        ""
    };
    let nodes = if machine.numa_nodes == 1 {
        "memory node"
    } else {
        "memory nodes"
    };
    let facts = [
        (
            "Machine",
            format!(
                "{} · {} cores{virtual_note}",
                machine.processor, machine.cores
            ),
        ),
        (
            "Caches",
            format!("{} · {} {nodes}", machine.caches, machine.numa_nodes),
        ),
        (
            "System",
            format!("{} · load {} at the start", machine.kernel, machine.load),
        ),
        (
            "Compiler",
            format!(
                "{} · {} · {}",
                machine.compiler, machine.target, machine.baseline
            ),
        ),
        ("Commit", report.commit.clone()),
        ("Command", report.command.clone()),
        ("Date", report.date.clone()),
        (
            "Rounds",
            format!(
                "up to {} of every row, interleaved, the order rotated",
                report.rounds
            ),
        ),
    ];
    let mut html = String::from("<header><h1>bywash <small>bench</small></h1>");
    if report.quick {
        html += "<p class=\"warning\">A short run: a few rounds a row, to see that everything works. Quote a full one.</p>";
    }
    html += "<dl class=\"facts\">";
    for (name, value) in facts {
        let _ = write!(
            html,
            "<div><dt>{name}</dt><dd>{}</dd></div>",
            escape(&value)
        );
    }
    html += "</dl><p class=\"reading\">A ratio below 1 means that bywash is ahead of the best rival in the same rounds; \
its bound is the upper end of a 95&nbsp;% interval. <em>First</em> means that even the bound is below 1; where the spread is \
wider than the difference, the row says <em>no difference shown</em>. Floors say what is physically there and are never ranked. \
Every answer is checked before its time counts.</p>";
    html += &tally(report);
    html + "</header>"
}

fn tally(report: &Report) -> String {
    let count = |verdict: &str| {
        report
            .rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    };
    let goals = || report.rows.iter().flat_map(|row| &row.goals);
    let unchecked = report.rows.iter().filter(|row| !row.checked).count();
    let boxes = [
        ("first", count("first"), "first"),
        ("no difference shown", count("no difference shown"), "even"),
        ("behind", count("behind"), "behind"),
        (
            "goals met",
            goals().filter(|goal| goal.met == Some(true)).count(),
            "first",
        ),
        (
            "goals not met",
            goals().filter(|goal| goal.met == Some(false)).count(),
            "behind",
        ),
        (
            "rows unchecked",
            unchecked,
            if unchecked > 0 { "behind" } else { "even" },
        ),
    ];
    let mut html = String::from("<ul class=\"tally\">");
    for (words, number, class) in boxes {
        let _ = write!(html, "<li class=\"{class}\"><b>{number}</b> {words}</li>");
    }
    html + "</ul>"
}

fn scoreboard(report: &Report) -> String {
    let mut html = String::from("<section><h2>Scoreboard</h2>");
    for family in families(report) {
        let _ = write!(
            html,
            "<h3>{family}</h3><table class=\"board\"><thead><tr><th>row</th><th>workers</th><th>bywash</th><th>ratio</th><th>verdict</th><th>rivals, best first</th><th>floor</th><th>goals</th></tr></thead><tbody>"
        );
        for row in report.rows.iter().filter(|row| row.family == family) {
            html += &board_line(row);
        }
        html += "</tbody></table>";
    }
    html + "</section>"
}

fn board_line(row: &RowResult) -> String {
    let ours = row
        .ours
        .as_ref()
        .map_or("–".to_owned(), |ours| figure(ours.median));
    let ratio = match (row.ratio_to_best, row.ratio_high) {
        (Some(ratio), Some(high)) => format!("{ratio:.2} <small>≤&nbsp;{high:.2}</small>"),
        _ => "–".to_owned(),
    };
    let unchecked = if row.checked {
        ""
    } else {
        " <span class=\"chip behind\">unchecked</span>"
    };
    let goals: Vec<String> = row
        .goals
        .iter()
        .map(|goal| {
            let (class, mark) = match goal.met {
                Some(true) => ("first", "✓"),
                Some(false) => ("behind", "✗"),
                None => ("even", "?"),
            };
            let doubt = if goal.certain || goal.met.is_none() {
                ""
            } else {
                " (within the noise)"
            };
            let reached = goal
                .reached
                .map_or(String::new(), |value| format!("reached {}", figure(value)));
            format!(
                "<span class=\"goal {class}\" title=\"{reached}{doubt}\">{mark}&nbsp;{}</span>",
                escape(&goal.goal)
            )
        })
        .collect();
    format!(
        "<tr><td data-label=\"row\"><a href=\"#{name}-{workers}\">{name}</a></td><td data-label=\"workers\">{workers}</td><td data-label=\"bywash\"><b>{ours}</b> <small>{unit}</small></td><td data-label=\"ratio\">{ratio}</td><td data-label=\"verdict\"><span class=\"chip {class}\">{verdict}</span>{unchecked}</td><td data-label=\"rivals\">{rivals}</td><td data-label=\"floor\">{floors}</td><td data-label=\"goals\">{goals}</td></tr>",
        name = row.row,
        workers = row.workers,
        unit = row.unit,
        class = verdict_class(&row.verdict),
        verdict = row.verdict,
        rivals = named_figures(&row.rivals, row.lower_is_better),
        floors = named_figures(&row.floors, row.lower_is_better),
        goals = goals.join(" "),
    )
}

fn verdict_class(verdict: &str) -> &'static str {
    match verdict {
        "first" => "first",
        "behind" => "behind",
        _ => "even",
    }
}

fn named_figures(figures: &BTreeMap<String, Figures>, lower_is_better: bool) -> String {
    ranked(figures, lower_is_better)
        .into_iter()
        .map(|(name, figures)| {
            let class = if figures.counted {
                "entry"
            } else {
                "entry shown"
            };
            format!(
                "<span class=\"{class}\">{}&nbsp;{}</span>",
                escape(name),
                figure(figures.median)
            )
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The best first; those that are only shown after all that count.
pub(super) fn ranked(
    figures: &BTreeMap<String, Figures>,
    lower_is_better: bool,
) -> Vec<(&String, &Figures)> {
    let mut named: Vec<_> = figures.iter().collect();
    named.sort_by(|(_, one), (_, other)| {
        let order = one.median.total_cmp(&other.median);
        let order = if lower_is_better {
            order
        } else {
            order.reverse()
        };
        other.counted.cmp(&one.counted).then(order)
    });
    named
}

fn families(report: &Report) -> Vec<&str> {
    let mut families: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !families.contains(&row.family.as_str()) {
            families.push(&row.family);
        }
    }
    families
}

/// What can be said of more cores than this machine has: a model, and labelled as one.
fn many_cores(report: &Report, model: Option<&str>) -> String {
    let Some(model) = model else {
        return String::new();
    };
    format!(
        "<section><h2>Many cores: a model</h2><p>This run had {} cores. What follows was not measured: \
it is what <code>cargo xtask simulate</code> computes for a machine that is not at hand, from its topology \
and assumed costs.</p><figure><pre>{}</pre></figure></section>",
        report.machine.cores,
        escape(model.trim_end())
    )
}

fn rows(report: &Report) -> String {
    let mut html = String::from(
        "<section><h2>Rows</h2><p>Each dot is one round; the stroke is the median. The pages of the microbenchmarks lie beside this one, \
in <a href=\"../criterion/report/index.html\">criterion's report</a>, where <code>cargo bench -p bywash-bench</code> was run.</p><div class=\"figures\">",
    );
    for row in &report.rows {
        let all = entries(row);
        let plot: Vec<Strip<'_>> = all
            .iter()
            .map(|(name, series, figures)| Strip {
                name,
                series: *series,
                samples: &figures.samples,
                median: figures.median,
            })
            .collect();
        let better = if row.lower_is_better {
            "less is better"
        } else {
            "more is better"
        };
        let _ = write!(
            html,
            "<figure id=\"{}-{}\"><figcaption><b>{}</b> on {} · {} · {better} · {} rounds<br>{}.",
            row.row,
            row.workers,
            row.row,
            if row.workers == 1 {
                "1 worker".to_owned()
            } else {
                format!("{} workers", row.workers)
            },
            row.unit,
            row.rounds,
            escape(&row.timed)
        );
        if !row.note.is_empty() {
            let _ = write!(html, " <span class=\"note\">{}</span>", escape(&row.note));
        }
        for problem in &row.problems {
            let _ = write!(
                html,
                "<br><span class=\"chip behind\">not counted</span> {}: {}",
                escape(&problem.contender),
                escape(&problem.what)
            );
        }
        let _ = write!(
            html,
            "</figcaption><div class=\"plot\">{}</div></figure>",
            strips(&plot, &row.unit)
        );
    }
    html + "</div></section>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::machine::Machine;
    use crate::harness::measurement::SCHEMA;

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let report = Report {
            schema: SCHEMA,
            machine: Machine::read(),
            commit: "0123456789ab".to_owned(),
            command: "cargo xtask bench".to_owned(),
            date: "2026-03-14T15:09:26Z".to_owned(),
            rounds: 0,
            quick: true,
            rows: Vec::new(),
        };
        let page = render(&report, Some("a < b"));
        assert!(page.contains("a &lt; b"));
        assert!(page.contains("0123456789ab"));
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(!page.contains("<script") && !page.contains("@import"));
    }
}
