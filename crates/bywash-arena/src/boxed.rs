//! An owned value in a frame that, unlike every other form, is dropped.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::error::ArenaError;

/// Owns a value in an arena: drops it, and leaves its memory to the end of the frame.
///
/// One word wide for sized values. Forgetting it skips the drop and nothing else; which is why it
/// cannot be pinned: a frame returns the memory of a forgotten value too.
///
/// It cannot outlive its frame:
/// ```compile_fail,E0505
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// let boxed = frame.frame_box(String::from("kept"));
/// frame.end();
/// drop(boxed);
/// ```
pub struct FrameBox<'arena, T: ?Sized> {
    value: NonNull<T>,
    owner: PhantomData<(&'arena mut (), T)>,
}

// SAFETY: the box owns its value, as `Box` does, and touches the arena no more.
unsafe impl<T: ?Sized + Send> Send for FrameBox<'_, T> {}
// SAFETY: a shared box gives out `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for FrameBox<'_, T> {}

impl<S: ChunkSource> Arena<S> {
    /// Moves `value` into the arena under an owner that drops it.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn frame_box<'a, T: 'a>(&'a self, value: T) -> FrameBox<'a, T> {
        FrameBox::from_mut(self.alloc(value))
    }

    /// Like [`frame_box`](Self::frame_box); drops `value` when it refuses.
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_frame_box<'a, T: 'a>(&'a self, value: T) -> Result<FrameBox<'a, T>, ArenaError> {
        self.try_alloc(value).map(FrameBox::from_mut)
    }
}

impl<'arena, T: ?Sized> FrameBox<'arena, T> {
    /// Takes over a value that nobody else will drop.
    #[inline]
    pub(crate) fn from_mut(value: &'arena mut T) -> Self {
        Self {
            value: NonNull::from(value),
            owner: PhantomData,
        }
    }

    /// Gives the drop up: the value lives on, undropped, as long as the frame.
    #[inline]
    #[must_use]
    pub fn leak(this: Self) -> &'arena mut T {
        let value = this.value;
        mem::forget(this);
        // SAFETY: the box was the only owner, and its memory lives as long as `'arena`.
        unsafe { &mut *value.as_ptr() }
    }
}

impl<T> FrameBox<'_, T> {
    /// Moves the value out.
    #[inline]
    #[must_use]
    pub fn into_inner(this: Self) -> T {
        let value = this.value;
        mem::forget(this);
        // SAFETY: the box owned the value and will not drop it.
        unsafe { value.read() }
    }
}

impl<T: ?Sized> Drop for FrameBox<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the box owns the value, and is going away.
        unsafe { self.value.drop_in_place() }
    }
}

impl<T: ?Sized> Deref for FrameBox<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and borrowed through the box alone.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for FrameBox<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: initialised, and borrowed through the box alone.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for FrameBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for FrameBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> AsRef<T> for FrameBox<'_, T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for FrameBox<'_, T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}
