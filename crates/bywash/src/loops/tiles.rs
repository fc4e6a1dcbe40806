//! Loops over two dimensions, tile by tile.

use std::marker::PhantomData;
use std::ops::Range;

use super::run::Cut;
use crate::context::Context;

impl<'frame> Context<'frame> {
    /// Runs `body` once for each tile of `rows` × `columns`: on its rows and its columns. Tiles at
    /// the far edges are smaller. Otherwise like [`Context::parallel_for`]; tiles go row by row.
    ///
    /// # Panics
    /// If a tile has no rows or no columns, or if there are more tiles than a `usize` counts; with
    /// a body's panic.
    pub fn parallel_for_tiles(
        &self,
        (rows, columns): (usize, usize),
        tile: (usize, usize),
        body: impl Fn(Range<usize>, Range<usize>) + Sync,
    ) {
        self.parallel_for_tiles_with((rows, columns), tile, |_, rows, columns| {
            body(rows, columns);
        });
    }

    /// [`Context::parallel_for_tiles`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// As [`Context::parallel_for_tiles`].
    pub fn parallel_for_tiles_with(
        &self,
        (rows, columns): (usize, usize),
        (tile_rows, tile_columns): (usize, usize),
        body: impl Fn(&Context<'frame>, Range<usize>, Range<usize>) + Sync,
    ) {
        assert!(
            tile_rows != 0 && tile_columns != 0,
            "a tile of {tile_rows} x {tile_columns} makes no progress: pass 1 or more for each"
        );
        let across = columns.div_ceil(tile_columns);
        let tiles = rows.div_ceil(tile_rows).checked_mul(across).expect(
            "there are more tiles than a usize counts: pass larger tiles, or loop over the rows",
        );
        let cut = Cut {
            weight: tile_rows.saturating_mul(tile_columns),
            ..Cut::by(1)
        };
        let side = |nth: usize, tile: usize, len: usize| {
            nth * tile..(nth * tile).saturating_add(tile).min(len)
        };
        self.run_loop(cut, 0..tiles, |context, indices| {
            for index in indices {
                let down = side(index / across, tile_rows, rows);
                let right = side(index % across, tile_columns, columns);
                body(context, down, right);
            }
        });
    }

    /// Runs `body` once for each tile of a matrix that lies in `values` row by row, `columns` to a
    /// row. Otherwise like [`Context::parallel_for_tiles`]. Tiles whose width is a whole number of
    /// cache lines, in a matrix that begins on one, share none.
    ///
    /// # Panics
    /// If `values` is no whole number of rows, or a tile has no rows or no columns; with a body's
    /// panic.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let mut matrix = vec![0; 12 * 10];
    /// jobs.par_tiles_mut(&mut matrix, 10, (4, 4), |mut tile| {
    ///     for row in tile.rows() {
    ///         tile.row(row).fill(row);
    ///     }
    /// });
    /// assert!((0..120).all(|at| matrix[at] == at / 10));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn par_tiles_mut<T: Send>(
        &self,
        values: &mut [T],
        columns: usize,
        tile: (usize, usize),
        body: impl Fn(Tile<'_, T>) + Sync,
    ) {
        self.par_tiles_mut_with(values, columns, tile, |_, tile| body(tile));
    }

    /// [`Context::par_tiles_mut`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// As [`Context::par_tiles_mut`].
    pub fn par_tiles_mut_with<T: Send>(
        &self,
        values: &mut [T],
        columns: usize,
        tile: (usize, usize),
        body: impl Fn(&Context<'frame>, Tile<'_, T>) + Sync,
    ) {
        let len = values.len();
        assert!(
            len == 0 || (columns != 0 && len.is_multiple_of(columns)),
            "{len} values are no whole number of rows of {columns}: pass all rows, each complete"
        );
        let rows = len.checked_div(columns).unwrap_or(0);
        let matrix = Matrix {
            first: values.as_mut_ptr(),
            columns,
            _values: PhantomData,
        };
        self.parallel_for_tiles_with((rows, columns), tile, |context, rows, columns| {
            let tile = Tile {
                matrix: &matrix,
                rows,
                columns,
            };
            body(context, tile);
        });
    }
}

/// A matrix lent to a loop, which hands each value to one tile.
struct Matrix<'a, T> {
    first: *mut T,
    columns: usize,
    _values: PhantomData<&'a mut [T]>,
}

// SAFETY: each value is touched by the one tile that has it; values move between threads.
unsafe impl<T: Send> Sync for Matrix<'_, T> {}

/// A rectangle of a matrix, for one body alone.
pub struct Tile<'a, T> {
    matrix: &'a Matrix<'a, T>,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<T> Tile<'_, T> {
    /// The tile's rows, as the matrix counts them.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The tile's columns, as the matrix counts them.
    pub fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// The tile's part of a row of the matrix.
    ///
    /// # Panics
    /// If the row is not one of [`Tile::rows`].
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(
            self.rows.contains(&row),
            "row {row} is outside this tile, which has rows {:?}",
            self.rows
        );
        let start = row * self.matrix.columns + self.columns.start;
        // SAFETY: rows and columns of a tile lie within the matrix.
        let first = unsafe { self.matrix.first.add(start) };
        // SAFETY: as above; tiles do not overlap, each is made once, and `&mut self` is the way in.
        unsafe { std::slice::from_raw_parts_mut(first, self.columns.len()) }
    }
}
