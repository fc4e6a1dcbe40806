//! What the clones of a pool's handle share.

use core::alloc::Layout;
use std::vec::Vec;

use bywash_sync::atomic::AtomicUsize;

use super::local;

/// A pool without its type: the layouts of its classes.
#[derive(Debug)]
pub(super) struct Shared {
    classes: Vec<Layout>,
    /// Bytes in heap boxes, and the most that there may be.
    pub(super) heap_bytes: AtomicUsize,
    pub(super) heap_budget: AtomicUsize,
}

impl Shared {
    pub(super) fn new(classes: Vec<Layout>) -> Self {
        let (heap_bytes, heap_budget) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        Self {
            classes,
            heap_bytes,
            heap_budget,
        }
    }

    pub(super) fn classes(&self) -> &[Layout] {
        &self.classes
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        local::forget(self);
    }
}
