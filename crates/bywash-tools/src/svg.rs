//! The machine as nested boxes in an SVG file, tiers by colour, rings by border.

use std::fmt::Write;

use crate::diagram::Diagram;
use crate::topology::{View, level_name};

/// Borders for victim levels 1 to 6, near ones dark.
const RINGS: [&str; 6] = [
    "#00441b", "#08519c", "#a63603", "#6a51a3", "#7a0177", "#99000d",
];

const CELL_WIDTH: usize = 98;
const CELL_HEIGHT: usize = 20;
const GAP: usize = 6;
const TITLE: usize = 18;
const PAGE_WIDTH: usize = 1400;

/// A box that knows its size.
struct Sized<'d> {
    diagram: &'d Diagram,
    width: usize,
    height: usize,
    /// Inner boxes with their offsets.
    inside: Vec<(usize, usize, Sized<'d>)>,
}

/// The file's content.
pub(crate) fn draw(view: &View<'_>, diagram: &Diagram) -> String {
    let root = measure(diagram, PAGE_WIDTH);
    let legend = legend(view);
    let height = root.height + 2 * GAP + legend.len() * CELL_HEIGHT + GAP;
    let width = (root.width + 2 * GAP).max(480);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    paint(view, &root, GAP, GAP, 0, &mut svg);
    for (line, (fill, text)) in legend.iter().enumerate() {
        let y = root.height + 2 * GAP + line * CELL_HEIGHT;
        let _ = writeln!(
            svg,
            "<rect x=\"{GAP}\" y=\"{y}\" width=\"14\" height=\"14\" fill=\"{fill}\" stroke=\"#555\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            GAP + 20,
            y + 11,
            escape(text),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn measure(diagram: &Diagram, page: usize) -> Sized<'_> {
    let (mut x, mut y, mut line_height) = (GAP, TITLE, 0);
    let mut width = GAP + diagram.label.len() * 7;
    let mut inside = Vec::new();
    y += diagram.pus.len() * (CELL_HEIGHT + 2);
    if !diagram.pus.is_empty() {
        width = width.max(CELL_WIDTH + GAP);
    }
    for one in &diagram.inside {
        let sized = measure(one, page.saturating_sub(2 * GAP));
        if x > GAP && x + sized.width + GAP > page {
            x = GAP;
            y += line_height + GAP;
            line_height = 0;
        }
        line_height = line_height.max(sized.height);
        let right = x + sized.width;
        width = width.max(right);
        inside.push((x, y, sized));
        x = right + GAP;
    }
    Sized {
        diagram,
        width: width + GAP,
        height: y + line_height + GAP,
        inside,
    }
}

fn paint(view: &View<'_>, sized: &Sized<'_>, x: usize, y: usize, depth: usize, svg: &mut String) {
    let grey = 255 - (depth * 9).min(45);
    let Sized {
        width,
        height,
        diagram,
        ..
    } = sized;
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\" \
         fill=\"rgb({grey},{grey},{grey})\" stroke=\"#555\"/>\
         <text x=\"{}\" y=\"{}\" fill=\"#333\">{}</text>",
        x + GAP,
        y + 13,
        escape(&diagram.label),
    );
    for (line, &pu) in diagram.pus.iter().enumerate() {
        cell(view, pu, x + GAP, y + TITLE + line * (CELL_HEIGHT + 2), svg);
    }
    for (dx, dy, inner) in &sized.inside {
        paint(view, inner, x + dx, y + dy, depth + 1, svg);
    }
}

/// One PU: its OS index and its worker, on the tier's colour.
fn cell(view: &View<'_>, position: usize, x: usize, y: usize, svg: &mut String) {
    let pu = &view.machine.pus()[position];
    let workers = view.plan.workers().iter().enumerate();
    let here: Vec<_> = workers
        .filter(|(_, worker)| worker.pu == Some(pu.id))
        .collect();
    let mut text = format!("PU {}", pu.id.0);
    let (mut fill, mut stroke) = ("#ffffff".to_owned(), "#999");
    let has_tiers = view.plan.tiers().len() > 1;
    for (index, worker) in here {
        let _ = write!(text, " w{index}");
        if has_tiers {
            let _ = write!(text, " t{}", worker.tier);
        }
        fill = tier_fill(worker.tier);
        if let Some(thief) = view.worker {
            stroke = match index == thief {
                true => "#000000",
                false => RINGS[usize::from(view.plan.level(thief, index).0.number()) - 1],
            };
        }
    }
    let opacity = if pu.is_usable { "1" } else { "0.4" };
    let border = if stroke == "#999" { 1 } else { 3 };
    let _ = writeln!(
        svg,
        "<g opacity=\"{opacity}\"><rect x=\"{x}\" y=\"{y}\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" \
         fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{border}\"/>\
         <text x=\"{}\" y=\"{}\">{text}</text></g>",
        x + 4,
        y + 14,
    );
}

/// A light colour for each tier: hues a golden angle apart, so that no two near tiers are alike.
fn tier_fill(tier: usize) -> String {
    let hue = (tier as f64 * 137.508 + 340.0) % 360.0;
    format!("hsl({hue:.0},65%,80%)")
}

fn legend(view: &View<'_>) -> Vec<(String, String)> {
    let tiers = view.plan.tiers().iter().map(|tier| {
        let (first, last) = (tier.workers.start, tier.workers.end - 1);
        (
            tier_fill(tier.number),
            format!("tier {}: workers {first}-{last}", tier.number),
        )
    });
    let rings = view.worker.into_iter().flat_map(|thief| {
        bywash_topology::Level::ALL.into_iter().map(move |level| {
            let color = RINGS[usize::from(level.number()) - 1];
            let name = level_name(level);
            (
                color.to_owned(),
                format!(
                    "victims of worker {thief}, level {}: {name}",
                    level.number()
                ),
            )
        })
    });
    tiers.chain(rings).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
