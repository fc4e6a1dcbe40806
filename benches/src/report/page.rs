//! The page: scoreboard, pictures and every row's samples, in one file that needs no network.

use super::pictures::{entries, pictures};
use super::plot::{Strip, escape, gauge, strips};
use super::words::{self, figure, ranked};
use crate::harness::measurement::{Figures, Report, RowResult};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What may lie beside a page.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What `cargo xtask simulate` printed of machines with many cores.
    pub model: Option<String>,
    /// Whether criterion has written its own pages.
    pub has_criterion: bool,
}

/// The page of a report, complete.
pub fn render(report: &Report, beside: &Beside) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>bywash: bench</title><style>{}</style></head><body><main>",
        include_str!("page.css")
    );
    page += &heading(report);
    page += &scoreboard(report);
    page += &pictures(report);
    page += &many_cores(report, beside.model.as_deref());
    page += &rows(report, beside.has_criterion);
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
            "Topology",
            match machine.topology.as_str() {
                "" => format!("{} {nodes}", machine.numa_nodes),
                known => format!("{known} · {} {nodes}", machine.numa_nodes),
            },
        ),
        ("Caches", machine.caches.clone()),
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
    html += "<nav>";
    for family in families(report) {
        let _ = write!(html, "<a href=\"#{family}\">{family}</a>");
    }
    html += "<a href=\"#pictures\">Pictures</a><a href=\"#many-cores\">Many cores</a><a href=\"#rows\">Rows</a></nav>";
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
            "<h3 id=\"{family}\">{family}</h3><table class=\"board\"><thead><tr><th>row</th><th>workers</th><th>bywash</th><th>ratio to the best</th><th>rivals, best first</th><th>floor</th><th>goals</th></tr></thead><tbody>"
        );
        for row in report.rows.iter().filter(|row| row.family == family) {
            html += &board_line(row);
        }
        html += "</tbody></table>";
    }
    html + "</section>"
}

fn board_line(row: &RowResult) -> String {
    let class = verdict_class(&row.verdict);
    let ratio = words::ratio(row).map_or(String::new(), |(middle, high)| {
        let gauge = gauge([row.ratio_low, row.ratio_to_best, row.ratio_high], class);
        format!(
            "<span class=\"ratio\"><span>{middle} <small>≤&nbsp;{high}</small></span>{gauge}</span>"
        )
    });
    let unchecked = if row.checked {
        ""
    } else {
        " <span class=\"chip behind\">unchecked</span>"
    };
    let at = format!(" on {}", row.workers);
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
                " title=\"within the noise\""
            };
            format!(
                "<span class=\"goal {class}\"{doubt}>{mark}&nbsp;{} <small>{}</small></span>",
                escape(goal.goal.trim_end_matches(&at)),
                words::reached(goal)
            )
        })
        .collect();
    format!(
        "<tr><td data-label=\"row\"><a href=\"#{name}-{workers}\">{name}</a></td><td data-label=\"workers\">{workers}</td><td data-label=\"bywash\"><b>{ours}</b> <small>{unit}</small></td><td data-label=\"ratio\">{ratio}<span class=\"chip {class}\">{verdict}</span>{unchecked}</td><td data-label=\"rivals\">{rivals}</td><td data-label=\"floor\">{floors}</td><td data-label=\"goals\">{goals}</td></tr>",
        name = row.row,
        workers = row.workers,
        ours = words::ours(row),
        unit = row.unit,
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
    let mut html = format!(
        "<section id=\"many-cores\"><h2>Many cores <span class=\"chip even\">model, not measurement</span></h2><p>This run had {} cores. ",
        report.machine.cores
    );
    let Some(model) = model else {
        html += "What a machine with many cores would do can be modelled where libhwloc is installed: see <code>cargo xtask simulate --help</code>. No model was computed for this page.";
        return html + "</p></section>";
    };
    html += "What follows was not measured: <code>cargo xtask simulate</code> computed it for machines that are not at hand, from their topologies and assumed costs.</p>";
    for part in model.split(MODELS_APART).map(str::trim) {
        let (title, text) = part.split_once('\n').unwrap_or((part, ""));
        let _ = write!(
            html,
            "<details><summary>{}</summary><pre>{}</pre></details>",
            escape(title),
            escape(text)
        );
    }
    html + "</section>"
}

/// What stands between two models in one text.
const MODELS_APART: &str = "\n\u{c}\n";

fn rows(report: &Report, has_criterion: bool) -> String {
    let mut html = String::from(
        "<section id=\"rows\"><h2>Rows</h2><p>Each dot is one round, the bar their range, the stroke the median.",
    );
    if has_criterion {
        html += " The microbenchmarks have pages of their own: <a href=\"../criterion/report/index.html\">criterion's report</a>.";
    }
    html += "</p><div class=\"figures\">";
    for row in &report.rows {
        html += &row_figure(row);
    }
    html + "</div></section>"
}

/// What a row times and what to know of it, above every sample it took.
fn row_figure(row: &RowResult) -> String {
    let better = if row.lower_is_better {
        "less is better"
    } else {
        "more is better"
    };
    let mut html = format!(
        "<figure id=\"{name}-{count}\"><figcaption><b>{name}</b> on {workers} · {unit} · {better} · {rounds} rounds<br>{timed}.",
        name = row.row,
        count = row.workers,
        workers = words::workers(row),
        unit = row.unit,
        rounds = row.rounds,
        timed = escape(&row.timed),
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
    let all: Vec<Strip<'_>> = entries(row).iter().map(Strip::of).collect();
    html + "</figcaption><div class=\"plot\">" + &strips(&all, &row.unit) + "</div></figure>"
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
        let beside = Beside {
            model: Some(format!("one{MODELS_APART}two\na < b")),
            has_criterion: true,
        };
        let page = render(&report, &beside);
        assert!(page.contains("<summary>two</summary><pre>a &lt; b</pre>"));
        assert!(page.contains("0123456789ab"));
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(!page.contains("<script") && !page.contains("@import"));
    }
}
