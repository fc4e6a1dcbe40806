//! Loops whose bodies may fail: the error at the lowest index is the result, as in a serial loop.
//!
//! Every body below that index was run. Those above are not begun once somebody knows of it; those that
//! were begun go on to their end.

use std::iter::once;
use std::ops::Range;

use super::first::First;
use super::in_step::InStep;
use super::range::{check_grain, pieces};
use super::run::Cut;
use super::slices::Step;
use crate::context::Context;

impl Context<'_> {
    /// [`Context::parallel_for`] whose body may fail: the error at the lowest index is the result,
    /// as it would be in a serial loop. Every index below that one was run; those above are not
    /// begun any more. Allocates nothing.
    ///
    /// # Errors
    /// The body's error at the lowest index that has one.
    ///
    /// # Panics
    /// With a body's panic, after every started chunk has ended.
    pub fn try_parallel_for<E: Send>(
        &self,
        range: Range<usize>,
        body: impl Fn(usize) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        First::error_of(|first| {
            self.run_loop_while(
                Cut::by(1),
                range,
                || first.is_open(),
                |_, items| first.probe(items.map(|index| (index, index)), &body),
            );
        })
    }

    /// [`Context::parallel_for_chunks`] whose body may fail, as in [`Context::try_parallel_for`].
    ///
    /// # Errors
    /// The body's error for the lowest piece that has one.
    ///
    /// # Panics
    /// If `grain` is 0; with a body's panic.
    pub fn try_parallel_for_chunks<E: Send>(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(Range<usize>) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        check_grain(grain);
        First::error_of(|first| {
            self.run_loop_while(
                Cut::by(grain),
                range,
                || first.is_open(),
                |_, items| {
                    let pieces = pieces(items, grain);
                    first.probe(pieces.map(|piece| (piece.start, piece)), &body);
                },
            );
        })
    }

    /// [`Context::par_for_each`] whose body may fail, as in [`Context::try_parallel_for`].
    ///
    /// # Errors
    /// The body's error for the first item that has one.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let words = ["1", "2", "drei", "4", "fünf"];
    /// let checked = jobs.try_par_for_each(&words, |word| match word.parse::<u32>() {
    ///     Ok(_) => Ok(()),
    ///     Err(_) => Err(*word),
    /// });
    /// assert_eq!(checked, Err("drei"));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn try_par_for_each<T: Sync, E: Send>(
        &self,
        items: &[T],
        body: impl Fn(&T) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_par_zip(items, body)
    }

    /// [`Context::par_for_each_mut`] whose body may fail, as in [`Context::try_parallel_for`]. What
    /// bodies changed before stays changed.
    ///
    /// # Errors
    /// The body's error for the first item that has one.
    pub fn try_par_for_each_mut<T: Send, E: Send>(
        &self,
        items: &mut [T],
        body: impl Fn(&mut T) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_par_zip(items, body)
    }

    /// [`Context::par_chunks`] whose body may fail, as in [`Context::try_parallel_for`].
    ///
    /// # Errors
    /// The body's error for the first piece that has one.
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn try_par_chunks<T: Sync, E: Send>(
        &self,
        items: &[T],
        size: usize,
        body: impl Fn(usize, &[T]) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_par_zip_chunks(items, size, body)
    }

    /// [`Context::par_chunks_mut`] whose body may fail, as in [`Context::try_par_for_each_mut`].
    ///
    /// # Errors
    /// The body's error for the first piece that has one.
    ///
    /// # Panics
    /// If `size` is 0; with a body's panic.
    pub fn try_par_chunks_mut<T: Send, E: Send>(
        &self,
        items: &mut [T],
        size: usize,
        body: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_par_zip_chunks(items, size, body)
    }

    /// [`Context::par_zip`] whose body may fail, as in [`Context::try_par_for_each_mut`].
    ///
    /// # Errors
    /// The body's error at the lowest index that has one.
    ///
    /// # Panics
    /// If the slices differ in length; with a body's panic.
    pub fn try_par_zip<S: InStep, E: Send>(
        &self,
        slices: S,
        body: impl Fn(S::Item) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        First::error_of(|first| {
            let is_open = || first.is_open();
            self.walk(slices, Step::Items, is_open, |_, at, piece| {
                first.probe((at..).zip(S::items(piece)), &body);
            });
        })
    }

    /// [`Context::par_zip_chunks`] whose body may fail, as in [`Context::try_par_for_each_mut`].
    ///
    /// # Errors
    /// The body's error for the first piece that has one.
    ///
    /// # Panics
    /// If `size` is 0 or the slices differ in length; with a body's panic.
    pub fn try_par_zip_chunks<S: InStep, E: Send>(
        &self,
        slices: S,
        size: usize,
        body: impl Fn(usize, S::Piece) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        First::error_of(|first| {
            let is_open = || first.is_open();
            self.walk(slices, Step::Pieces(size), is_open, |_, at, piece| {
                first.probe(once((at, piece)), |piece| body(at, piece));
            });
        })
    }
}
