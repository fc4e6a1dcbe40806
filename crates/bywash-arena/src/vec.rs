//! A vector in a frame: `Vec`'s interface over `allocator-api2`, growing in place where it can.

use core::fmt;
use core::ops::{Deref, DerefMut};

use allocator_api2::vec::Vec;

use crate::arena::Arena;
use crate::boxed::FrameBox;
use crate::chunk::{ChunkSource, HeapChunks};
use crate::error::ArenaError;
use crate::slice::layout_of;

/// A vector whose items lie in an arena. It drops its items; its memory stays until the frame ends.
///
/// Dereferences to [`allocator_api2::vec::Vec`], so everything of that type is there. As the
/// arena's youngest allocation it grows in place; otherwise growth copies, and the old place is
/// lost to the frame.
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
            .unwrap_or_else(|error| crate::error::refuse(error))
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
        if self.0.len() == self.0.capacity() {
            self.grow_or_panic(1);
        }
        self.0.push(item);
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

    /// Makes room for `additional` more items.
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline]
    pub fn try_reserve_items(&mut self, additional: usize) -> Result<(), ArenaError> {
        // Doubling first; where that is too much, exactly what is needed may still fit.
        if self.0.try_reserve(additional).is_ok() || self.0.try_reserve_exact(additional).is_ok() {
            return Ok(());
        }
        Err(self.explain(additional))
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

    /// The allocator-api2 vector itself.
    #[inline]
    #[must_use]
    pub fn into_inner(self) -> Vec<T, &'arena Arena<S>> {
        self.0
    }

    #[cold]
    #[inline(never)]
    fn grow_or_panic(&mut self, additional: usize) {
        if let Err(error) = self.try_reserve_items(additional) {
            crate::error::refuse(error);
        }
    }

    /// The arena's own words for a refusal that the vector reports without reasons.
    #[cold]
    fn explain(&self, additional: usize) -> ArenaError {
        let arena: &Arena<S> = self.0.allocator();
        let count = self.0.len().saturating_add(additional);
        let refused = |layout: core::alloc::Layout| match arena.try_alloc_layout(layout) {
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
        layout_of::<T>(count).map_or_else(|error| error, refused)
    }
}

impl<'arena, T, S: ChunkSource> Deref for FrameVec<'arena, T, S> {
    type Target = Vec<T, &'arena Arena<S>>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T, S: ChunkSource> DerefMut for FrameVec<'_, T, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
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
