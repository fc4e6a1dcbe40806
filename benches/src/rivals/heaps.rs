//! General heaps, behind the allocator trait that boxes take: the system's and mimalloc.

use allocator_api2::alloc::{AllocError, Allocator};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

/// A heap that is used without becoming the program's own.
pub(crate) struct Heap<G: GlobalAlloc + 'static>(&'static G);

impl<G: GlobalAlloc> Clone for Heap<G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G: GlobalAlloc> Copy for Heap<G> {}

/// The system's heap.
pub(crate) static SYSTEM: Heap<System> = Heap(&System);
/// mimalloc's heap.
pub(crate) static MIMALLOC: Heap<mimalloc::MiMalloc> = Heap(&mimalloc::MiMalloc);

// SAFETY: a `GlobalAlloc` gives out memory that stays valid until it is deallocated, whichever
// copy of the handle is used: every copy refers to the same static heap.
unsafe impl<G: GlobalAlloc> Allocator for Heap<G> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(NonNull::slice_from_raw_parts(layout.dangling_ptr(), 0));
        }
        // SAFETY: the layout's size is not zero.
        let start = unsafe { self.0.alloc(layout) };
        let start = NonNull::new(start).ok_or(AllocError)?;
        Ok(NonNull::slice_from_raw_parts(start, layout.size()))
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: the caller got `start` from this heap with this layout; only sizes above
            // zero come from it.
            unsafe { self.0.dealloc(start.as_ptr(), layout) }
        }
    }
}

/// Memory of any layout from a heap, freed when dropped.
pub(crate) struct Block<A: Allocator> {
    start: NonNull<u8>,
    layout: Layout,
    heap: A,
}

impl<A: Allocator> Block<A> {
    /// Memory of this layout.
    ///
    /// # Panics
    /// When the heap is exhausted.
    #[inline]
    pub(crate) fn new(layout: Layout, heap: A) -> Self {
        let start = heap.allocate(layout).expect("the heap has room").cast();
        Self {
            start,
            layout,
            heap,
        }
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> usize {
        self.start.addr().get()
    }
}

impl<A: Allocator> Drop for Block<A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `new` got `start` from this heap with this layout, and nobody else frees it.
        unsafe { self.heap.deallocate(self.start, self.layout) }
    }
}
