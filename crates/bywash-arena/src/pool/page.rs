//! A page: 64 KiB, aligned to its size, cut into blocks of one class.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_sync::mutant;

use super::class::Class;
use super::heap::Heap;
use super::inbox::Node;

/// Bytes of a page, and its alignment: a block's page is found by clearing the low bits.
pub(crate) const PAGE: usize = 64 * 1024;

/// The owner of a page that has none any more. No thread has this number.
pub(crate) const NOBODY: u64 = u64::MAX;

/// The head of a page.
///
/// `owner` may be read by any thread. `heap` never changes. The rest belongs to the owner, and
/// after it to the one who frees the heap.
#[repr(C)]
pub(crate) struct Page {
    pub(crate) owner: AtomicU64,
    pub(crate) heap: NonNull<Heap>,
    pub(crate) class: NonNull<Class>,
    pub(crate) next: Cell<Option<NonNull<Page>>>,
    /// Blocks that have been cut so far, of `total`.
    pub(crate) cut: Cell<usize>,
    pub(crate) total: usize,
    /// Of those, how many are free: counted when it is asked for.
    pub(crate) free: Cell<usize>,
}

/// The layout every page is allocated with.
const LAYOUT: Layout = match Layout::from_size_align(PAGE, PAGE) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

impl Page {
    /// A new page for `class`, or `None` when the heap refuses.
    pub(crate) fn allocate(
        owner: u64,
        heap: NonNull<Heap>,
        class: &Class,
    ) -> Option<NonNull<Self>> {
        // SAFETY: the layout has a size.
        let page = NonNull::new(unsafe { std::alloc::alloc(LAYOUT) })?.cast::<Self>();
        let value = Self {
            owner: AtomicU64::new(owner),
            heap,
            class: NonNull::from(class),
            next: Cell::new(None),
            cut: Cell::new(0),
            total: (PAGE - class.first()) / class.size(),
            free: Cell::new(0),
        };
        // SAFETY: fresh memory, large and aligned enough for the head.
        unsafe { page.write(value) };
        Some(page)
    }

    /// Returns a page to the heap.
    ///
    /// # Safety
    /// It came from `allocate`, no block of it is alive or in a list, and nobody else looks at it.
    pub(crate) unsafe fn release(page: NonNull<Self>) {
        // SAFETY: the caller is the only one left.
        unsafe { page.drop_in_place() };
        // SAFETY: the page's whole memory, which is the caller's.
        unsafe { crate::poison::taken(page.cast(), PAGE) };
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(page.as_ptr().cast(), LAYOUT) };
    }

    /// The head of the page that a block lies in.
    ///
    /// # Safety
    /// `block` was cut from a page that lives for `'page`, and carries that page's provenance.
    #[inline(always)]
    pub(crate) unsafe fn head_of<'page, T>(block: NonNull<T>) -> &'page Self {
        let page = block
            .as_ptr()
            .map_addr(|address| address & !(PAGE - 1))
            .cast::<Self>();
        // SAFETY: the caller vouches for the page; its head is reached by shared references alone.
        unsafe { &*page }
    }

    /// Whether the thread `me` owns the page.
    #[inline(always)]
    pub(crate) fn is_of(&self, me: u64) -> bool {
        // Relaxed: only the thread `me` ever stores or removes its own number.
        self.owner.load(Ordering::Relaxed) == me
    }

    /// Whether a block can still be cut from it.
    pub(super) fn is_whole(&self) -> bool {
        self.cut.get() < self.total
    }

    /// Whether no block is alive; valid after the free ones were counted.
    pub(super) fn is_empty(&self) -> bool {
        self.free.get() == self.cut.get() || mutant("heap.trim.in_flight")
    }

    /// Cuts the next block, if there is one left.
    pub(crate) fn cut(page: NonNull<Self>, class: &Class) -> Option<NonNull<Node>> {
        // SAFETY: the owner calls this; the head is reached by shared references alone.
        let head = unsafe { page.as_ref() };
        let index = head.cut.get();
        if index == head.total {
            return None;
        }
        head.cut.set(index + 1);
        let offset = class.first() + index * class.size();
        // SAFETY: `total` blocks of this size fit behind the head.
        Some(unsafe { page.cast::<u8>().add(offset) }.cast())
    }
}
