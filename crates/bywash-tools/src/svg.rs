//! The machine as nested boxes in an SVG file, tiers by colour, rings by border.

use std::collections::HashMap;
use std::fmt::Write;

use bywash_topology::Level;

use crate::diagram::Diagram;
use crate::topology::{View, level_name};

/// Borders for victim levels 1 to 6, near ones dark.
const RINGS: [&str; 6] = [
    "#00441b", "#08519c", "#a63603", "#6a51a3", "#7a0177", "#99000d",
];

/// The border of a PU that is in no ring.
const PLAIN: &str = "#999";

/// What a letter takes at most, at the size of the labels.
const LETTER: usize = 7;
const CELL_HEIGHT: usize = 20;
const GAP: usize = 6;
const TITLE: usize = 18;
const PAGE_WIDTH: usize = 1400;
/// A column of the legend.
const COLUMN: usize = 280;

/// A PU as it is drawn.
struct Cell {
    text: String,
    fill: String,
    stroke: &'static str,
    is_usable: bool,
}

/// What all boxes of a page are drawn from.
struct Page {
    /// By position in the machine's list of PUs.
    cells: Vec<Cell>,
    cell_width: usize,
}

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
    let cells = cells(view);
    let longest = cells.iter().map(|cell| cell.text.len()).max().unwrap_or(0);
    let page = Page {
        cell_width: longest * LETTER + 2,
        cells,
    };
    let root = measure(diagram, &page, PAGE_WIDTH);
    let width = (root.width + 2 * GAP).max(2 * COLUMN);
    let (top, legend) = (GAP + TITLE, legend(view));
    let columns = ((width - GAP) / COLUMN).max(1);
    let legend_top = top + root.height + GAP;
    let height = legend_top + legend.len().div_ceil(columns) * CELL_HEIGHT + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{GAP}\" y=\"16\" font-weight=\"bold\">{}: {} workers</text>\n",
        escape(&view.placement.to_string()),
        view.plan.len(),
    );
    paint(&page, &root, GAP, top, 0, &mut svg);
    for (index, (fill, text)) in legend.iter().enumerate() {
        let x = GAP + index % columns * COLUMN;
        let y = legend_top + index / columns * CELL_HEIGHT;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"14\" fill=\"{fill}\" stroke=\"#555\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            x + 20,
            y + 11,
            escape(text),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn measure<'d>(diagram: &'d Diagram, page: &Page, right_edge: usize) -> Sized<'d> {
    let (mut x, mut y, mut line_height) = (GAP, TITLE, 0);
    let mut width = GAP + diagram.label.len() * LETTER;
    let mut inside = Vec::new();
    y += diagram.pus.len() * (CELL_HEIGHT + 2);
    if !diagram.pus.is_empty() {
        width = width.max(GAP + page.cell_width);
    }
    for one in &diagram.inside {
        let sized = measure(one, page, right_edge.saturating_sub(2 * GAP));
        if x > GAP && x + sized.width + GAP > right_edge {
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

fn paint(page: &Page, sized: &Sized<'_>, x: usize, y: usize, depth: usize, svg: &mut String) {
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
        page.paint_cell(pu, x + GAP, y + TITLE + line * (CELL_HEIGHT + 2), svg);
    }
    for (dx, dy, inner) in &sized.inside {
        paint(page, inner, x + dx, y + dy, depth + 1, svg);
    }
}

/// Each PU: its OS index and its workers, on the tier's colour, in the victim ring's frame.
fn cells(view: &View<'_>) -> Vec<Cell> {
    let pus = view.machine.pus();
    let plain = |pu: &bywash_topology::Pu| Cell {
        text: format!("PU {}", pu.id.0),
        fill: "#ffffff".to_owned(),
        stroke: PLAIN,
        is_usable: pu.is_usable,
    };
    let mut cells: Vec<Cell> = pus.iter().map(plain).collect();
    let has_tiers = view.plan.tiers().len() > 1;
    let positions: HashMap<_, _> = pus.iter().map(|pu| pu.id).zip(0..).collect();
    for (index, worker) in view.plan.workers().iter().enumerate() {
        let Some(&position) = worker.pu.and_then(|pu| positions.get(&pu)) else {
            continue;
        };
        let cell: &mut Cell = &mut cells[position];
        let _ = write!(cell.text, " w{index}");
        if has_tiers {
            let _ = write!(cell.text, " t{}", worker.tier);
        }
        cell.fill = tier_fill(worker.tier);
        cell.stroke = match view.worker {
            Some(thief) if thief == index => "#000000",
            Some(thief) => RINGS[usize::from(view.plan.level(thief, index).0.number()) - 1],
            None => PLAIN,
        };
    }
    cells
}

impl Page {
    fn paint_cell(&self, position: usize, x: usize, y: usize, svg: &mut String) {
        let Cell {
            text,
            fill,
            stroke,
            is_usable,
        } = &self.cells[position];
        let opacity = if *is_usable { "1" } else { "0.4" };
        let border = if *stroke == PLAIN { 1 } else { 3 };
        let width = self.cell_width;
        let _ = writeln!(
            svg,
            "<g opacity=\"{opacity}\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{CELL_HEIGHT}\" \
             fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{border}\"/>\
             <text x=\"{}\" y=\"{}\">{text}</text></g>",
            x + 4,
            y + 14,
        );
    }
}

/// A light colour for each tier: hues a golden angle apart, so that no two near tiers are
/// alike, and every eighth tier darker, since hues come round again.
fn tier_fill(tier: usize) -> String {
    let hue = (tier as f64 * 137.508 + 340.0) % 360.0;
    let light = 82 - tier / 8 % 3 * 8;
    format!("hsl({hue:.0},65%,{light}%)")
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
        let victims = view.plan.victims(thief);
        let is_there = move |level: &Level| victims.iter().any(|victim| victim.level == *level);
        let levels = Level::ALL.into_iter().filter(is_there);
        levels.map(move |level| {
            let number = level.number();
            let text = format!("worker {thief}'s level {number}: {}", level_name(level));
            (RINGS[usize::from(number) - 1].to_owned(), text)
        })
    });
    tiers.chain(rings).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
