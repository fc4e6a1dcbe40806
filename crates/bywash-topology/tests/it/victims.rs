//! Whom a worker visits, spelled out on machines small enough to check by hand.

use bywash_topology::{Beyond, Level, Placement, Plan, Topology};

use crate::machines::{list, shapes};

/// Two packages of two nodes, two LLCs of two SMT cores each, the second package far from the first.
fn machine() -> Topology {
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.package();
        for _ in 0..2 {
            machine.node().llc().cores(2, 2).llc().cores(2, 2);
        }
    }
    machine.distances(&[
        &[10, 12, 32, 33],
        &[12, 10, 33, 32],
        &[32, 33, 10, 12],
        &[33, 32, 12, 10],
    ]);
    machine.build().unwrap()
}

fn compact(machine: &Topology) -> Plan {
    Placement::compact()
        .plan(machine, machine.usable_count(), Beyond::Error)
        .unwrap()
}

fn visited(plan: &Plan, thief: usize) -> Vec<(usize, u8, u32)> {
    let victims = plan.victims(thief);
    victims
        .iter()
        .map(|victim| (victim.worker, victim.level.number(), victim.slit))
        .collect()
}

#[test]
fn rings_widen_from_the_core_to_the_far_package() {
    let plan = compact(&machine());
    let near = [
        (1, 1, 10),
        (2, 2, 10),
        (3, 2, 10),
        (4, 3, 10),
        (5, 3, 10),
        (6, 3, 10),
        (7, 3, 10),
        (8, 4, 12),
    ];
    assert_eq!(visited(&plan, 0)[..8], near);
    let far: Vec<(usize, u8, u32)> = visited(&plan, 0)[15..].to_vec();
    let expected = (16..32).map(|worker| (worker, 6, if worker < 24 { 32 } else { 33 }));
    assert_eq!(far, expected.collect::<Vec<_>>());
}

#[test]
fn within_a_ring_each_thief_begins_with_the_next_worker_after_it() {
    let plan = compact(&machine());
    // Worker 6 shares its node with 0 to 5 and 7: past its own LLC it starts over at 0.
    let ring: Vec<usize> = plan
        .victims(6)
        .iter()
        .filter(|victim| victim.level == Level::Node)
        .map(|victim| victim.worker)
        .collect();
    assert_eq!(ring, [0, 1, 2, 3]);
    let llc: Vec<usize> = plan
        .victims(5)
        .iter()
        .filter(|victim| victim.level == Level::Llc)
        .map(|victim| victim.worker)
        .collect();
    assert_eq!(llc, [6, 7]);
    let first_far: Vec<usize> = (0..4)
        .map(|thief| {
            plan.victims(thief)
                .iter()
                .find(|victim| victim.level == Level::Remote)
                .unwrap()
                .worker
        })
        .collect();
    assert_eq!(
        first_far,
        [16, 16, 16, 16],
        "upward from the thief, the far node's first comes first"
    );
    let back: Vec<usize> = (20..24)
        .map(|thief| {
            plan.victims(thief)
                .iter()
                .find(|victim| victim.level == Level::Remote)
                .unwrap()
                .worker
        })
        .collect();
    assert_eq!(back, [0, 0, 0, 0], "and round the end of the ring");
}

#[test]
fn an_irregular_slit_orders_nodes_of_one_level() {
    let shape = shapes()
        .into_iter()
        .find(|shape| shape.file.contains("bulldozer"))
        .unwrap();
    let plan = compact(&shape.topology());
    let nodes: Vec<usize> = plan
        .victims(0)
        .iter()
        .skip(7)
        .step_by(8)
        .map(|victim| victim.worker / 8)
        .collect();
    // Row 0 of the matrix: 10 16 16 22 16 22 16 22, and node 1 is in the same package.
    assert_eq!(nodes, [1, 2, 4, 6, 3, 5, 7]);
}

#[test]
fn unbound_workers_are_as_far_as_any_usable_pu_can_be() {
    let machine = machine();
    let plan = Placement::none().plan(&machine, 5, Beyond::Error).unwrap();
    assert_eq!(
        visited(&plan, 3),
        [(4, 6, 33), (0, 6, 33), (1, 6, 33), (2, 6, 33)]
    );

    let one_llc = machine.restricted_to(&list("0-3")).unwrap();
    let plan = Placement::none().plan(&one_llc, 2, Beyond::Error).unwrap();
    assert_eq!(plan.victims(0)[0].level, Level::Llc);

    let two_nodes = machine.restricted_to(&list("0-15")).unwrap();
    let plan = Placement::none()
        .plan(&two_nodes, 2, Beyond::Error)
        .unwrap();
    assert_eq!(plan.victims(0)[0].level, Level::Package);
}

#[test]
fn workers_that_share_a_pu_share_its_core() {
    let plan = Placement::linear()
        .plan(&Topology::flat(2), 4, Beyond::Wrap)
        .unwrap();
    assert_eq!(
        plan.victims(0)
            .iter()
            .map(|victim| victim.worker)
            .collect::<Vec<_>>(),
        [2, 1, 3]
    );
    assert_eq!(plan.victims(0)[0].level, Level::Core);
}
