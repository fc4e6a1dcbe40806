//! An owned value in a pool's block: dropped, and freed, on whichever thread it ends.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::heap::Heap;
use super::local;

/// Owns a value in a pool. One word.
///
/// Dropping it on the thread that made it is a store to that thread's free list; on another thread
/// it is one compare-and-swap, and the block goes home. It may outlive its thread and its pool: the
/// last one frees what is left of them.
///
/// Only what may be sent goes to another thread in it:
/// ```compile_fail,E0277
/// let pool = bywash_arena::Pool::new();
/// let boxed = pool.alloc(std::rc::Rc::new(1));
/// std::thread::spawn(move || drop(boxed));
/// ```
pub struct PoolBox<T> {
    value: NonNull<T>,
    owns: PhantomData<T>,
}

// SAFETY: the box owns its value, and its block may be freed from any thread.
unsafe impl<T: Send> Send for PoolBox<T> {}
// SAFETY: a shared box gives out `&T` only.
unsafe impl<T: Sync> Sync for PoolBox<T> {}

impl<T> PoolBox<T> {
    /// Moves `value` into a block.
    ///
    /// # Safety
    /// `block` is fresh from [`Heap::alloc`], of a class for `T`.
    #[inline(always)]
    pub(super) unsafe fn new(block: NonNull<u8>, place: T) -> Self {
        let value = block.cast::<T>();
        // SAFETY: a fresh block, large and aligned enough.
        unsafe { value.write(place) };
        Self {
            value,
            owns: PhantomData,
        }
    }

    /// Moves the value out and frees its block.
    #[must_use]
    pub fn into_inner(this: Self) -> T {
        let block = Block(this.value.cast());
        let value = this.value;
        mem::forget(this);
        // SAFETY: the box owned the value and will not drop it.
        let value = unsafe { value.read() };
        drop(block);
        value
    }
}

/// Frees a block, also if the value's drop panics.
struct Block(NonNull<u8>);

impl Drop for Block {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the box that owned the block is ending, and its value is gone.
        unsafe { Heap::free(self.0, local::me()) }
    }
}

impl<T> Drop for PoolBox<T> {
    #[inline(always)]
    fn drop(&mut self) {
        let _block = Block(self.value.cast());
        // SAFETY: the box owns the value, and is going away.
        unsafe { self.value.drop_in_place() };
    }
}

impl<T> Deref for PoolBox<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and borrowed through the box alone.
        unsafe { self.value.as_ref() }
    }
}

impl<T> DerefMut for PoolBox<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: initialised, and borrowed through the box alone.
        unsafe { self.value.as_mut() }
    }
}

impl<T: fmt::Debug> fmt::Debug for PoolBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
