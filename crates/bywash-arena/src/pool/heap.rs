//! One thread's part of a pool: free lists by class, the pages under them, and an inbox.
//!
//! The owner alone touches the lists and the pages. Other threads touch the pages' owner word, the
//! inbox, and the blocks they hold. After the owner has closed the heap nobody touches the rest
//! until the one who frees it, see [`inbox`](super::inbox).

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use std::boxed::Box;

use bywash_sync::atomic::Ordering;

use super::inbox::{Given, Inbox, Node};
use super::page::{NOBODY, Page};
use crate::poison;

/// Blocks are cut from a page a few at a time, so that a small pool touches little memory.
const CUT_BYTES: usize = 2048;

/// A thread's part of a pool. Always behind the raw pointer that [`create`](Heap::create) returns.
#[derive(Debug)]
pub struct Heap {
    inbox: Inbox,
    owner: u64,
    pages: Cell<Option<NonNull<Page>>>,
    classes: Box<[Class]>,
}

/// Blocks of one size.
#[derive(Debug)]
pub(crate) struct Class {
    /// The free blocks, most recently freed first.
    free: Cell<*mut Node>,
    /// The page that blocks are being cut from.
    cutting: Cell<Option<NonNull<Page>>>,
    size: usize,
    first: usize,
}

impl Class {
    fn new(block: Layout) -> Self {
        let block = block_of(block);
        let first = size_of::<Page>().next_multiple_of(block.align());
        Self {
            free: Cell::new(ptr::null_mut()),
            cutting: Cell::new(None),
            size: block.size(),
            first,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where the first block of a page begins.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    #[inline(always)]
    fn pop(&self) -> Option<NonNull<Node>> {
        let node = NonNull::new(self.free.get())?;
        // SAFETY: the list holds free blocks of this thread's, each beginning with a node.
        self.free.set(unsafe { node.read() }.next());
        Some(node)
    }

    #[inline(always)]
    fn push(&self, block: NonNull<Node>) {
        // SAFETY: the block is free, this thread's, and large enough for a node.
        unsafe { block.write(Node::new(self.free.get())) };
        self.free.set(block.as_ptr());
    }
}

/// The layout that blocks for `value` have: with room for a node, and a multiple of the alignment.
pub(crate) const fn block_of(value: Layout) -> Layout {
    let size = if value.size() > size_of::<Node>() {
        value.size()
    } else {
        size_of::<Node>()
    };
    let align = if value.align() > align_of::<Node>() {
        value.align()
    } else {
        align_of::<Node>()
    };
    match Layout::from_size_align(size, align) {
        Ok(layout) => layout.pad_to_align(),
        Err(_) => panic!("a type's layout does not overflow"),
    }
}

/// What one thread's part of a pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolUse {
    /// Pages of 64 KiB.
    pub pages: usize,
    /// Blocks that are handed out, wherever they are.
    pub alive: usize,
    /// Blocks that were cut and are free.
    pub free: usize,
}

impl Heap {
    /// A heap for the thread `owner`, with a class for each layout.
    #[must_use]
    pub fn create(owner: u64, classes: &[Layout]) -> NonNull<Self> {
        let heap = Box::new(Self {
            inbox: Inbox::new(),
            owner,
            pages: Cell::new(None),
            classes: classes.iter().map(|&block| Class::new(block)).collect(),
        });
        // SAFETY: the pointer of a box is not null.
        unsafe { NonNull::new_unchecked(Box::into_raw(heap)) }
    }

    /// A block of class `class`, or `None` when there is no memory for a page. The owner only.
    ///
    /// # Safety
    /// The caller is the heap's owner, the heap is not closed, and `class` is one of its classes.
    #[inline(always)]
    pub unsafe fn alloc(this: NonNull<Self>, class: usize) -> Option<NonNull<u8>> {
        // SAFETY: the owner has not closed the heap, so it is there.
        let heap = unsafe { this.as_ref() };
        // SAFETY: the caller vouches for the index.
        let class = unsafe { heap.classes.get_unchecked(class) };
        let node = match class.pop() {
            Some(node) => node,
            None => {
                core::hint::cold_path();
                Self::refill(this, class)?
            }
        };
        if cfg!(debug_assertions) {
            // SAFETY: the block was cut from a page, which lives.
            unsafe { Page::head_of(node) }.mark(node.cast(), true);
        }
        // SAFETY: the block's whole memory.
        unsafe { poison::taken(node.cast(), class.size) };
        Some(node.cast())
    }

