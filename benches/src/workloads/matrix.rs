//! Square matrices stored quarter by quarter, so that a quarter is one slice and needs no unsafe code to hand out.
//!
//! The order is Morton's ("A computer oriented geodetic data base", 1966): a matrix is its four
//! quarters one after the other, down to tiles that are stored row by row.

/// Side of the tiles at the bottom.
pub(crate) const TILE: usize = 32;

/// The four quarters: upper left, upper right, lower left, lower right.
pub(crate) fn quarters(matrix: &[f32]) -> [&[f32]; 4] {
    let (upper, lower) = matrix.split_at(matrix.len() / 2);
    let (upper_left, upper_right) = upper.split_at(upper.len() / 2);
    let (lower_left, lower_right) = lower.split_at(lower.len() / 2);
    [upper_left, upper_right, lower_left, lower_right]
}

/// The four quarters, to be written.
pub(crate) fn quarters_mut(matrix: &mut [f32]) -> [&mut [f32]; 4] {
    let (upper, lower) = matrix.split_at_mut(matrix.len() / 2);
    let (upper_left, upper_right) = upper.split_at_mut(upper.len() / 2);
    let (lower_left, lower_right) = lower.split_at_mut(lower.len() / 2);
    [upper_left, upper_right, lower_left, lower_right]
}

/// `out += left · right` for one tile.
pub(crate) fn multiply_tile(left: &[f32], right: &[f32], out: &mut [f32]) {
    for (row, out) in left.chunks_exact(TILE).zip(out.chunks_exact_mut(TILE)) {
        for (&factor, line) in row.iter().zip(right.chunks_exact(TILE)) {
            for (sum, &value) in out.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
    }
}

/// A matrix whose entries are small whole numbers: every sum is exact, in whatever order.
pub(crate) fn small_numbers(side: usize, seed: u64) -> Vec<f32> {
    let mut random = crate::harness::statistics::SplitMix64::new(seed);
    (0..side * side)
        .map(|_| random.below(8) as f32 - 3.0)
        .collect()
}

/// The sum of all entries of the product: what its rows and columns sum to, so it is known in
/// `side²` steps. The order of storage does not matter to it as long as both use the same.
pub(crate) fn sum_of_product(left: &[f32], right: &[f32]) -> f64 {
    let side = left.len().isqrt();
    let mut columns = vec![0.0; side];
    let mut rows = vec![0.0; side];
    visit(left, side, 0, 0, &mut |_, column, value| {
        columns[column] += f64::from(value);
    });
    visit(right, side, 0, 0, &mut |row, _, value| {
        rows[row] += f64::from(value);
    });
    columns.iter().zip(&rows).map(|(c, r)| c * r).sum()
}

fn visit(
    matrix: &[f32],
    side: usize,
    row: usize,
    column: usize,
    seen: &mut impl FnMut(usize, usize, f32),
) {
    if side <= TILE {
        for (index, &value) in matrix.iter().enumerate() {
            seen(row + index / side, column + index % side, value);
        }
        return;
    }
    let half = side / 2;
    for (index, quarter) in quarters(matrix).into_iter().enumerate() {
        visit(
            quarter,
            half,
            row + half * (index / 2),
            column + half * (index % 2),
            seen,
        );
    }
}
