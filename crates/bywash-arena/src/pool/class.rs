//! Blocks of one size in a heap: the list of the free ones.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

use bywash_sync::atomic::{AtomicPtr, Ordering};
use bywash_sync::ordering;

use super::inbox::{Node, Taken};
use super::page::Page;
use crate::batch::CACHE_LINE;
use crate::poison;

/// Blocks of one size.
#[derive(Debug)]
pub(crate) struct Class {
    /// The free blocks, most recently freed first.
    free: AtomicPtr<Node>,
    /// What `free` was when the heap's blocks were counted for the last time.
    pub(super) counted: Cell<*mut Node>,
    /// The page that blocks are being cut from.
    pub(super) cutting: Cell<Option<NonNull<Page>>>,
    size: usize,
    first: usize,
}

impl Class {
    pub(super) fn new(block: Layout) -> Self {
        let block = block_of(block);
        // On a line of its own: other threads read the head, and small blocks cross no line.
        let first = size_of::<Page>().next_multiple_of(block.align().max(CACHE_LINE));
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
    pub(super) fn pop(&self) -> Option<NonNull<Node>> {
        // Relaxed, as is the store: only the owner pops, and nobody else looks before it stops.
        let node = NonNull::new(self.free.load(Ordering::Relaxed))?;
        // SAFETY: the list holds free blocks of this thread's, each beginning with a node.
        let next = unsafe { node.read() }.next();
        self.free.store(next, Ordering::Relaxed);
        Some(node)
    }

    #[inline(always)]
    pub(super) fn push(&self, block: NonNull<Node>) {
        let node = Node::new(self.free.load(Ordering::Relaxed));
        // SAFETY: the block is free, this thread's, and large enough for a node.
        unsafe { block.write(node) };
        // Release: pairs with the Acquire in `list`, whose thread reads the node, and may release
        // the page: this is the last touch.
        let order = ordering!(Release, "heap.push" => Relaxed);
        self.free.store(block.as_ptr(), order);
    }

    /// The free blocks.
    pub(super) fn list(&self) -> Taken {
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

/// Poisons a free block, except for the node at its start.
///
/// # Safety
/// The block is free and the caller's.
#[inline(always)]
pub(super) unsafe fn poison_behind_node(block: NonNull<Node>, size: usize) {
    if cfg!(any(debug_assertions, bywash_asan)) {
        // SAFETY: a block is at least as large as a node.
        let behind = unsafe { block.add(1) }.cast();
        // SAFETY: the rest of the block, which nobody refers to.
        unsafe { poison::freed(behind, size - size_of::<Node>()) };
    }
}
