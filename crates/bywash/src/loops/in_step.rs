//! Slices as a loop's workers see them: one, or several in step.

use std::marker::PhantomData;
use std::ops::Range;

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

    /// The items of a piece, in order.
    #[doc(hidden)]
    fn items(piece: Self::Piece) -> impl Iterator<Item = Self::Item>;
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
    fn items(piece: Self::Piece) -> impl Iterator<Item = Self::Item> {
        piece.iter()
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
    fn items(piece: Self::Piece) -> impl Iterator<Item = Self::Item> {
        piece.iter_mut()
    }
}

macro_rules! in_step_as_tuple {
    ($($slice:ident $number:tt),+; $one:ident, $($other:ident),+; $nested:pat) => {
        // SAFETY: each slice gives out what lies at these indices.
        unsafe impl<$($slice: InStep),+> InStep for ($($slice,)+) {
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
            fn items(($($slice,)+): Self::Piece) -> impl Iterator<Item = Self::Item> {
                let items = $one::items($one)$(.zip($other::items($other)))+;
                items.map(|$nested| ($($slice,)+))
            }
        }
    };
}

in_step_as_tuple!(A 0, B 1; A, B; (A, B));
in_step_as_tuple!(A 0, B 1, C 2; A, B, C; ((A, B), C));
in_step_as_tuple!(A 0, B 1, C 2, D 3; A, B, C, D; (((A, B), C), D));