    /// Takes what came home, else cuts a few blocks more.
    #[cold]
    #[inline(never)]
    fn refill(this: NonNull<Self>, class: &Class) -> Option<NonNull<Node>> {
        // SAFETY: called by the owner, which has not closed the heap.
        let heap = unsafe { this.as_ref() };
        heap.collect();
        if let Some(node) = class.pop() {
            return Some(node);
        }
        let page = match class.cutting.get() {
            // SAFETY: the page is the owner's.
            Some(page) if unsafe { page.as_ref() }.is_whole() => page,
            _ => heap.add_page(this, class)?,
        };
        let first = Page::cut(page, class)?;
        // The list hands out ascending addresses: what is cut later goes behind.
        let more = (CUT_BYTES / class.size).min(64);
        let mut blocks = [ptr::null_mut::<Node>(); 64];
        let mut count = 0;
        while count < more {
            let Some(block) = Page::cut(page, class) else {
                break;
            };
            blocks[count] = block.as_ptr();
            count += 1;
        }
        for &block in blocks[..count].iter().rev() {
            if let Some(block) = NonNull::new(block) {
                heap.push_free(class, block);
            }
        }
        Some(first)
    }

    fn add_page(&self, this: NonNull<Self>, class: &Class) -> Option<NonNull<Page>> {
        let page = Page::allocate(self.owner, this, class)?;
        // SAFETY: just made, and the owner's.
        unsafe { page.as_ref() }.next.set(self.pages.get());
        self.pages.set(Some(page));
        class.cutting.set(Some(page));
        Some(page)
    }

    /// Puts blocks that came home into their lists.
    fn collect(&self) {
        for node in self.inbox.take() {
            // SAFETY: a block of this heap's, which has a page.
            let page = unsafe { Page::head_of(node) };
            // SAFETY: the page is this heap's, and so is the class.
            let class = unsafe { page.class.as_ref() };
            class.push(node);
        }
    }

    fn push_free(&self, class: &Class, block: NonNull<Node>) {
        // SAFETY: the block is free: nobody looks behind its node.
        unsafe { poison_behind_node(block, class.size) };
        class.push(block);
    }

    /// Frees a block, from whichever thread.
    ///
    /// # Safety
    /// `block` came from [`alloc`](Self::alloc), its value was dropped or moved out, and it is
    /// freed once. `me` is the number of the current thread.
    #[inline(always)]
    pub unsafe fn free(block: NonNull<u8>, me: u64) {
        let node = block.cast::<Node>();
        // SAFETY: the block was cut from a page, which lives while a block of it does, and the
        // pointer is the one that was handed out.
        let head = unsafe { Page::head_of(block) };
        let was_alive = head.mark(block, false);
        assert!(was_alive, "a pool's block was freed twice: {block:?}");
        // SAFETY: the block's size never changes, and its heap lives while the block does.
        let class = unsafe { head.class.as_ref() };
        // SAFETY: the block is free: nobody looks behind its node.
        unsafe { poison_behind_node(node, class.size) };
        if head.is_of(me) {
            class.push(node);
        } else {
            // SAFETY: as the caller's contract says.
            unsafe { Self::free_remote(head.heap, node) };
        }
    }

    /// Sends a block home.
    ///
    /// # Safety
    /// As for [`free`](Self::free); `heap` is the block's.
    #[inline(never)]
    unsafe fn free_remote(heap: NonNull<Self>, node: NonNull<Node>) {
        // SAFETY: the heap lives while a block of it does.
        let inbox = unsafe { &raw const (*heap.as_ptr()).inbox };
        // SAFETY: as above. Another thread may free the heap once the block is given; the inbox is
        // nothing but an atomic word, which a reference may outlive.
        let inbox = unsafe { &*inbox };
        // SAFETY: the block is this heap's and the caller's.
        if unsafe { inbox.give(node) } == Given::Last {
            // SAFETY: the owner has left, and this was the last block.
            unsafe { Self::destroy(heap) };
        }
    }

    /// Counts what the heap holds. The owner only; time proportional to the free blocks.
    pub(crate) fn usage(&self) -> PoolUse {
        self.collect();
        self.count_free();
        let mut usage = PoolUse::default();
        self.each_page(|page| {
            usage.pages += 1;
            usage.free += page.free.get();
            usage.alive += page.cut.get() - page.free.get();
        });
        usage
    }

