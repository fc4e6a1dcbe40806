//! The program's heap, which counts the pages that a pool gives back on each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The alignment that only a pool's pages have.
const PAGE: usize = 64 * 1024;

thread_local!(static RELEASED: Cell<usize> = const { Cell::new(0) });

/// Pages that the current thread has given back.
pub(crate) fn released_here() -> usize {
    RELEASED.get()
}

struct Counted;

#[global_allocator]
static HEAP: Counted = Counted;

// SAFETY: the system's heap, as it is.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if layout.align() == PAGE {
            RELEASED.set(RELEASED.get() + 1);
        }
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(place, layout) }
    }
}
