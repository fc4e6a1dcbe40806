//! One thread's part of a pool: free lists by class, the pages under them, and an inbox.
//!
//! The owner alone changes lists and pages. Other threads touch the pages' owner word, the inbox,
//! and the blocks they hold.
//!
//! Two may have no more use for a heap: its owner, when the thread ends, and its pool, when the
//! last handle goes. Whoever comes first counts the blocks that are alive and closes the inbox;
//! from then on who frees a block counts down, and the last one releases the pages, see
//! [`inbox`](super::inbox). The pool reads the owner's lists for that: what is in them is home, and a
//! push is the owner's last touch of a block. What the owner frees at that very moment the pool
//! counts as alive; it finds itself behind what the pool has seen, and counts down when the owner
//! leaves. The heap itself lives while the owner, the pool or a block refers to it.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use std::boxed::Box;
use std::sync::Arc;

use bywash_sync::atomic::{AtomicPtr, Ordering};
use bywash_sync::lock::{Mutex, MutexGuard};
use bywash_sync::{mutant, ordering};

use super::inbox::{Given, Inbox, Node, Taken};
use super::page::{NOBODY, Page};
use super::trace::Trace;
use crate::poison;

/// Blocks are cut from a page a few at a time, so that a small pool touches little memory.
const CUT_BYTES: usize = 2048;

/// A thread's part of a pool. Always in the `Arc` that [`create`](Heap::create) returns.
#[derive(Debug)]
pub struct Heap {
    inbox: Inbox,
    owner: u64,
    pages: Cell<Option<NonNull<Page>>>,
    classes: Box<[Class]>,
    /// Who left first; held while somebody leaves.
    left: Mutex<Option<Leaver>>,
    trace: Arc<Trace>,
}

/// Who has no more use for a heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaver {
    Owner,
    Pool,
}

// SAFETY: cells and lists are the owner's; the pool reads them when it leaves, and what it reads was
// published or happened before the last handle went; who releases the pages is alone with them.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

/// Blocks of one size.
#[derive(Debug)]
pub(crate) struct Class {
    /// The free blocks, most recently freed first.
    free: AtomicPtr<Node>,
    /// What `free` was when the heap's blocks were counted for the last time.
    counted: Cell<*mut Node>,
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
            free: AtomicPtr::new(ptr::null_mut()),
            counted: Cell::new(ptr::null_mut()),
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
        // Relaxed, as is the store: only the owner pops, and nobody else looks before it stops.
        let node = NonNull::new(self.free.load(Ordering::Relaxed))?;
        // SAFETY: the list holds free blocks of this thread's, each beginning with a node.
        let next = unsafe { node.read() }.next();
        self.free.store(next, Ordering::Relaxed);
        Some(node)
    }

    #[inline(always)]
    fn push(&self, block: NonNull<Node>) {
        let node = Node::new(self.free.load(Ordering::Relaxed));
        // SAFETY: the block is free, this thread's, and large enough for a node.
        unsafe { block.write(node) };
        // Release: pairs with the Acquire in `list`, whose thread reads the node, and may release
        // the page: this is the last touch.
        let order = ordering!(Release, "heap.push" => Relaxed);
        self.free.store(block.as_ptr(), order);
    }

    /// The free blocks.
    fn list(&self) -> Taken {
        // Acquire: pairs with the Release in `push`; the nodes are read next.
        Taken::from(self.free.load(ordering!(Acquire, "heap.list" => Relaxed)))
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
        unsafe { poison::taken(node.cast(), class.size) };
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
                // SAFETY: the block is free: nobody looks behind its node.
                unsafe { poison_behind_node(block, class.size) };
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

    /// The owner leaves: pages without a live block go at once, the rest with the last block.
    ///
    /// # Safety
    /// The caller is the heap's owner, and does not use the heap after this.
    pub unsafe fn leave_as_owner(&self) {
        let mut left = self.leaving();
        match left.replace(Leaver::Owner) {
            None => {
                self.trim();
                // SAFETY: the owner does not allocate any more, and nobody has left before.
                unsafe { self.close() };
            }
            Some(_) if mutant("heap.leave.late") => {}
            Some(_) => self.give_late(),
        }
    }

    /// The pool leaves: what the owner has freed goes back, the rest with the last block.
    ///
    /// # Safety
    /// Whatever was allocated from the heap was so before this, and nobody will again.
    pub unsafe fn leave_as_pool(&self) {
        let mut left = self.leaving();
        if left.is_none() {
            *left = Some(Leaver::Pool);
            // SAFETY: nobody allocates any more, and nobody has left before.
            unsafe { self.close() };
        }
    }

    fn leaving(&self) -> MutexGuard<'_, Option<Leaver>> {
        // Nothing that can panic runs under the lock, so a poisoned one is whole.
        self.left
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts the blocks that are alive and leaves the pages to those who hold them.
    ///
    /// # Safety
    /// Nobody allocates from the heap any more. The first who leaves calls this, once.
    unsafe fn close(&self) {
        let mut alive = 0;
        self.each_page(|page| {
            alive += page.cut.get();
            // Relaxed: the owner's later frees see it, or are found in its list when it leaves.
            page.owner.store(NOBODY, Ordering::Relaxed);
        });
        for class in &self.classes {
            let list = class.list();
            class.counted.set(list.head());
            alive -= list.count();
        }
        if self.inbox.close(alive, |_| {}) == Given::Last {
            // SAFETY: no block is alive.
            unsafe { Self::release_pages(NonNull::from(self)) };
        }
    }

    /// Counts down what the owner freed without seeing that the pool had left.
    fn give_late(&self) {
        for class in &self.classes {
            // Compared before it is read: what was counted may be released by now.
            let mut late = class.list().head();
            while late != class.counted.get()
                && let Some(node) = NonNull::new(late)
            {
                // SAFETY: a block that nobody has counted down, so its page is there.
                late = unsafe { node.as_ref() }.next();
                // SAFETY: a block that the pool counted as alive, and the owner has freed.
                unsafe { Self::free_remote(NonNull::from(self), node) };
            }
        }
    }

    /// Releases the pages, and the blocks' reference to the heap.
    ///
    /// # Safety
    /// The inbox is closed, no block is alive, and this is called once.
    unsafe fn release_pages(this: NonNull<Self>) {
        // SAFETY: the reference that `create` has left for the blocks.
        let heap = unsafe { Arc::from_raw(this.as_ptr()) };
        let mut page = heap.pages.take();
        while let Some(here) = page {
            // SAFETY: the page is this heap's.
            page = unsafe { here.as_ref() }.next.get();
            // SAFETY: no block is alive, and nobody looks into the lists any more.
            unsafe { Page::release(here) };
        }
    }

    /// Whether somebody has left and no block is alive.
    pub(super) fn is_over(&self) -> bool {
        self.inbox.is_over()
    }

    /// Whether the heap has pages, for a model in which nobody else is left.
    #[cfg(bywash_loom)]
    pub fn has_pages(&self) -> bool {
        self.pages.get().is_some()
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
            for node in class.list() {
                // SAFETY: a free block of this heap's has a page.
                let page = unsafe { Page::head_of(node) };
                page.free.set(page.free.get() + 1);
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
        self.free.get() == self.cut.get() || mutant("heap.trim.in_flight")
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
