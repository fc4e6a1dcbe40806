//! `allocator-api2` for a borrowed arena: `Vec`, `Box` and hash maps that live in a frame.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use crate::arena::{Arena, round_up};
use crate::chunk::ChunkSource;

// SAFETY: memory stays valid while the arena is borrowed, which the allocator `&Arena` and every
// copy of it do; a reset needs the arena unborrowed. Copies of the reference are the same arena.
unsafe impl<S: ChunkSource> Allocator for &Arena<S> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let place = self.try_alloc_layout(layout).map_err(|_| AllocError)?;
        Ok(NonNull::slice_from_raw_parts(place, layout.size()))
    }

    #[inline]
    unsafe fn deallocate(&self, place: NonNull<u8>, layout: Layout) {
        self.give_back(place, layout.size());
    }

    #[inline]
    unsafe fn grow(
        &self,
        place: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // The youngest allocation is extended where it lies.
        let after = place.addr().get() + round_up(old.size());
        if after == self.free().addr().get()
            && old.size() > 0
            && place.addr().get() & (new.align() - 1) == 0
            && let Ok(more) =
                Layout::from_size_align(round_up(new.size()) - round_up(old.size()), 1)
            && self.bump(more).is_some()
        {
            // SAFETY: the bytes up to the new size are the caller's now.
            unsafe { crate::poison::taken(place, new.size()) };
            return Ok(NonNull::slice_from_raw_parts(place, new.size()));
        }
        let moved = self.try_alloc_layout(new).map_err(|_| AllocError)?;
        // SAFETY: both are valid for the old size, and a fresh allocation overlaps no other.
        unsafe { moved.copy_from_nonoverlapping(place, old.size()) };
        Ok(NonNull::slice_from_raw_parts(moved, new.size()))
    }

    #[inline]
    unsafe fn shrink(
        &self,
        place: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if place.addr().get() & (new.align() - 1) != 0 {
            let moved = self.try_alloc_layout(new).map_err(|_| AllocError)?;
            // SAFETY: both are valid for the new size, and a fresh allocation overlaps no other.
            unsafe { moved.copy_from_nonoverlapping(place, new.size()) };
            return Ok(NonNull::slice_from_raw_parts(moved, new.size()));
        }
        let kept = round_up(new.size());
        if kept < round_up(old.size()) {
            // SAFETY: the new size is not larger than the old one.
            let tail = unsafe { place.add(kept) };
            self.give_back(tail, round_up(old.size()) - kept);
        }
        Ok(NonNull::slice_from_raw_parts(place, new.size()))
    }
}
