//! A vector in a frame: `Vec`'s interface over `allocator-api2`, growing in place where it can.

use core::alloc::Layout;
use core::fmt;
use core::mem;
use core::ops::{Deref, DerefMut, RangeBounds};

use allocator_api2::vec::{Drain, Vec};

use crate::arena::Arena;
use crate::boxed::FrameBox;
use crate::chunk::{ChunkSource, HeapChunks};
use crate::error::{ArenaError, refuse};
use crate::slice::layout_of;

/// A vector whose items lie in an arena. It drops its items; its memory stays until the frame ends.
///
/// Dereferences to a slice; [`as_vec_mut`](Self::as_vec_mut) has the rest of `Vec`. As the arena's
/// youngest allocation it grows in place; otherwise growth copies, and the old place is
/// lost to the frame.
///
/// Neither it, nor its slice, nor an iterator over it can outlive its frame:
/// ```compile_fail,E0505
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// let mut vec = frame.frame_vec();
/// vec.push(1);
/// let items = vec.into_iter();
/// frame.end();
/// items.count();
/// ```
pub struct FrameVec<'arena, T, S: ChunkSource = HeapChunks>(Vec<T, &'arena Arena<S>>);

impl<S: ChunkSource> Arena<S> {
    /// An empty vector; allocates at the first push.
    #[inline]
    pub fn frame_vec<T>(&self) -> FrameVec<'_, T, S> {
        FrameVec(Vec::new_in(self))
    }

    /// An empty vector with room for `capacity` items.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn frame_vec_with_capacity<T>(&self, capacity: usize) -> FrameVec<'_, T, S> {
        self.try_frame_vec_with_capacity(capacity)
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`frame_vec_with_capacity`](Self::frame_vec_with_capacity).
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_frame_vec_with_capacity<T>(
        &self,
        capacity: usize,
    ) -> Result<FrameVec<'_, T, S>, ArenaError> {
        let mut vec = self.frame_vec();
        vec.try_reserve_items(capacity)?;
        Ok(vec)
    }
}

impl<'arena, T, S: ChunkSource> FrameVec<'arena, T, S> {
    /// Appends an item. Cost: a compare and the store while there is room.
    ///
    /// # Panics
    /// When it has to grow, and the arena can get no more memory or a budget forbids it.
    #[inline(always)]
    pub fn push(&mut self, item: T) {
        let len = self.0.len();
        if len == self.0.capacity() {
            self.try_reserve_items(1)
                .unwrap_or_else(|error| refuse(error));
        }
        // SAFETY: there is room for one item more, within the allocation.
        let place = unsafe { self.0.as_mut_ptr().add(len) };
        // SAFETY: that item's memory, which nothing refers to.
        unsafe { place.write(item) };
        // SAFETY: the item was just written. (The length comes from a register, which
        // `Vec::push` of allocator-api2 does not manage.)
        unsafe { self.0.set_len(len + 1) };
    }

    /// Appends an item, or gives it back.
    ///
    /// # Errors
    /// [`ArenaError`] and the item when the vector had to grow and could not.
    #[inline]
    pub fn try_push(&mut self, item: T) -> Result<(), (ArenaError, T)> {
        if self.0.len() == self.0.capacity()
            && let Err(error) = self.try_reserve_items(1)
        {
            return Err((error, item));
        }
        self.0.push(item);
        Ok(())
    }

    /// Appends what an iterator yields, as far as it goes; gives back the item that does not fit.
    ///
    /// # Errors
    /// [`ArenaError`] and the item when the vector had to grow and could not. What came before it
    /// is in the vector.
    pub fn try_extend(
        &mut self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<(), (ArenaError, T)> {
        items.into_iter().try_for_each(|item| self.try_push(item))
    }

    /// Makes room for `additional` more items.
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_reserve_items(&mut self, additional: usize) -> Result<(), ArenaError> {
        // By value: the vector's own address never leaves the caller, so that its length and its
        // pointer can stay in registers.
        let arena: &'arena Arena<S> = self.0.allocator();
        let vec = mem::replace(&mut self.0, Vec::new_in(arena));
        let (vec, outcome) = grown(vec, additional);
        self.0 = vec;
        outcome
    }

    /// The items, for the rest of the frame. They will not be dropped.
    #[inline]
    #[must_use]
    pub fn into_slice(self) -> &'arena mut [T]
    where
        T: 'arena,
    {
        self.0.leak()
    }

    /// The items under one owner that drops them.
    #[inline]
    #[must_use]
    pub fn into_box(self) -> FrameBox<'arena, [T]>
    where
        T: 'arena,
    {
        FrameBox::from_mut(self.0.leak())
    }

    /// The items.
    #[inline(always)]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The items, mutably.
    #[inline(always)]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.0
    }

    /// Items it can hold before it grows.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Takes the last item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    /// Drops every item and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Drops the items from `len` on.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Takes a range of items out, the rest closing up.
    ///
    /// # Panics
    /// When the range ends beyond the items, or before it begins.
    #[inline]
    pub fn drain<R: RangeBounds<usize>>(&mut self, range: R) -> Drain<'_, T, &'arena Arena<S>> {
        self.0.drain(range)
    }

    /// Keeps the items for which `keep` says so.
    #[inline]
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// Gives room that is not needed back, if the vector is the arena's youngest allocation.
    #[inline]
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    /// The allocator-api2 vector, for everything else it can do.
    #[inline]
    pub fn as_vec_mut(&mut self) -> &mut Vec<T, &'arena Arena<S>> {
        &mut self.0
    }

    /// The allocator-api2 vector itself.
    #[inline]
    #[must_use]
    pub fn into_inner(self) -> Vec<T, &'arena Arena<S>> {
        self.0
    }
}

/// The vector with room for `additional` items more, or as it was and why.
#[cold]
#[inline(never)]
fn grown<T, S: ChunkSource>(
    mut vec: Vec<T, &Arena<S>>,
    additional: usize,
) -> (Vec<T, &Arena<S>>, Result<(), ArenaError>) {
    // Doubling first; where that is too much, exactly what is needed may still fit.
    if vec.try_reserve(additional).is_ok() || vec.try_reserve_exact(additional).is_ok() {
        return (vec, Ok(()));
    }
    let arena: &Arena<S> = vec.allocator();
    // The vector gives no reasons: the arena's own words for the same request.
    let refused = |layout: Layout| match arena.try_alloc_layout(layout) {
        Err(error) => error,
        Ok(place) => {
            arena.give_back(place, layout.size());
            let requested = layout.size();
            ArenaError::Exhausted {
                requested,
                left: arena.room(),
                limit: arena.capacity(),
            }
        }
    };
    let count = vec.len().saturating_add(additional);
    let error = layout_of::<T>(count).map_or_else(|error| error, refused);
    (vec, Err(error))
}

impl<T, S: ChunkSource> Deref for FrameVec<'_, T, S> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, S: ChunkSource> DerefMut for FrameVec<'_, T, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T, S: ChunkSource> Extend<T> for FrameVec<'_, T, S> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items);
    }
}

impl<'arena, T, S: ChunkSource> IntoIterator for FrameVec<'arena, T, S> {
    type Item = T;
    type IntoIter = allocator_api2::vec::IntoIter<T, &'arena Arena<S>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: fmt::Debug, S: ChunkSource> fmt::Debug for FrameVec<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
