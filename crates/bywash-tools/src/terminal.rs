//! The machine as nested boxes of characters, tiers by colour.

use std::io::IsTerminal;

use crate::diagram::Diagram;
use crate::topology::View;

/// Colours of the terminal's 256 that are told apart on light and dark grounds.
const PALETTE: [u8; 8] = [34, 33, 208, 170, 37, 178, 99, 160];

/// Wider pictures are folded.
const WIDTH: usize = 110;

/// A rectangle of characters, each with its colour.
struct Block {
    width: usize,
    rows: Vec<Vec<(char, Option<u8>)>>,
}

/// Whether to colour, from `--color`, the terminal and `NO_COLOR`.
pub(crate) fn has_color(choice: &str) -> Result<bool, String> {
    match choice {
        "always" => Ok(true),
        "never" => Ok(false),
        "auto" => Ok(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()),
        _ => Err(format!(
            "unknown --color \"{choice}\": choose one of auto, always, never"
        )),
    }
}

/// The picture.
pub(crate) fn draw(view: &View<'_>, diagram: &Diagram, has_color: bool) -> String {
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let cells = cells(view);
    let block = block(diagram, &cells, width.unwrap_or(WIDTH).clamp(40, 400));
    let mut text = String::new();
    for row in &block.rows {
        let mut current = None;
        for &(character, color) in row {
            if has_color && color != current {
                match color {
                    Some(color) => text.push_str(&format!("\x1b[38;5;{color}m")),
                    None => text.push_str("\x1b[0m"),
                }
                current = color;
            }
            text.push(character);
        }
        if current.is_some() {
            text.push_str("\x1b[0m");
        }
        while text.ends_with(' ') {
            text.pop();
        }
        text.push('\n');
    }
    text
}

/// A line for each PU, by position: OS index, worker, tier, and how near `--worker` is.
fn cells(view: &View<'_>) -> Vec<(String, Option<u8>)> {
    let pus = view.machine.pus();
    let has_tiers = view.plan.tiers().len() > 1;
    let index_width = pus
        .iter()
        .map(|pu| pu.id.0.to_string().len())
        .max()
        .unwrap_or(1);
    let mut cells: Vec<_> = pus
        .iter()
        .map(|pu| {
            let mark = if pu.is_usable { "" } else { " -" };
            (format!("{:>index_width$}{mark}", pu.id.0), None)
        })
        .collect();
    let position = |id| pus.iter().position(|pu| pu.id == id);
    for (index, worker) in view.plan.workers().iter().enumerate() {
        let Some(place) = worker.pu.and_then(position) else {
            continue;
        };
        let (text, color) = &mut cells[place];
        text.push_str(&format!(" w{index}"));
        if has_tiers {
            text.push_str(&format!(" t{}", worker.tier));
        }
        match view.worker {
            Some(thief) if thief != index => {
                text.push_str(&format!(" L{}", view.plan.level(thief, index).0.number()));
            }
            Some(_) => text.push_str(" <-"),
            None => {}
        }
        *color = Some(PALETTE[(worker.tier - 1) % PALETTE.len()]);
    }
    let widest = cells.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
    for (text, _) in &mut cells {
        *text = format!("{text:<widest$}");
    }
    cells
}

fn block(diagram: &Diagram, cells: &[(String, Option<u8>)], width: usize) -> Block {
    let lines = diagram.pus.iter().map(|&pu| {
        let (text, color) = &cells[pu];
        text.chars().map(|character| (character, *color)).collect()
    });
    let mut content = Block::of(lines.collect());
    let inside = diagram
        .inside
        .iter()
        .map(|one| block(one, cells, width.saturating_sub(4)));
    content.stack(flow(inside.collect(), width.saturating_sub(4)));
    content.frame(&diagram.label)
}

/// Blocks side by side, folded at the width.
fn flow(blocks: Vec<Block>, width: usize) -> Block {
    let mut page = Block::of(Vec::new());
    let mut line = Block::of(Vec::new());
    for block in blocks {
        if line.width > 0 && line.width + 1 + block.width > width {
            page.stack(std::mem::replace(&mut line, Block::of(Vec::new())));
        }
        line.join(block);
    }
    page.stack(line);
    page
}

impl Block {
    fn of(mut rows: Vec<Vec<(char, Option<u8>)>>) -> Block {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        for row in &mut rows {
            row.resize(width, (' ', None));
        }
        Block { width, rows }
    }

    /// Puts a block below.
    fn stack(&mut self, below: Block) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.extend(below.rows);
        *self = Block::of(rows);
    }

    /// Puts a block to the right.
    fn join(&mut self, right: Block) {
        if self.width == 0 {
            *self = right;
            return;
        }
        let height = self.rows.len().max(right.rows.len());
        let blank = |width: usize| vec![(' ', None); width];
        self.rows.resize(height, blank(self.width));
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.push((' ', None));
            row.extend(
                right
                    .rows
                    .get(index)
                    .cloned()
                    .unwrap_or_else(|| blank(right.width)),
            );
        }
        self.width += 1 + right.width;
    }

    fn frame(self, label: &str) -> Block {
        let inner = self.width.max(label.chars().count());
        let plain = |text: String| text.chars().map(|c| (c, None)).collect::<Vec<_>>();
        let rest = "─".repeat(inner + 1 - label.chars().count());
        let mut rows = vec![plain(format!("┌{label}{rest}─┐"))];
        for row in self.rows {
            let padding = " ".repeat(inner - row.len());
            let mut framed = plain("│ ".to_owned());
            framed.extend(row);
            framed.extend(plain(format!("{padding} │")));
            rows.push(framed);
        }
        rows.push(plain(format!("└{}┘", "─".repeat(inner + 2))));
        Block::of(rows)
    }
}
