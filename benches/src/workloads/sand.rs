//! Falling sand: clear a grid, put 100,000 grains into it, move each by what it sees below.

use crate::harness::statistics::SplitMix64;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

/// Grains of the row.
pub(crate) const GRAINS: usize = 100_000;
/// Cells in a row of the grid.
pub(crate) const WIDTH: usize = 1_024;
/// Rows of the grid.
pub(crate) const HEIGHT: usize = 512;

/// The grid and its grains.
///
/// Every grain moves by what the grid showed before any moved, so the answer does not depend on
/// the order; two grains may come to share a cell.
pub(crate) struct Sand {
    grid: Vec<AtomicU8>,
    grains: Vec<AtomicU32>,
}

impl Default for Sand {
    fn default() -> Self {
        let mut random = SplitMix64::new(512);
        Self {
            grid: (0..WIDTH * HEIGHT).map(|_| AtomicU8::new(0)).collect(),
            grains: (0..GRAINS)
                .map(|_| AtomicU32::new(random.below(WIDTH * HEIGHT) as u32))
                .collect(),
        }
    }
}

impl Sand {
    /// The first loop's body: empties one row of the grid.
    #[inline]
    pub(crate) fn clear(&self, row: usize) {
        for cell in &self.grid[row * WIDTH..(row + 1) * WIDTH] {
            cell.store(0, Relaxed);
        }
    }

    /// The second loop's body: puts one grain into the grid.
    #[inline]
    pub(crate) fn populate(&self, grain: usize) {
        self.grid[self.grains[grain].load(Relaxed) as usize].store(1, Relaxed);
    }

    /// The third loop's body: one grain falls straight down, or to a side, or rests.
    #[inline]
    pub(crate) fn update(&self, grain: usize) {
        let at = self.grains[grain].load(Relaxed) as usize;
        let below = at + WIDTH;
        if below >= WIDTH * HEIGHT {
            return;
        }
        let is_free = |cell: usize| self.grid[cell].load(Relaxed) == 0;
        let column = at % WIDTH;
        let to = if is_free(below) {
            below
        } else if column > 0 && is_free(below - 1) {
            below - 1
        } else if column + 1 < WIDTH && is_free(below + 1) {
            below + 1
        } else {
            at
        };
        self.grains[grain].store(to as u32, Relaxed);
    }

    /// Where every grain is, in 64 bits.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.grains.iter().fold(0, |hash: u64, grain| {
            let at = u64::from(grain.load(Relaxed));
            (hash.rotate_left(5) ^ at).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        })
    }
}
