//! Memory asked to lie on a node.

use bywash_topology::{MemoryBinding, NodeId, NodeMemory, Topology};

#[test]
fn fresh_memory_is_zeroed_aligned_and_untouched() {
    let machine = Topology::detect().unwrap();
    let node = machine.nodes()[0].id;
    let memory = NodeMemory::on_node(&machine, Some(node), 10_000).unwrap();
    assert!(memory.bytes() >= 10_000);
    assert_eq!(memory.start().as_ptr().addr() % 4096, 0);
    // SAFETY: the range is owned, mapped, zeroed and nobody else knows it.
    let bytes = unsafe { std::slice::from_raw_parts(memory.start().as_ptr(), memory.bytes()) };
    assert!(bytes.iter().all(|&byte| byte == 0));
}

#[test]
#[cfg(target_os = "linux")]
fn the_report_knows_touched_pages_from_untouched_ones() {
    let machine = Topology::detect().unwrap();
    let memory = NodeMemory::on_node(&machine, None, 16 * 65_536).unwrap();
    let before = memory.pages();
    let pages = before.untouched + before.unknown;
    assert!(before.nodes.is_empty(), "{before:?}");
    // SAFETY: the first byte is in the range, which is owned and mapped writable.
    unsafe { memory.start().as_ptr().write(1) };
    let after = memory.pages();
    assert!(
        after.nodes.is_empty() || after.unknown == 0,
        "what is not placed is untouched: {after:?}"
    );
    assert_eq!(
        after.nodes.values().sum::<usize>() + after.untouched + after.unknown,
        pages
    );
    if after.unknown == 0 {
        let known: Vec<NodeId> = machine.nodes().iter().map(|node| node.id).collect();
        assert!(!after.nodes.is_empty());
        assert!(
            after.nodes.keys().all(|node| known.contains(node)),
            "{after:?}"
        );
    }
}

#[test]
fn a_range_given_away_can_be_taken_back() {
    let machine = Topology::flat(2);
    let memory = NodeMemory::on_node(&machine, Some(NodeId(0)), 1).unwrap();
    assert_eq!(memory.binding(), MemoryBinding::FirstTouch);
    let (start, bytes) = memory.into_raw();
    // SAFETY: this is the range that was just given away, and this is its only return.
    let back = unsafe { NodeMemory::from_raw(start, bytes) };
    assert_eq!((back.start(), back.bytes()), (start, bytes));
}

#[test]
fn a_foreign_machines_nodes_are_not_bound_to() {
    let mut foreign = Topology::builder();
    foreign
        .package()
        .node()
        .cores(1, 1)
        .package()
        .node()
        .cores(1, 1);
    let foreign = foreign.build().unwrap();
    let memory = NodeMemory::on_node(&foreign, Some(NodeId(1)), 1).unwrap();
    assert_eq!(memory.binding(), MemoryBinding::Unsupported);
}

#[test]
fn an_absurd_size_is_an_error() {
    let machine = Topology::flat(1);
    for bytes in [usize::MAX, usize::MAX / 2] {
        let error = NodeMemory::on_node(&machine, None, bytes).unwrap_err();
        assert!(error.to_string().contains("cannot map"), "{error}");
    }
}