    /// Frees every page without a live block. The owner only; time proportional to the free blocks.
    pub(crate) fn trim(&self) -> usize {
        self.collect();
        self.count_free();
        for class in &self.classes {
            // Blocks of pages that go leave the list; the others keep their order.
            let mut kept = ptr::null_mut::<Node>();
            let mut reversed = ptr::null_mut::<Node>();
            while let Some(node) = class.pop() {
                // SAFETY: a free block of this heap's has a page.
                if !unsafe { Page::head_of(node) }.is_empty() {
                    // SAFETY: the block is free and this thread's.
                    unsafe { node.write(Node::new(kept)) };
                    kept = node.as_ptr();
                }
            }
            while let Some(node) = NonNull::new(kept) {
                // SAFETY: the list just made.
                kept = unsafe { node.read() }.next();
                // SAFETY: as above.
                unsafe { node.write(Node::new(reversed)) };
                reversed = node.as_ptr();
            }
            class.free.set(reversed);
            if let Some(page) = class.cutting.get() {
                // SAFETY: the page is this heap's.
                if unsafe { page.as_ref() }.is_empty() {
                    class.cutting.set(None);
                }
            }
        }
        let mut released = 0;
        let mut page = self.pages.take();
        while let Some(here) = page {
            // SAFETY: the page is this heap's.
            let head = unsafe { here.as_ref() };
            page = head.next.get();
            if head.is_empty() {
                // SAFETY: no block of it is alive, and the lists hold none.
                unsafe { Page::release(here) };
                released += super::page::PAGE;
            } else {
                head.next.set(self.pages.get());
                self.pages.set(Some(here));
            }
        }
        released
    }

    /// As [`trim`](Self::trim), for a model that has only the pointer.
    ///
    /// # Safety
    /// The caller is the heap's owner, and the heap is not closed.
    #[cfg(bywash_loom)]
    pub unsafe fn trim_as_owner(this: NonNull<Self>) {
        // SAFETY: the owner has not closed the heap, so it is there.
        unsafe { this.as_ref() }.trim();
    }

    /// The owner leaves: pages without a live block go at once, the rest with the last block.
    ///
    /// # Safety
    /// The caller is the heap's owner, and does not use the heap after this.
    pub unsafe fn close(this: NonNull<Self>) {
        // SAFETY: the owner has not closed it before, so it is there.
        let heap = unsafe { this.as_ref() };
        heap.trim();
        let mut alive = 0;
        heap.each_page(|page| {
            alive += page.cut.get() - page.free.get();
            // Relaxed: this thread's own later frees see it; for others it was never theirs.
            page.owner.store(NOBODY, Ordering::Relaxed);
        });
        // The reference is to an atomic word only, which another thread may free once it is closed.
        let inbox = &heap.inbox;
        if inbox.close(alive, |_| {}) == Given::Last {
            // SAFETY: no block is alive, and the owner is leaving.
            unsafe { Self::destroy(this) };
        }
    }

    /// Frees the heap and its pages.
    ///
    /// # Safety
    /// The owner has left, and no block is alive.
    unsafe fn destroy(this: NonNull<Self>) {
        // SAFETY: it came from a box, and nobody else is left.
        let heap = unsafe { Box::from_raw(this.as_ptr()) };
        let mut page = heap.pages.take();
        while let Some(here) = page {
            // SAFETY: the page is this heap's.
            page = unsafe { here.as_ref() }.next.get();
            // SAFETY: no block is alive, and the lists go with the heap.
            unsafe { Page::release(here) };
        }
    }

    fn each_page(&self, mut visit: impl FnMut(&Page)) {
        let mut page = self.pages.get();
        while let Some(here) = page {
            // SAFETY: the page is this heap's.
            let head = unsafe { here.as_ref() };
            visit(head);
            page = head.next.get();
        }
    }

    /// Writes to each page how many of its blocks are free.
    fn count_free(&self) {
        self.each_page(|page| page.free.set(0));
        for class in &self.classes {
            let mut node = class.free.get();
            while let Some(here) = NonNull::new(node) {
                // SAFETY: a free block of this heap's has a page.
                let page = unsafe { Page::head_of(here) };
                page.free.set(page.free.get() + 1);
                // SAFETY: the list's blocks begin with nodes.
                node = unsafe { here.as_ref() }.next();
            }
        }
    }
}

impl Page {
    /// Whether a block can still be cut from it.
    fn is_whole(&self) -> bool {
        self.cut.get() < self.total
    }

    /// Whether no block is alive; valid after the free ones were counted.
    fn is_empty(&self) -> bool {
        self.free.get() == self.cut.get()
    }
}

/// Poisons a free block, except for the node at its start.
///
/// # Safety
/// The block is free and the caller's.
#[inline(always)]
unsafe fn poison_behind_node(block: NonNull<Node>, size: usize) {
    if cfg!(any(debug_assertions, bywash_asan)) {
        // SAFETY: a block is at least as large as a node.
        let behind = unsafe { block.add(1) }.cast();
        // SAFETY: the rest of the block, which nobody refers to.
        unsafe { poison::freed(behind, size - size_of::<Node>()) };
    }
}
