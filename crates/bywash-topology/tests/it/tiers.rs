//! The home LLC, the order of spillover and where its tiers end, on machines checked by hand.

use bywash_topology::{Beyond, Placement, Topology};

use crate::machines::{list, shapes};

fn ids(machine: &Topology, placement: Placement) -> Vec<u32> {
    let order = placement.order(machine).unwrap();
    order
        .into_iter()
        .map(|position| machine.pus()[position].id.0)
        .collect()
}

#[test]
fn cores_outside_any_llc_are_grouped_by_node_and_package_or_by_their_l2() {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(4, 1);
    machine.without_llc().cores(2, 1);
    machine.l2().cores(2, 1).l2().cores(2, 1);
    let machine = machine.build().unwrap();
    let groups: Vec<usize> = machine.pus().iter().map(|pu| pu.llc).collect();
    assert_eq!(groups, [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]);
    let has_cache: Vec<bool> = machine.llcs().iter().map(|llc| llc.has_cache).collect();
    assert_eq!(has_cache, [true, false, true, true]);
    assert_eq!(machine.counts().l3_groups, 1);
}

#[test]
fn small_llcs_are_merged_into_tiers_of_workable_size() {
    let cores_of_tiers = |file: &str| -> Vec<usize> {
        let shape = shapes()
            .into_iter()
            .find(|shape| shape.file.contains(file))
            .unwrap();
        let machine = shape.topology();
        let placement = Placement::tiered_spillover();
        let capacity = placement.capacity(&machine).unwrap();
        let plan = placement.plan(&machine, capacity, Beyond::Error).unwrap();
        plan.tiers().iter().map(|tier| tier.workers.len()).collect()
    };
    assert_eq!(cores_of_tiers("rome"), [6, 6, 6, 6, 6, 6, 6, 6, 48]);
    assert_eq!(cores_of_tiers("power7"), [vec![4; 16], vec![192]].concat());
    assert_eq!(cores_of_tiers("strix"), [4, 8, 12]);
    assert_eq!(cores_of_tiers("kunpeng"), [32, 32, 32, 32]);
    assert_eq!(cores_of_tiers("opteron6134"), [4, 2]);
    assert_eq!(cores_of_tiers("hybrid"), [14, 6]);
}

#[test]
fn a_node_whose_llcs_do_not_divide_evenly_is_finished_before_the_next() {
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.package().node();
        machine
            .llc()
            .cores(3, 1)
            .llc()
            .cores(3, 1)
            .llc()
            .cores(3, 1);
    }
    let machine = machine.build().unwrap();
    let plan = Placement::tiered_spillover()
        .plan(&machine, 18, Beyond::Error)
        .unwrap();
    let sizes: Vec<usize> = plan.tiers().iter().map(|tier| tier.workers.len()).collect();
    assert_eq!(sizes, [9, 9]);
    let cut = Placement::tiered_spillover()
        .plan(&machine, 11, Beyond::Error)
        .unwrap();
    let sizes: Vec<usize> = cut.tiers().iter().map(|tier| tier.workers.len()).collect();
    assert_eq!(sizes, [9, 2], "fewer workers leave a smaller last tier");
}

#[test]
fn packages_too_small_for_a_tier_are_no_reason_to_end_one() {
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.node();
        for _ in 0..9 {
            machine.package().llc().cores(1, 1);
        }
    }
    let machine = machine.build().unwrap();
    let plan = Placement::tiered_spillover()
        .plan(&machine, 18, Beyond::Error)
        .unwrap();
    let sizes: Vec<usize> = plan.tiers().iter().map(|tier| tier.workers.len()).collect();
    assert_eq!(sizes, [4, 5, 4, 5]);
}

#[test]
fn spillover_takes_the_siblings_llc_by_llc() {
    let mut machine = Topology::builder();
    machine.package().node();
    machine
        .llc()
        .cores(2, 3)
        .llc()
        .cores(1, 3)
        .llc()
        .cores(1, 3);
    let order = ids(&machine.build().unwrap(), Placement::tiered_spillover());
    assert_eq!(order[..4], [0, 3, 6, 9]);
    assert_eq!(order[4..], [1, 4, 2, 5, 7, 8, 10, 11]);
}

#[test]
fn the_home_llc_is_the_one_with_most_usable_cores() {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(4, 1).llc().cores(4, 1);
    let machine = machine.build().unwrap();
    assert_eq!(machine.home_llc(), 0);
    let masked = machine.restricted_to(&list("1-2,4-7")).unwrap();
    assert_eq!(masked.home_llc(), 1);
    assert_eq!(ids(&masked, Placement::ccd_isolation()), [4, 5, 6, 7]);
    let narrower = masked.restricted_to(&list("0-4")).unwrap();
    assert_eq!(narrower.usable(), list("1-2,4"), "restrictions add up");
}
