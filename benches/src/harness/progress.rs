//! The line that says how far the run is: a bar on a terminal, one line a row elsewhere.

use std::io::{IsTerminal, Write, stderr};

/// Draws on standard error, so that standard output stays the table's.
pub struct Progress {
    total: usize,
    done: usize,
    is_terminal: bool,
}

const WIDTH: usize = 24;

impl Progress {
    /// A bar over `total` steps.
    pub fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            is_terminal: stderr().is_terminal(),
        }
    }

    /// Says what is running.
    pub fn running(&self, what: &str) {
        if self.is_terminal {
            self.draw(what);
        }
    }

    /// Moves on by one step.
    pub fn finish(&mut self, what: &str) {
        self.done += 1;
        if self.is_terminal {
            self.draw(what);
        } else {
            let _ = writeln!(stderr(), "[{:>3}/{}] {what}", self.done, self.total);
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if self.is_terminal {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
    }

    fn draw(&self, what: &str) {
        // A terminal that is gone is no reason to stop measuring.
        let _ = write!(
            stderr(),
            "\r\x1b[2K[{}] {:>3}/{} {what}",
            bar(self.done, self.total),
            self.done,
            self.total
        );
        let _ = stderr().flush();
    }
}

fn bar(done: usize, total: usize) -> String {
    let filled = (WIDTH * done) / total.max(1);
    format!("{}{}", "█".repeat(filled), "░".repeat(WIDTH - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_the_start_and_full_at_the_end() {
        assert_eq!(bar(0, 9), "░".repeat(WIDTH));
        assert_eq!(bar(9, 9), "█".repeat(WIDTH));
        assert_eq!(bar(0, 0), "░".repeat(WIDTH));
    }
}
