//! Where units of a slice begin, so that what one worker writes shares no cache line with another's.

/// What a worker writes at a time should not share a cache line with what another one writes.
const LINE: usize = 64;

/// How pieces are grouped into units, so that units begin on cache lines: units of `unit` places,
/// the first `shift` of which are empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) unit: usize,
    pub(super) shift: usize,
}

impl Grid {
    /// Units of one piece.
    pub(super) const NONE: Self = Self { unit: 1, shift: 0 };

    /// For pieces of `bytes`, the first at `address`. `None` if no border falls on a line.
    pub(super) fn on_lines(address: usize, bytes: usize) -> Option<Self> {
        if bytes == 0 {
            return None;
        }
        // Borders come back to the same place in a line after so many pieces; bytes & -bytes is the
        // largest power of two that divides them.
        let unit = LINE / (bytes & bytes.wrapping_neg()).min(LINE);
        let is_on_line =
            |piece: usize| (address % LINE + piece.wrapping_mul(bytes)).is_multiple_of(LINE);
        let first = (0..unit).find(|&piece| is_on_line(piece))?;
        Some(Self {
            unit,
            shift: (unit - first) % unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Grid;

    #[test]
    fn borders_fall_on_lines_where_size_and_address_allow() {
        let grid = |unit, shift| Some(Grid { unit, shift });
        assert_eq!(Grid::on_lines(0, 4), grid(16, 0));
        assert_eq!(Grid::on_lines(8, 4), grid(16, 2));
        assert_eq!(Grid::on_lines(128, 64), grid(1, 0));
        assert_eq!(Grid::on_lines(48, 24), grid(8, 2));
        assert_eq!(Grid::on_lines(4, 64), None);
        assert_eq!(Grid::on_lines(0, 0), None);
    }
}
