//! Loops over slices, one or several in step.

use super::grid::Grid;
use super::in_step::InStep;
use super::range::{check_grain, pieces};
use super::run::Cut;
use crate::context::Context;

/// Lines are respected only where that leaves this many units a worker.
const UNITS_A_WORKER: usize = 8;

impl<'frame> Context<'frame> {
    /// Runs `body` once for each item. Otherwise like [`Context::parallel_for`].
    pub fn par_for_each<T: Sync>(&self, items: &[T], body: impl Fn(&T) + Sync) {
        self.par_zip(items, body);
    }

    /// Runs `body` once for each item, which it may change. Otherwise like
    /// [`Context::parallel_for`]; where one worker's items end and another's begin falls between
    /// two cache lines if the items' size and address allow it and there are enough of them.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let mut xs = vec![1.0_f32; 1_000];
    /// jobs.par_for_each_mut(&mut xs, |x| *x += 1.0);
    /// assert!(xs.iter().all(|&x| x == 2.0));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn par_for_each_mut<T: Send>(&self, items: &mut [T], body: impl Fn(&mut T) + Sync) {
        self.par_zip(items, body);
    }

    /// [`Context::par_for_each`] whose body gets the context of the worker that runs it.
    pub fn par_for_each_with<T: Sync>(
        &self,
        items: &[T],
        body: impl Fn(&Context<'frame>, &T) + Sync,
    ) {
        self.par_zip_with(items, body);
    }

    /// [`Context::par_for_each_mut`] whose body gets the context of the worker that runs it.
    pub fn par_for_each_mut_with<T: Send>(
        &self,
        items: &mut [T],
        body: impl Fn(&Context<'frame>, &mut T) + Sync,
    ) {
        self.par_zip_with(items, body);
    }

    /// Runs `body` on pieces of `size` items, the last one shorter; it gets the index of the piece's
    /// first item, too. Otherwise like [`Context::parallel_for`].
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn par_chunks<T: Sync>(&self, items: &[T], size: usize, body: impl Fn(usize, &[T]) + Sync) {
        self.par_zip_chunks(items, size, body);
    }

    /// [`Context::par_chunks`] of items that the body may change. A piece is as long as was asked;
    /// what one worker takes at a time is whole cache lines where that is possible and there are
    /// enough pieces.
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn par_chunks_mut<T: Send>(
        &self,
        items: &mut [T],
        size: usize,
        body: impl Fn(usize, &mut [T]) + Sync,
    ) {
        self.par_zip_chunks(items, size, body);
    }

    /// [`Context::par_chunks`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn par_chunks_with<T: Sync>(
        &self,
        items: &[T],
        size: usize,
        body: impl Fn(&Context<'frame>, usize, &[T]) + Sync,
    ) {
        self.par_zip_chunks_with(items, size, body);
    }

    /// [`Context::par_chunks_mut`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn par_chunks_mut_with<T: Send>(
        &self,
        items: &mut [T],
        size: usize,
        body: impl Fn(&Context<'frame>, usize, &mut [T]) + Sync,
    ) {
        self.par_zip_chunks_with(items, size, body);
    }

    /// Walks several slices in step: runs `body` once for each index, with the item of each slice.
    /// Otherwise like [`Context::par_for_each_mut`].
    ///
    /// # Panics
    /// If the slices differ in length; with a body's panic.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let (mut at, speed) = (vec![0.0_f32; 100], vec![2.0_f32; 100]);
    /// jobs.par_zip((&mut at[..], &speed[..]), |(at, speed)| *at += 0.5 * speed);
    /// assert_eq!(at, [1.0; 100]);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn par_zip<S: InStep>(&self, slices: S, body: impl Fn(S::Item) + Sync) {
        self.walk(
            slices,
            Step::Items,
            || true,
            |_, _, piece| {
                S::items(piece).for_each(&body);
            },
        );
    }

    /// [`Context::par_zip`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// If the slices differ in length; with a body's panic.
    pub fn par_zip_with<S: InStep>(
        &self,
        slices: S,
        body: impl Fn(&Context<'frame>, S::Item) + Sync,
    ) {
        self.walk(
            slices,
            Step::Items,
            || true,
            |context, _, piece| {
                S::items(piece).for_each(|item| body(context, item));
            },
        );
    }

    /// Walks several slices in step, `size` items at a time: runs `body` on the index of the first
    /// item and a piece of each slice. Otherwise like [`Context::par_chunks_mut`].
    ///
    /// # Panics
    /// If `size` is 0 or the slices differ in length; with a body's panic.
    pub fn par_zip_chunks<S: InStep>(
        &self,
        slices: S,
        size: usize,
        body: impl Fn(usize, S::Piece) + Sync,
    ) {
        self.par_zip_chunks_with(slices, size, |_, first, piece| body(first, piece));
    }

    /// [`Context::par_zip_chunks`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// If `size` is 0 or the slices differ in length; with a body's panic.
    pub fn par_zip_chunks_with<S: InStep>(
        &self,
        slices: S,
        size: usize,
        body: impl Fn(&Context<'frame>, usize, S::Piece) + Sync,
    ) {
        self.walk(slices, Step::Pieces(size), || true, body);
    }

    /// Runs `body` on pieces of the slices, with the index of the first item, as long as `keep_on`
    /// says so: see [`Context::run_loop_while`].
    ///
    /// # Panics
    /// If the slices differ in length, or the step is of no items.
    pub(super) fn walk<S: InStep>(
        &self,
        slices: S,
        step: Step,
        keep_on: impl Fn() -> bool,
        body: impl Fn(&Context<'frame>, usize, S::Piece) + Sync,
    ) {
        // Slices are divided only where `size` does, and into pieces of at most `longest` items.
        let (size, longest) = match step {
            Step::Items => (1, usize::MAX),
            Step::Pieces(size) => (size, size),
        };
        check_grain(size);
        let len = slices
            .common_len()
            .expect("slices in step must be equally long: shorten the longer ones before the loop");
        let pieces_in_all = len.div_ceil(size);
        let workers = self.worker().system().seats().len();
        let grid = slices
            .written()
            .and_then(|(address, item)| Grid::on_lines(address, item.checked_mul(size)?))
            .filter(|grid| pieces_in_all / grid.unit >= workers * UNITS_A_WORKER)
            .unwrap_or(Grid::NONE);
        let lent = slices.lend();
        let cut = Cut {
            weight: size,
            ..Cut::by(grid.unit)
        };
        let places = 0..pieces_in_all + grid.shift;
        self.run_loop_while(cut, places, keep_on, |context, places| {
            let pieces_here = places.start.max(grid.shift) - grid.shift..places.end - grid.shift;
            let items = pieces_here.start * size..pieces_here.end.saturating_mul(size).min(len);
            for indices in pieces(items, longest) {
                let first = indices.start;
                // SAFETY: the indices lie below `len`, and the loop hands each to one body, once;
                // the slices are borrowed until the loop returns.
                body(context, first, unsafe { S::piece(&lent, indices) });
            }
        });
    }
}

/// What a body gets of slices at a time.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// As many items as its worker has claimed.
    Items,
    /// So many items; the last piece is shorter.
    Pieces(usize),
}
