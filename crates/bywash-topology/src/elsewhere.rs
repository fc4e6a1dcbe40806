//! What stands behind [`NodeMemory`] where nodes cannot be chosen: the global allocator.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::memory::{MemoryBinding, NodeMemory, PageReport};
use crate::model::NodeId;

/// The alignment that is given, and the unit of sizes.
pub(crate) const fn page_size() -> usize {
    4096
}

/// Allocates zeroed memory.
pub(crate) fn map(bytes: usize) -> Result<NonNull<u8>, String> {
    let layout = Layout::from_size_align(bytes, page_size()).map_err(|error| error.to_string())?;
    // SAFETY: `NodeMemory` rounds sizes up to whole pages, at least one, so it is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    NonNull::new(start).ok_or_else(|| "the allocator has no room".to_owned())
}

/// Nodes cannot be chosen.
pub(crate) fn bind(_: &NodeMemory, _: NodeId) -> MemoryBinding {
    MemoryBinding::Unsupported
}

/// The system does not say.
pub(crate) fn pages(memory: &NodeMemory) -> PageReport {
    PageReport {
        unknown: memory.bytes() / page_size(),
        ..PageReport::default()
    }
}

/// Frees the memory.
pub(crate) fn unmap(memory: &mut NodeMemory) {
    if let Ok(layout) = Layout::from_size_align(memory.bytes(), page_size()) {
        // SAFETY: `map` allocated this range with this very layout, and its owner is being
        // dropped.
        unsafe { dealloc(memory.start().as_ptr(), layout) }
    }
}
