//! One thread's part of a pool: free lists by class, the pages under them, and an inbox.
//!
//! The owner alone changes lists and pages. Other threads touch the pages' owner word, the inbox,
//! and the blocks they hold. How a heap ends is told in [`leaving`](super::leaving).

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use std::boxed::Box;
use std::sync::Arc;

use bywash_sync::lock::Mutex;
use bywash_sync::mutant;

use super::class::{Class, poison_behind_node};
use super::inbox::{Given, Inbox, Node};
use super::leaving::Leaver;
use super::page::Page;
use super::trace::Trace;
use crate::poison;

/// Blocks are cut from a page a few at a time, so that a small pool touches little memory.
const CUT_BYTES: usize = 2048;

/// A thread's part of a pool. Always in the `Arc` that [`create`](Heap::create) returns.
#[derive(Debug)]
pub struct Heap {
    pub(super) inbox: Inbox,
    owner: u64,
    pub(super) pages: Cell<Option<NonNull<Page>>>,
    pub(super) classes: Box<[Class]>,
    /// Who left first; held while somebody leaves.
    pub(super) left: Mutex<Option<Leaver>>,
    trace: Arc<Trace>,
}

// SAFETY: cells and lists are the owner's; the pool reads them when it leaves, and what it reads was
// published or happened before the last handle went; who releases the pages is alone with them.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

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
    pub fn create(owner: u64, classes: &[Layout], trace: Arc<Trace>) -> Arc<Self> {
        let heap = Arc::new(Self {
            inbox: Inbox::new(),
            owner,
            pages: Cell::new(None),
            classes: classes.iter().map(|&block| Class::new(block)).collect(),
            left: Mutex::new(None),
            trace,
        });
        // The blocks' reference: `release_pages` drops it.
        let _ = Arc::into_raw(Arc::clone(&heap));
        heap
    }

    /// A block of class `class`, or `None` when there is no memory for a page. The owner only.
    ///
    /// # Safety
    /// The caller is the heap's owner, nobody has left the heap, and `class` is one of its classes.
    #[inline(always)]
    #[track_caller]
    pub unsafe fn alloc(&self, class: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller vouches for the index.
        let class = unsafe { self.classes.get_unchecked(class) };
        let node = match class.pop() {
            Some(node) => node,
            None => {
                core::hint::cold_path();
                self.refill(class)?
            }
        };
        self.trace.made(node.cast());
        // SAFETY: the block's whole memory.
        unsafe { poison::taken(node.cast(), class.size()) };
        Some(node.cast())
    }

    /// Takes what came home, else cuts a few blocks more.
    #[cold]
    #[inline(never)]
    fn refill(&self, class: &Class) -> Option<NonNull<Node>> {
        self.collect();
        if let Some(node) = class.pop() {
            return Some(node);
        }
        let page = match class.cutting.get() {
            // SAFETY: the page is the owner's.
            Some(page) if unsafe { page.as_ref() }.is_whole() => page,
            _ => self.add_page(class)?,
        };
        let first = Page::cut(page, class)?;
        // The list hands out ascending addresses: what is cut later goes behind.
        let more = (CUT_BYTES / class.size()).min(64);
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
                // SAFETY: the block is free: nobody looks behind its node.
                unsafe { poison_behind_node(block, class.size()) };
                class.push(block);
            }
        }
        Some(first)
    }

    fn add_page(&self, class: &Class) -> Option<NonNull<Page>> {
        let page = Page::allocate(self.owner, NonNull::from(self), class)?;
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
        // SAFETY: the block's heap lives while the block does.
        unsafe { head.heap.as_ref() }.trace.freed(block);
        // SAFETY: the block's size never changes, and its heap lives while the block does.
        let class = unsafe { head.class.as_ref() };
        // SAFETY: the block is free: nobody looks behind its node.
        unsafe { poison_behind_node(node, class.size()) };
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
    pub(super) unsafe fn free_remote(heap: NonNull<Self>, node: NonNull<Node>) {
        // SAFETY: the heap lives while a block of it does.
        let inbox = unsafe { &raw const (*heap.as_ptr()).inbox };
        // SAFETY: as above. Another thread may free the heap once the block is given; the inbox is
        // nothing but an atomic word, which a reference may outlive.
        let inbox = unsafe { &*inbox };
        // SAFETY: the block is this heap's and the caller's.
        if unsafe { inbox.give(node) } == Given::Last {
            // SAFETY: the heap was left, and this was the last block.
            unsafe { Self::release_pages(heap) };
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
    pub fn trim(&self) -> usize {
        if !mutant("heap.trim.without_collect") {
            self.collect();
        }
        self.count_free();
        for class in &self.classes {
            // Blocks of pages that go leave the list; the others keep their order.
            let mut kept = ptr::null_mut::<Node>();
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
                class.push(node);
            }
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

    pub(super) fn each_page(&self, mut visit: impl FnMut(&Page)) {
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
            for node in class.list() {
                // SAFETY: a free block of this heap's has a page.
                let page = unsafe { Page::head_of(node) };
                page.free.set(page.free.get() + 1);
            }
        }
    }
}
