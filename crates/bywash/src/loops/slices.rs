//! Loops over slices, one or several in step.

use std::marker::PhantomData;
use std::ops::Range;

use super::range::{check_grain, pieces};
use super::run::Cut;
use crate::context::Context;

/// What a worker writes at a time should not share a cache line with what another one writes.
const LINE: usize = 64;

/// Lines are respected only where that leaves this many units a worker.
const UNITS_A_WORKER: usize = 8;

/// Slices that a loop walks in step: `&[T]`, `&mut [T]`, or a tuple of two to four of them.
///
/// # Safety
/// `piece` must give out what lies at these indices and nothing else.
pub unsafe trait InStep {
    /// What the body gets for each index.
    type Item;
    /// What the body gets for a run of indices.
    type Piece;
    /// The slices as the loop's workers see them.
    #[doc(hidden)]
    type Lent: Sync;

    /// How many items each slice has, or `None` if they differ.
    #[doc(hidden)]
    fn common_len(&self) -> Option<usize>;

    /// Address and item size of the first slice that is written to.
    #[doc(hidden)]
    fn written(&self) -> Option<(usize, usize)>;

    #[doc(hidden)]
    fn lend(self) -> Self::Lent;

    /// The items at these indices.
    ///
    /// # Safety
    /// `indices` lie within the slices. As long as the piece is there, no other piece that has one
    /// of them is, and what was lent is borrowed.
    #[doc(hidden)]
    unsafe fn piece(lent: &Self::Lent, indices: Range<usize>) -> Self::Piece;

    #[doc(hidden)]
    fn for_each(piece: Self::Piece, body: impl FnMut(Self::Item));
}

// SAFETY: a piece is the subslice of its indices.
unsafe impl<'a, T: Sync> InStep for &'a [T] {
    type Item = &'a T;
    type Piece = &'a [T];
    type Lent = &'a [T];

    fn common_len(&self) -> Option<usize> {
        Some(self.len())
    }

    fn written(&self) -> Option<(usize, usize)> {
        None
    }

    fn lend(self) -> Self::Lent {
        self
    }

    #[inline(always)]
    unsafe fn piece(lent: &Self::Lent, indices: Range<usize>) -> Self::Piece {
        &lent[indices]
    }

    #[inline(always)]
    fn for_each(piece: Self::Piece, body: impl FnMut(Self::Item)) {
        piece.iter().for_each(body);
    }
}

/// An exclusive slice, lent to a loop that hands each index to one body.
#[doc(hidden)]
pub struct LentMut<'a, T> {
    first: *mut T,
    len: usize,
    _slice: PhantomData<&'a mut [T]>,
}

// SAFETY: each item is touched by the one body that has its index; items move between threads.
unsafe impl<T: Send> Sync for LentMut<'_, T> {}

// SAFETY: a piece is the subslice of its indices.
unsafe impl<'a, T: Send> InStep for &'a mut [T] {
    type Item = &'a mut T;
    type Piece = &'a mut [T];
    type Lent = LentMut<'a, T>;

    fn common_len(&self) -> Option<usize> {
        Some(self.len())
    }

    fn written(&self) -> Option<(usize, usize)> {
        Some((self.as_ptr().addr(), size_of::<T>()))
    }

    fn lend(self) -> Self::Lent {
        LentMut {
            first: self.as_mut_ptr(),
            len: self.len(),
            _slice: PhantomData,
        }
    }

    #[inline(always)]
    unsafe fn piece(lent: &Self::Lent, indices: Range<usize>) -> Self::Piece {
        debug_assert!(indices.start <= indices.end && indices.end <= lent.len);
        // SAFETY: the caller's indices lie within the slice.
        let first = unsafe { lent.first.add(indices.start) };
        // SAFETY: as above; nobody else has these items, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(first, indices.end - indices.start) }
    }

    #[inline(always)]
    fn for_each(piece: Self::Piece, body: impl FnMut(Self::Item)) {
        piece.iter_mut().for_each(body);
    }
}

macro_rules! in_step_as_tuple {
    ($($slice:ident $number:tt),+; $one:ident, $($other:ident),+; $nested:pat) => {
        // SAFETY: each slice gives out what lies at these indices.
        unsafe impl<$($slice: InStep<Piece: IntoIterator<Item = <$slice as InStep>::Item>>),+> InStep
            for ($($slice,)+)
        {
            type Item = ($($slice::Item,)+);
            type Piece = ($($slice::Piece,)+);
            type Lent = ($($slice::Lent,)+);

            fn common_len(&self) -> Option<usize> {
                let len = self.0.common_len()?;
                let others = [$(self.$number.common_len()),+];
                others.into_iter().all(|other| other == Some(len)).then_some(len)
            }

            fn written(&self) -> Option<(usize, usize)> {
                [$(self.$number.written()),+].into_iter().flatten().next()
            }

            fn lend(self) -> Self::Lent {
                ($(self.$number.lend(),)+)
            }

            #[inline(always)]
            unsafe fn piece(lent: &Self::Lent, indices: Range<usize>) -> Self::Piece {
                (
                    $(
                        // SAFETY: as the caller promises, for each of the slices.
                        unsafe { $slice::piece(&lent.$number, indices.clone()) },
                    )+
                )
            }

            #[inline(always)]
            #[expect(non_snake_case, reason = "the slices are named like their types")]
            fn for_each(($($slice,)+): Self::Piece, mut body: impl FnMut(Self::Item)) {
                let items = $one.into_iter()$(.zip($other))+;
                items.for_each(|$nested| body(($($slice,)+)));
            }
        }
    };
}

in_step_as_tuple!(A 0, B 1; A, B; (A, B));
in_step_as_tuple!(A 0, B 1, C 2; A, B, C; ((A, B), C));
in_step_as_tuple!(A 0, B 1, C 2, D 3; A, B, C, D; (((A, B), C), D));

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
        self.walk(slices, 1, usize::MAX, |_, _, piece| {
            S::for_each(piece, &body)
        });
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
        self.walk(slices, 1, usize::MAX, |context, _, piece| {
            S::for_each(piece, |item| body(context, item));
        });
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
        check_grain(size);
        self.walk(slices, size, size, body);
    }

    /// Divides the slices only where `size` does, and runs `body` on pieces of at most `longest`
    /// items.
    fn walk<S: InStep>(
        &self,
        slices: S,
        size: usize,
        longest: usize,
        body: impl Fn(&Context<'frame>, usize, S::Piece) + Sync,
    ) {
        let len = slices
            .common_len()
            .expect("slices in step must be equally long: shorten the longer ones before the loop");
        let pieces_in_all = len.div_ceil(size);
        let workers = self.worker().system().seats().len();
        let grid = slices
            .written()
            .and_then(|(address, item)| Grid::on_lines(address, item.checked_mul(size)?))
            .filter(|grid| pieces_in_all / grid.unit >= workers * UNITS_A_WORKER)
            .unwrap_or(Grid { unit: 1, shift: 0 });
        let lent = slices.lend();
        let cut = Cut {
            weight: size,
            ..Cut::by(grid.unit)
        };
        self.run_loop(cut, 0..pieces_in_all + grid.shift, |context, places| {
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

/// How pieces are grouped into units, so that units begin on cache lines: units of `unit` places,
/// the first `shift` of which are empty.
#[derive(Debug, PartialEq, Eq)]
struct Grid {
    unit: usize,
    shift: usize,
}

impl Grid {
    /// For pieces of `bytes`, the first at `address`. `None` if no border falls on a line.
    fn on_lines(address: usize, bytes: usize) -> Option<Self> {
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
