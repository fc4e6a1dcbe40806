//! How a heap ends: its owner and its pool leave it, and the last block takes the pages along.
//!
//! Two may have no more use for a heap: its owner, when the thread ends, and its pool, when the
//! last handle goes. Whoever comes first counts the blocks that are alive and closes the inbox;
//! from then on who frees a block counts down, and the last one releases the pages, see
//! [`inbox`](super::inbox). The pool reads the owner's lists for that: what is in them is home, and a
//! push is the owner's last touch of a block. What the owner frees at that very moment the pool
//! counts as alive; it finds itself behind what the pool has seen, and counts down when the owner
//! leaves. The heap itself lives while the owner, the pool or a block refers to it.

use core::ptr::NonNull;
use std::sync::{Arc, PoisonError};

use bywash_sync::atomic::Ordering;
use bywash_sync::lock::MutexGuard;
use bywash_sync::mutant;

use super::heap::Heap;
use super::inbox::Given;
use super::page::{NOBODY, Page};

/// Who has no more use for a heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaver {
    Owner,
    Pool,
}

impl Heap {
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
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(super) unsafe fn release_pages(this: NonNull<Self>) {
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
}
