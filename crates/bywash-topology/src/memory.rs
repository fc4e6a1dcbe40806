//! Memory on a NUMA node of choice, and a report of where its pages lie.

use std::collections::BTreeMap;
use std::ptr::NonNull;

#[cfg(not(target_os = "linux"))]
use crate::elsewhere as mapping;
use crate::error::Error;
#[cfg(target_os = "linux")]
use crate::mapping;
use crate::model::{NodeId, Topology};

/// What became of a request for memory on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryBinding {
    /// Pages come from the node as they are first touched, as long as it has free memory.
    Bound,
    /// No node was asked for, or the machine has just one: pages come from where the thread
    /// runs that first touches them.
    FirstTouch,
    /// The system cannot bind memory, or the topology is not of this machine: first touch.
    Unsupported,
    /// The system refused with this error number: first touch.
    Refused(i32),
}

/// Memory straight from the system: zeroed, page-aligned, and asked to lie on one node.
///
/// It is meant as the raw material of an arena's chunks: [`NodeMemory::into_raw`] hands the
/// range over, [`NodeMemory::from_raw`] takes it back, and dropping returns it to the system.
#[derive(Debug)]
pub struct NodeMemory {
    start: NonNull<u8>,
    bytes: usize,
    binding: MemoryBinding,
}

// SAFETY: the memory is owned, not shared, and the system frees it from any thread.
unsafe impl Send for NodeMemory {}

// SAFETY: a shared reference gives out addresses and numbers, and touches no byte.
unsafe impl Sync for NodeMemory {}

/// How many pages of a range lie on which node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageReport {
    /// Pages on each node.
    pub nodes: BTreeMap<NodeId, usize>,
    /// Pages that nobody has touched yet, so that they lie nowhere.
    pub untouched: usize,
    /// Pages of which the system does not say where they lie.
    pub unknown: usize,
}

impl NodeMemory {
    /// Maps at least `bytes` bytes (rounded up to whole pages, at least one), to lie on `node`.
    /// Two system calls; no page is touched. A node that cannot be had is no error: the memory
    /// is then placed by first touch, and [`NodeMemory::binding`] says so.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when the system has no room.
    pub fn on_node(
        topology: &Topology,
        node: Option<NodeId>,
        bytes: usize,
    ) -> Result<NodeMemory, Error> {
        let page = mapping::page_size();
        let rounded = bytes.max(1).checked_next_multiple_of(page);
        let start = match rounded {
            Some(bytes) => mapping::map(bytes),
            None => Err("the size overflows when rounded to pages".to_owned()),
        };
        let start = start.map_err(|reason| Error::OutOfMemory { bytes, reason })?;
        let mut memory = NodeMemory {
            start,
            bytes: rounded.unwrap_or(page),
            binding: MemoryBinding::FirstTouch,
        };
        if let Some(node) = node.filter(|_| topology.nodes().len() > 1) {
            memory.binding = if topology.is_this_system() {
                mapping::bind(&memory, node)
            } else {
                MemoryBinding::Unsupported
            };
        }
        Ok(memory)
    }

    /// The first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The length in bytes, a multiple of the page size.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the node was granted.
    pub fn binding(&self) -> MemoryBinding {
        self.binding
    }

    /// Where the pages lie now. One system call; allocates two words a page.
    pub fn pages(&self) -> PageReport {
        mapping::pages(self)
    }

    /// Gives the range away: start and length, to be taken back by [`NodeMemory::from_raw`],
    /// else it is never returned to the system.
    pub fn into_raw(self) -> (NonNull<u8>, usize) {
        let range = (self.start, self.bytes);
        std::mem::forget(self);
        range
    }

    /// Takes a range back, so that dropping returns it to the system.
    ///
    /// # Safety
    /// `start` and `bytes` are what one [`NodeMemory::into_raw`] returned, each range is
    /// taken back once, and nothing uses it any more except through the answer.
    pub unsafe fn from_raw(start: NonNull<u8>, bytes: usize) -> NodeMemory {
        NodeMemory {
            start,
            bytes,
            binding: MemoryBinding::FirstTouch,
        }
    }
}

impl Drop for NodeMemory {
    fn drop(&mut self) {
        mapping::unmap(self);
    }
}
