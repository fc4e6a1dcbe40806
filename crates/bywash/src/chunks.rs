//! Where a worker's frames get their memory: on the node that the worker was placed on, or the heap.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Arc;

use bywash_arena::{ChunkSource, HeapChunks, NoChunk};
use bywash_topology::{NodeId, NodeMemory, Pinning, Topology};

/// The chunk source of a worker's frames.
///
/// On a machine of several NUMA nodes, a worker with a place takes whole pages that are asked to lie on
/// its node, whoever touches them first: two system calls a chunk, which the worker then keeps. Where
/// the system does not grant the node, pages come from where they are first touched. Any other worker,
/// and every guest, takes chunks from the heap.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    near: Option<(Arc<Topology>, NodeId)>,
}

impl Chunks {
    /// The sources of workers placed as `pinning` says.
    pub(crate) fn of(pinning: Option<&Pinning>) -> impl Fn(usize) -> Self {
        let pinning = pinning.filter(|pinning| pinning.topology().nodes().len() > 1);
        let topology = pinning.map(|pinning| Arc::new(pinning.topology().clone()));
        move |worker| {
            let node = pinning.and_then(|pinning| pinning.plan().worker(worker).node);
            Self {
                near: topology.clone().zip(node),
            }
        }
    }

    /// The node that memory is asked to lie on, if any is.
    pub fn node(&self) -> Option<NodeId> {
        self.near.as_ref().map(|&(_, node)| node)
    }
}

// SAFETY: a chunk is what the heap's source hands out, or a range of pages of its own that `release`
// gives back; neither moves with the source.
unsafe impl ChunkSource for Chunks {
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        let Some((topology, node)) = &self.near else {
            return HeapChunks.acquire(layout);
        };
        const NONE: NoChunk = NoChunk {
            left: 0,
            limit: usize::MAX,
        };
        let memory = NodeMemory::on_node(topology, Some(*node), layout.size()).map_err(|_| NONE)?;
        if !memory.start().addr().get().is_multiple_of(layout.align()) {
            // Aligned beyond a page, which nobody asks a frame for.
            return Err(NONE);
        }
        let (start, bytes) = memory.into_raw();
        Ok(NonNull::slice_from_raw_parts(start, bytes))
    }

    unsafe fn release(&self, chunk: NonNull<[u8]>) {
        if self.near.is_none() {
            // SAFETY: passed on to the caller; the heap's source handed the chunk out.
            return unsafe { HeapChunks.release(chunk) };
        }
        // SAFETY: `acquire` took the range from `into_raw`, and it comes back once.
        drop(unsafe { NodeMemory::from_raw(chunk.cast(), chunk.len()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bywash_arena::Arena;
    use bywash_topology::{Beyond, Placement};

    /// Two nodes of one core each.
    fn two_nodes() -> Pinning {
        let mut machine = Topology::builder();
        machine.package().node().llc().cores(1, 1);
        machine.package().node().llc().cores(1, 1);
        let machine = machine.build().unwrap();
        Pinning::new(machine, Placement::scatter(), 2, Beyond::Wrap).unwrap()
    }

    #[test]
    fn workers_on_two_nodes_take_memory_from_two_nodes() {
        let pinning = two_nodes();
        let chunks = Chunks::of(Some(&pinning));
        assert!(chunks(0).node().is_some());
        assert!(chunks(1).node().is_some());
        assert_ne!(chunks(0).node(), chunks(1).node());
    }

    #[test]
    fn without_a_placement_memory_comes_from_the_heap() {
        assert_eq!(Chunks::of(None)(0).node(), None);
    }

    #[test]
    fn an_arena_on_a_node_holds_what_it_was_given_and_gives_all_back() {
        let mut arena = Arena::with_source(Chunks::of(Some(&two_nodes()))(1));
        for round in 0..3 {
            let small = arena.alloc(round);
            let large = arena.alloc_slice_fill_with(100_000, |index| index + round);
            assert_eq!(*small, round);
            assert!(
                large
                    .iter()
                    .enumerate()
                    .all(|(index, &value)| value == index + round)
            );
            arena.reset();
        }
    }
}
