//! The loops as the handle on a system has them: each in a root frame of its own.

use std::cmp::Ordering;
use std::ops::Range;

use super::hints::LoopHints;
use super::in_step::InStep;
use super::tiles::Tile;
use crate::context::Context;
use crate::jobs::JobSystem;

/// A method of [`JobSystem`] for the same one of [`Context`].
macro_rules! in_root_frame {
    ($($(#[$note:meta])* $name:ident [$($generics:tt)*] ($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl JobSystem {
            $(
                #[doc = concat!("[`Context::", stringify!($name), "`] in a root frame of its own.")]
                $(#[$note])*
                pub fn $name<$($generics)*>(&self, $($argument: $type),*) $(-> $result)? {
                    self.frame(|frame| frame.$name($($argument),*))
                }
            )*
        }
    };
}

in_root_frame! {
    parallel_for [] (range: Range<usize>, body: impl Fn(usize) + Sync);
    parallel_for_by [] (hints: impl Into<LoopHints>, range: Range<usize>, body: impl Fn(usize) + Sync);
    parallel_for_auto [] (range: Range<usize>, body: impl Fn(usize) + Sync);
    parallel_for_chunks [] (range: Range<usize>, grain: usize, body: impl Fn(Range<usize>) + Sync);

    parallel_reduce [T: Send] (
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync
    ) -> T;
    parallel_reduce_unordered [T: Send] (
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync
    ) -> T;
    try_parallel_reduce [T: Send, E: Send] (
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> Result<T, E> + Sync,
        combine: impl Fn(T, T) -> T + Sync
    ) -> Result<T, E>;

    parallel_sum [T: std::iter::Sum + Send] (range: Range<usize>, value: impl Fn(usize) -> T + Sync) -> T;
    parallel_min [T: Ord + Send] (range: Range<usize>, value: impl Fn(usize) -> T + Sync) -> Option<T>;
    parallel_max [T: Ord + Send] (range: Range<usize>, value: impl Fn(usize) -> T + Sync) -> Option<T>;
    parallel_count [] (range: Range<usize>, predicate: impl Fn(usize) -> bool + Sync) -> usize;
    parallel_any [] (range: Range<usize>, predicate: impl Fn(usize) -> bool + Sync) -> bool;
    parallel_all [] (range: Range<usize>, predicate: impl Fn(usize) -> bool + Sync) -> bool;
    parallel_find [] (range: Range<usize>, predicate: impl Fn(usize) -> bool + Sync) -> Option<usize>;
    try_parallel_for [E: Send] (
        range: Range<usize>,
        body: impl Fn(usize) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_parallel_for_chunks [E: Send] (
        range: Range<usize>,
        grain: usize,
        body: impl Fn(Range<usize>) -> Result<(), E> + Sync
    ) -> Result<(), E>;

    par_for_each [T: Sync] (items: &[T], body: impl Fn(&T) + Sync);
    par_for_each_mut [T: Send] (items: &mut [T], body: impl Fn(&mut T) + Sync);
    par_chunks [T: Sync] (items: &[T], size: usize, body: impl Fn(usize, &[T]) + Sync);
    par_chunks_mut [T: Send] (items: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync);
    par_zip [S: InStep] (slices: S, body: impl Fn(S::Item) + Sync);
    parallel_for_tiles [] (
        matrix: (usize, usize),
        tile: (usize, usize),
        body: impl Fn(Range<usize>, Range<usize>) + Sync
    );
    par_tiles_mut [T: Send] (
        values: &mut [T],
        columns: usize,
        tile: (usize, usize),
        body: impl Fn(Tile<'_, T>) + Sync
    );
    parallel_map_collect [T: Send] (range: Range<usize>, value: impl Fn(usize) -> T + Sync) -> Vec<T>;
    try_parallel_map_collect [T: Send, E: Send] (
        range: Range<usize>,
        value: impl Fn(usize) -> Result<T, E> + Sync
    ) -> Result<Vec<T>, E>;
    parallel_scan_inclusive [T: Copy + Send + Sync] (values: &mut [T], combine: impl Fn(T, T) -> T + Sync);
    parallel_scan_exclusive [T: Copy + Send + Sync] (
        values: &mut [T],
        identity: T,
        combine: impl Fn(T, T) -> T + Sync
    ) -> T;
    parallel_sort [T: Ord + Send] (items: &mut [T]);
    parallel_sort_by [T: Send] (items: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync);
    parallel_sort_unstable [T: Ord + Send] (items: &mut [T]);
    parallel_sort_unstable_by [T: Send] (items: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync);
    par_zip_chunks [S: InStep] (slices: S, size: usize, body: impl Fn(usize, S::Piece) + Sync);
    try_par_for_each [T: Sync, E: Send] (
        items: &[T],
        body: impl Fn(&T) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_par_for_each_mut [T: Send, E: Send] (
        items: &mut [T],
        body: impl Fn(&mut T) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_par_chunks [T: Sync, E: Send] (
        items: &[T],
        size: usize,
        body: impl Fn(usize, &[T]) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_par_chunks_mut [T: Send, E: Send] (
        items: &mut [T],
        size: usize,
        body: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_par_zip [S: InStep, E: Send] (
        slices: S,
        body: impl Fn(S::Item) -> Result<(), E> + Sync
    ) -> Result<(), E>;
    try_par_zip_chunks [S: InStep, E: Send] (
        slices: S,
        size: usize,
        body: impl Fn(usize, S::Piece) -> Result<(), E> + Sync
    ) -> Result<(), E>;
}

/// The same where the body gets a context: of whatever frame, since the root frame has no name here.
macro_rules! in_root_frame_with_context {
    ($($name:ident [$($generics:tt)*] ($($argument:ident: $type:ty),*) |$($item:ident: $item_type:ty),*|;)*) => {
        impl JobSystem {
            $(
                #[doc = concat!("[`Context::", stringify!($name), "`] in a root frame of its own.")]
                pub fn $name<$($generics)*>(
                    &self,
                    $($argument: $type,)*
                    body: impl for<'frame> Fn(&Context<'frame>, $($item_type),*) + Sync,
                ) {
                    self.frame(|frame| {
                        frame.$name($($argument,)* |context, $($item),*| body(context, $($item),*));
                    });
                }
            )*
        }
    };
}

in_root_frame_with_context! {
    parallel_for_with [] (range: Range<usize>) |index: usize|;
    parallel_for_chunks_with [] (range: Range<usize>, grain: usize) |piece: Range<usize>|;
    parallel_for_tiles_with [] (matrix: (usize, usize), tile: (usize, usize))
        |rows: Range<usize>, columns: Range<usize>|;
    par_for_each_with [T: Sync] (items: &[T]) |item: &T|;
    par_for_each_mut_with [T: Send] (items: &mut [T]) |item: &mut T|;
    par_chunks_with [T: Sync] (items: &[T], size: usize) |first: usize, piece: &[T]|;
    par_chunks_mut_with [T: Send] (items: &mut [T], size: usize) |first: usize, piece: &mut [T]|;
    par_zip_with [S: InStep] (slices: S) |item: S::Item|;
    par_zip_chunks_with [S: InStep] (slices: S, size: usize) |first: usize, piece: S::Piece|;
    par_tiles_mut_with [T: Send] (values: &mut [T], columns: usize, tile: (usize, usize)) |part: Tile<'_, T>|;
}

impl JobSystem {
    /// [`Context::parallel_reduce_with`] in a root frame of its own.
    pub fn parallel_reduce_with<T: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl for<'frame> Fn(&Context<'frame>, T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        self.frame(|frame| {
            let fold = |context: &Context<'_>, value, index| fold(context, value, index);
            frame.parallel_reduce_with(range, identity, fold, combine)
        })
    }
}
