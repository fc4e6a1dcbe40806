//! Slices and strings: copied, cloned, filled, made item by item, or left uninitialised.

use core::alloc::Layout;
use core::mem::{self, MaybeUninit};
use core::ptr::NonNull;
use core::slice;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::{ArenaError, refuse};

/// The layout of `count` items, or the error that says why there is none.
pub(crate) fn layout_of<T>(count: usize) -> Result<Layout, ArenaError> {
    let overflow = ArenaError::LayoutOverflow {
        count,
        size: size_of::<T>(),
    };
    Layout::array::<T>(count).map_err(|_| overflow)
}

#[expect(
    clippy::mut_from_ref,
    reason = "each call hands out memory that nobody else has"
)]
impl<S: ChunkSource> Arena<S> {
    /// Copies a slice.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_copy<T: Copy>(&self, source: &[T]) -> &mut [T] {
        self.try_alloc_slice_copy(source)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_slice_copy`](Self::alloc_slice_copy).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_slice_copy<T: Copy>(&self, source: &[T]) -> Result<&mut [T], ArenaError> {
        let place = self
            .try_alloc_layout(Layout::for_value(source))?
            .cast::<T>();
        // SAFETY: fresh memory for as many items, which therefore cannot overlap the source.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(source).cast(), source.len()) };
        // SAFETY: every item was just written; nobody else has the memory.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), source.len()) })
    }

    /// Clones a slice item by item. If a clone panics, those made are dropped.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_clone<T: Clone>(&self, source: &[T]) -> &mut [T] {
        self.alloc_slice_fill_with(source.len(), |index| source[index].clone())
    }

    /// Like [`alloc_slice_clone`](Self::alloc_slice_clone).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_slice_clone<T: Clone>(&self, source: &[T]) -> Result<&mut [T], ArenaError> {
        self.try_alloc_slice_fill_with(source.len(), |index| source[index].clone())
    }

    /// A slice of `len` clones of `value`.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_fill<T: Clone>(&self, len: usize, value: T) -> &mut [T] {
        self.alloc_slice_fill_with(len, |_| value.clone())
    }

    /// Like [`alloc_slice_fill`](Self::alloc_slice_fill).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_slice_fill<T: Clone>(
        &self,
        len: usize,
        value: T,
    ) -> Result<&mut [T], ArenaError> {
        self.try_alloc_slice_fill_with(len, |_| value.clone())
    }

    /// A slice of `len` items, each made from its index.
    ///
    /// `make` may allocate here itself. If it panics, the items made are dropped and the memory is
    /// given back.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_fill_with<T>(&self, len: usize, make: impl FnMut(usize) -> T) -> &mut [T] {
        self.try_alloc_slice_fill_with(len, make)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_slice_fill_with`](Self::alloc_slice_fill_with).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it; `make` was
    /// not called then.
    #[inline]
    pub fn try_alloc_slice_fill_with<T>(
        &self,
        len: usize,
        mut make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], ArenaError> {
        let place = self.try_alloc_layout(layout_of::<T>(len)?)?;
        self.fill_slice(place.cast::<T>(), len, |index| Ok(make(index)))
    }

    /// Like [`alloc_slice_fill_with`](Self::alloc_slice_fill_with) for a `make` that may fail: its
    /// first error ends the slice, drops what was made and gives the memory back.
    ///
    /// # Errors
    /// The first error of `make`.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_try_fill_with<T, E>(
        &self,
        len: usize,
        make: impl FnMut(usize) -> Result<T, E>,
    ) -> Result<&mut [T], E> {
        let layout = layout_of::<T>(len).unwrap_or_else(|error| refuse(error));
        self.fill_slice(self.alloc_layout(layout).cast::<T>(), len, make)
    }

    /// Like [`alloc_slice_try_fill_with`](Self::alloc_slice_try_fill_with).
    ///
    /// # Errors
    /// The first error of `make`, or [`ArenaError`] when the arena can get no more memory or a
    /// budget forbids it; `make` was not called then.
    #[inline]
    pub fn try_alloc_slice_try_fill_with<T, E: From<ArenaError>>(
        &self,
        len: usize,
        make: impl FnMut(usize) -> Result<T, E>,
    ) -> Result<&mut [T], E> {
        let place = self.try_alloc_layout(layout_of::<T>(len)?)?;
        self.fill_slice(place.cast::<T>(), len, make)
    }

    /// Fills fresh memory for `len` items, or takes it back.
    #[inline(always)]
    fn fill_slice<T, E>(
        &self,
        place: NonNull<T>,
        len: usize,
        mut make: impl FnMut(usize) -> Result<T, E>,
    ) -> Result<&mut [T], E> {
        let mut prefix = Prefix {
            arena: self,
            place,
            len,
            made: 0,
        };
        while prefix.made < len {
            let value = make(prefix.made)?;
            // SAFETY: `made < len`, and the memory holds `len` items.
            let item = unsafe { place.add(prefix.made) };
            // SAFETY: fresh memory for this item.
            unsafe { item.write(value) };
            prefix.made += 1;
        }
        mem::forget(prefix);
        // SAFETY: all `len` items were written; nobody else has the memory.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) })
    }

    /// A slice of everything an iterator yields.
    ///
    /// Grows in place while it is the arena's youngest allocation; what the iterator allocates
    /// here itself makes it move, and the old place is lost until the frame ends.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_from_iter<T>(&self, items: impl IntoIterator<Item = T>) -> &mut [T] {
        let mut vec = self.frame_vec();
        vec.extend(items);
        vec.into_slice()
    }

    /// Like [`alloc_slice_from_iter`](Self::alloc_slice_from_iter).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it; the items
    /// taken from the iterator are dropped then.
    pub fn try_alloc_slice_from_iter<T>(
        &self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<&mut [T], ArenaError> {
        let items = items.into_iter();
        let mut vec = self.try_frame_vec_with_capacity(items.size_hint().0)?;
        vec.try_extend(items).map_err(|(error, _)| error)?;
        Ok(vec.into_slice())
    }

    /// Room for `len` items, uninitialised.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_slice_uninit<T>(&self, len: usize) -> &mut [MaybeUninit<T>] {
        self.try_alloc_slice_uninit(len)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_slice_uninit`](Self::alloc_slice_uninit).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_slice_uninit<T>(
        &self,
        len: usize,
    ) -> Result<&mut [MaybeUninit<T>], ArenaError> {
        let place = self.try_alloc_layout(layout_of::<T>(len)?)?.cast();
        // SAFETY: fresh memory for `len` items, which `MaybeUninit` need not find initialised.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) })
    }

    /// Copies a string.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_str(&self, text: &str) -> &mut str {
        self.try_alloc_str(text)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_str`](Self::alloc_str).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_str(&self, text: &str) -> Result<&mut str, ArenaError> {
        let bytes = self.try_alloc_slice_copy(text.as_bytes())?;
        // SAFETY: a copy of a string's bytes.
        Ok(unsafe { core::str::from_utf8_unchecked_mut(bytes) })
    }
}

/// A slice being made: drops what is there, and gives the memory back, if that ends early.
struct Prefix<'a, T, S: ChunkSource> {
    arena: &'a Arena<S>,
    place: NonNull<T>,
    len: usize,
    made: usize,
}

impl<T, S: ChunkSource> Drop for Prefix<'_, T, S> {
    fn drop(&mut self) {
        /// Gives the memory back even if the drop of an item panics.
        struct Room<'a, S: ChunkSource>(&'a Arena<S>, NonNull<u8>, usize);
        impl<S: ChunkSource> Drop for Room<'_, S> {
            fn drop(&mut self) {
                self.0.give_back(self.1, self.2);
            }
        }
        let _room = Room(self.arena, self.place.cast(), self.len * size_of::<T>());
        let made = NonNull::slice_from_raw_parts(self.place, self.made);
        // SAFETY: exactly the first `made` items were written, and nobody else can reach them.
        unsafe { made.drop_in_place() };
    }
}
