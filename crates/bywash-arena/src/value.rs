//! Single values and small groups of them.

use core::alloc::Layout;
use core::mem::{self, MaybeUninit};
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::ArenaError;

#[expect(
    clippy::mut_from_ref,
    reason = "each call hands out memory that nobody else has"
)]
impl<S: ChunkSource> Arena<S> {
    /// Moves `value` into the arena. It will **not** be dropped.
    ///
    /// Cost: an add, a compare and two stores.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn alloc<T>(&self, value: T) -> &mut T {
        let place = self.place::<T>();
        // SAFETY: fresh memory for one `T`.
        unsafe { place.write(value) };
        // SAFETY: initialised, and handed out to this caller alone while `self` is borrowed.
        unsafe { &mut *place.as_ptr() }
    }

    /// Like [`alloc`](Self::alloc); drops `value` when it refuses. To keep it, use
    /// [`try_alloc_with`](Self::try_alloc_with), which does not call its closure then.
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, ArenaError> {
        self.try_alloc_with(|| value)
    }

    /// Calls `make` once its memory is there, so that a large value need not be copied.
    ///
    /// `make` may allocate here itself. If it panics, the memory is given back.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn alloc_with<T>(&self, make: impl FnOnce() -> T) -> &mut T {
        let slot = Slot {
            arena: self,
            place: self.place::<T>(),
        };
        slot.fill(make())
    }

    /// Like [`alloc_with`](Self::alloc_with).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it; `make` was
    /// not called then.
    #[inline(always)]
    pub fn try_alloc_with<T>(&self, make: impl FnOnce() -> T) -> Result<&mut T, ArenaError> {
        let place = self.try_alloc_layout(Layout::new::<T>())?.cast();
        let slot = Slot { arena: self, place };
        Ok(slot.fill(make()))
    }

    /// Moves what `make` returns into the arena; an error gives the memory back.
    ///
    /// # Errors
    /// The error of `make`.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn alloc_try_with<T, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&mut T, E> {
        let slot = Slot {
            arena: self,
            place: self.place::<T>(),
        };
        Ok(slot.fill(make()?))
    }

    /// Like [`alloc_try_with`](Self::alloc_try_with).
    ///
    /// # Errors
    /// The error of `make`, or [`ArenaError`] when the arena can get no more memory or a budget
    /// forbids it; `make` was not called then.
    #[inline]
    pub fn try_alloc_try_with<T, E: From<ArenaError>>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&mut T, E> {
        let place = self.try_alloc_layout(Layout::new::<T>())?.cast();
        let slot = Slot { arena: self, place };
        Ok(slot.fill(make()?))
    }

    /// Room for one `T`, uninitialised.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn alloc_uninit<T>(&self) -> &mut MaybeUninit<T> {
        let place = self.place::<MaybeUninit<T>>();
        // SAFETY: fresh memory for one `T`, which `MaybeUninit` need not find initialised.
        unsafe { &mut *place.as_ptr() }
    }

    /// Like [`alloc_uninit`](Self::alloc_uninit).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn try_alloc_uninit<T>(&self) -> Result<&mut MaybeUninit<T>, ArenaError> {
        let place = self
            .try_alloc_layout(Layout::new::<T>())?
            .cast::<MaybeUninit<T>>();
        // SAFETY: fresh memory for one `T`, which `MaybeUninit` need not find initialised.
        Ok(unsafe { &mut *place.as_ptr() })
    }

    /// Moves `N` values into the arena behind one bookkeeping step, and hands each out by itself.
    ///
    /// ```
    /// let arena = bywash_arena::Arena::new();
    /// let [x, y] = arena.alloc_group([1.0, 2.0]);
    /// core::mem::swap(x, y);
    /// assert_eq!((*x, *y), (2.0, 1.0));
    /// ```
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn alloc_group<T, const N: usize>(&self, values: [T; N]) -> [&mut T; N] {
        self.alloc(values).each_mut()
    }

    /// Like [`alloc_group`](Self::alloc_group).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn try_alloc_group<T, const N: usize>(
        &self,
        values: [T; N],
    ) -> Result<[&mut T; N], ArenaError> {
        Ok(self.try_alloc(values)?.each_mut())
    }

    /// Like [`alloc_group`](Self::alloc_group), each value made from its index.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn alloc_group_with<T, const N: usize>(&self, make: impl FnMut(usize) -> T) -> [&mut T; N] {
        self.alloc_with(|| core::array::from_fn(make)).each_mut()
    }

    /// Like [`alloc_group_with`](Self::alloc_group_with).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn try_alloc_group_with<T, const N: usize>(
        &self,
        make: impl FnMut(usize) -> T,
    ) -> Result<[&mut T; N], ArenaError> {
        Ok(self
            .try_alloc_with(|| core::array::from_fn(make))?
            .each_mut())
    }
}

/// Memory whose value is still being made; goes back to the arena if that fails.
struct Slot<'a, T, S: ChunkSource> {
    arena: &'a Arena<S>,
    place: NonNull<T>,
}

impl<'a, T, S: ChunkSource> Slot<'a, T, S> {
    #[inline(always)]
    fn fill(self, value: T) -> &'a mut T {
        let place = self.place;
        mem::forget(self);
        // SAFETY: fresh memory for one `T`.
        unsafe { place.write(value) };
        // SAFETY: initialised, and handed out to this caller alone while the arena is borrowed.
        unsafe { &mut *place.as_ptr() }
    }
}

impl<T, S: ChunkSource> Drop for Slot<'_, T, S> {
    fn drop(&mut self) {
        self.arena.give_back(self.place.cast(), size_of::<T>());
    }
}
