//! Batches: many items behind one bookkeeping step, written at the speed of memory.

use core::alloc::Layout;
use core::mem::MaybeUninit;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::{ArenaError, refuse};
use crate::slice::layout_of;

/// Bytes of a cache line, by architecture: where
/// [`alloc_batch_aligned`](Arena::alloc_batch_aligned) begins.
pub const CACHE_LINE: usize = if cfg!(any(target_arch = "aarch64", target_arch = "powerpc64")) {
    128
} else {
    64
};

#[expect(
    clippy::mut_from_ref,
    reason = "each call hands out memory that nobody else has"
)]
impl<S: ChunkSource> Arena<S> {
    /// `count` items side by side, each made from its index.
    ///
    /// One step for the whole batch; the loop that fills it is a plain one, which the compiler
    /// vectorises where `make` allows it. Unlike
    /// [`alloc_slice_fill_with`](Self::alloc_slice_fill_with), a panicking `make` leaves the items
    /// before it undropped: for items without `Drop`, as here, there is nothing to do.
    ///
    /// ```
    /// let arena = bywash_arena::Arena::new();
    /// let batch = arena.alloc_batch(1_000, |i| (i as u64, 0u64));
    /// assert_eq!(batch[999].0, 999);
    /// ```
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_batch<T: Copy>(&self, count: usize, make: impl FnMut(usize) -> T) -> &mut [T] {
        self.try_alloc_batch(count, make)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_batch`](Self::alloc_batch).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_batch<T: Copy>(
        &self,
        count: usize,
        make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], ArenaError> {
        self.fill_batch(layout_of::<T>(count)?, count, make)
    }

    /// Like [`alloc_batch`](Self::alloc_batch), beginning at a [cache line](CACHE_LINE).
    ///
    /// For numbers that a kernel reads in vector registers: a load that crosses two lines is two
    /// loads. Up to a line is lost before the batch.
    ///
    /// ```
    /// let arena = bywash_arena::Arena::new();
    /// let xs = arena.alloc_batch_aligned(768, |i| i as f32);
    /// assert_eq!(xs.as_ptr().addr() % bywash_arena::CACHE_LINE, 0);
    /// ```
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_batch_aligned<T: Copy>(
        &self,
        count: usize,
        make: impl FnMut(usize) -> T,
    ) -> &mut [T] {
        self.try_alloc_batch_aligned(count, make)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`alloc_batch_aligned`](Self::alloc_batch_aligned).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_batch_aligned<T: Copy>(
        &self,
        count: usize,
        make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], ArenaError> {
        let size = size_of::<T>();
        let layout = layout_of::<T>(count)?
            .align_to(CACHE_LINE)
            .map_err(|_| ArenaError::LayoutOverflow { count, size })?;
        self.fill_batch(layout, count, make)
    }

    #[inline(always)]
    fn fill_batch<T: Copy>(
        &self,
        layout: Layout,
        count: usize,
        mut make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], ArenaError> {
        let place = self.try_alloc_layout(layout)?.cast::<MaybeUninit<T>>();
        // SAFETY: fresh memory for `count` items, which `MaybeUninit` need not find initialised.
        let batch = unsafe { core::slice::from_raw_parts_mut(place.as_ptr(), count) };
        for (index, item) in batch.iter_mut().enumerate() {
            item.write(make(index));
        }
        // SAFETY: the loop has written every item.
        Ok(unsafe { batch.assume_init_mut() })
    }

    /// Room for `count` items, uninitialised: the form for data that is read from elsewhere.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_batch_uninit<T>(&self, count: usize) -> &mut [MaybeUninit<T>] {
        self.alloc_slice_uninit(count)
    }

    /// Like [`alloc_batch_uninit`](Self::alloc_batch_uninit).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_alloc_batch_uninit<T>(
        &self,
        count: usize,
    ) -> Result<&mut [MaybeUninit<T>], ArenaError> {
        self.try_alloc_slice_uninit(count)
    }
}
