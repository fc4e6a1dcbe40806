//! What holds of every placement on every machine: the fourteen shapes, and random ones.

use std::collections::BTreeSet;

use bywash_topology::{
    Beyond, Level, MachineBuilder, OsNumbering, Placement, Pu, PuId, PuSet, Strategy as Order,
    Topology,
};
use proptest::prelude::*;

use crate::machines::shapes;

/// The strategies that place a worker on every usable PU.
fn full() -> [Placement; 6] {
    [
        Placement::linear(),
        Placement::compact(),
        Placement::avoid_smt(),
        Placement::scatter(),
        Placement::performance_cores_first(),
        Placement::tiered_spillover(),
    ]
}

fn order<'t>(machine: &'t Topology, placement: &Placement) -> Vec<&'t Pu> {
    let order = placement.order(machine).unwrap();
    order
        .into_iter()
        .map(|position| &machine.pus()[position])
        .collect()
}

fn ids(pus: &[&Pu]) -> Vec<u32> {
    pus.iter().map(|pu| pu.id.0).collect()
}

/// Everything the module promises of one machine.
fn check(machine: &Topology) {
    let usable = machine.usable();
    for placement in full() {
        let pus = order(machine, &placement);
        let set: PuSet = pus.iter().map(|pu| pu.id).collect();
        assert_eq!(
            pus.len(),
            usable.len(),
            "{placement} leaves nobody out and nobody twice"
        );
        assert_eq!(set, usable, "{placement}");
    }

    let usable_cores: BTreeSet<usize> = machine
        .pus()
        .iter()
        .filter(|pu| pu.is_usable)
        .map(|pu| pu.core)
        .collect();
    for placement in full().into_iter().skip(2) {
        let first: BTreeSet<usize> = order(machine, &placement)
            .iter()
            .take(usable_cores.len())
            .map(|pu| pu.core)
            .collect();
        assert_eq!(
            first, usable_cores,
            "{placement} uses each core before any sibling"
        );
    }

    let isolated = order(machine, &Placement::ccd_isolation());
    let home = machine.home_llc();
    let in_home = machine
        .pus()
        .iter()
        .filter(|pu| pu.is_usable && pu.llc == home)
        .count();
    assert!(isolated.iter().all(|pu| pu.llc == home) && isolated.len() == in_home);

    let local = order(machine, &Placement::numa_local_first());
    assert!(
        local
            .iter()
            .all(|pu| pu.node == local[0].node && pu.is_usable)
    );

    check_tiers(machine);
    for placement in Placement::all() {
        check_plan(machine, &placement);
    }
}

fn check_tiers(machine: &Topology) {
    let unmerged = order(machine, &Placement::tiered_spillover());
    for minimum in [1, 2, 4, 7, 1000] {
        let placement = Placement::tiered_spillover().tier_minimum(minimum);
        assert_eq!(
            ids(&order(machine, &placement)),
            ids(&unmerged),
            "merging moves no PU"
        );
        let plan = placement
            .plan(machine, unmerged.len(), Beyond::Error)
            .unwrap();
        let tiers = plan.tiers();
        let physical = unmerged.iter().filter(|pu| pu.smt_rank == 0).count();
        for (index, tier) in tiers.iter().enumerate() {
            assert_eq!(tier.number, index + 1);
            let end = tier.workers.end;
            assert!(tier.workers.start < end, "no tier is empty");
            let is_last_of_cores = end >= physical;
            if !is_last_of_cores {
                assert!(tier.workers.len() >= minimum, "only the last may be small");
                assert_ne!(
                    unmerged[end - 1].llc,
                    unmerged[end].llc,
                    "tiers end where LLCs end"
                );
            }
        }
        let ends: Vec<usize> = tiers.iter().map(|tier| tier.workers.end).collect();
        assert!(
            ends.contains(&physical),
            "siblings never share a tier with cores"
        );
        assert_eq!(ends.last(), Some(&unmerged.len()));
        for (index, worker) in plan.workers().iter().enumerate() {
            assert!(tiers[worker.tier - 1].workers.contains(&index));
        }
    }
}

fn check_plan(machine: &Topology, placement: &Placement) {
    let capacity = placement.capacity(machine).unwrap();
    let workers = capacity.min(40) + 3;
    for beyond in [Beyond::Truncate, Beyond::Wrap, Beyond::Unbound] {
        let plan = placement.plan(machine, workers, beyond).unwrap();
        let is_none = placement.strategy() == Order::None;
        let cut = beyond == Beyond::Truncate && !is_none && workers > capacity;
        assert_eq!(
            plan.len(),
            if cut { capacity } else { workers },
            "{placement}"
        );
        for (index, worker) in plan.workers().iter().enumerate() {
            let is_placed = !is_none && (index < capacity || beyond == Beyond::Wrap);
            assert_eq!(
                worker.pu.is_some(),
                is_placed,
                "{placement} {beyond:?} {index}"
            );
        }
        let tiers: Vec<usize> = plan.workers().iter().map(|worker| worker.tier).collect();
        assert!(tiers.is_sorted(), "tiers are monotone");
        for thief in [0, plan.len() / 2, plan.len() - 1] {
            let victims = plan.victims(thief);
            let others: BTreeSet<usize> = victims.iter().map(|victim| victim.worker).collect();
            assert_eq!(
                (victims.len(), others.len()),
                (plan.len() - 1, plan.len() - 1)
            );
            assert!(!others.contains(&thief));
            assert!(victims.is_sorted_by_key(|victim| (victim.level, victim.slit)));
        }
    }
    let is_error = placement
        .plan(machine, capacity + 1, Beyond::Error)
        .is_err();
    assert_eq!(is_error, placement.strategy() != Order::None);
}

/// Levels are what the two PUs share, the same in both directions.
fn check_levels(machine: &Topology) {
    let plan = Placement::linear()
        .plan(machine, machine.usable_count().min(48), Beyond::Error)
        .unwrap();
    for a in 0..plan.len() {
        for b in (0..plan.len()).filter(|&b| b != a) {
            let pu = |worker: usize| machine.pu(plan.worker(worker).pu.unwrap()).unwrap();
            assert_eq!(plan.level(a, b).0, Level::between(pu(a), pu(b)));
            assert_eq!(plan.level(a, b).0, plan.level(b, a).0);
            assert_eq!(plan.level(a, b).0 == Level::Core, pu(a).core == pu(b).core);
        }
    }
}

#[test]
fn the_properties_hold_on_the_fourteen_machines() {
    for shape in shapes() {
        let machine = shape.topology();
        check(&machine);
        check_levels(&machine);
        // A mask that takes a third of the PUs, first siblings among them.
        let mask = machine
            .allowed()
            .iter()
            .filter(|pu| pu.0 % 3 != 0)
            .collect();
        check(&machine.restricted_to(&mask).unwrap());
    }
}

/// One LLC of a random machine: cores of each SMT width, and their kind.
type RandomLlc = (Vec<(usize, usize)>, usize);

/// A random machine, without numbering: packages of nodes of LLCs.
fn machines() -> impl Strategy<Value = MachineBuilder> {
    let cores = (1..=4usize, prop_oneof![4 => 1..=2usize, 1 => 3..=4usize]);
    let llc = (prop::collection::vec(cores, 0..=2), 0..=2usize);
    let node = prop::collection::vec(llc, 0..=3);
    let package = prop::collection::vec(node, 0..=2);
    let packages = prop::collection::vec(package, 1..=4);
    (
        packages,
        any::<[bool; 3]>(),
        prop::collection::vec(11..=40u32, 64),
    )
        .prop_map(|(packages, [has_nodes, has_caches, has_slit], slit)| {
            random(&packages, has_nodes, has_caches, has_slit.then_some(&slit))
        })
        .prop_filter("a machine has a PU", |machine| machine.build().is_ok())
}

fn random(
    packages: &[Vec<Vec<RandomLlc>>],
    has_nodes: bool,
    has_caches: bool,
    slit: Option<&Vec<u32>>,
) -> MachineBuilder {
    let mut machine = Topology::builder();
    let mut nodes = 0;
    for package in packages {
        machine.package();
        for node in package {
            if has_nodes {
                machine.node();
                nodes += 1;
            }
            for (cores, kind) in node {
                match (has_caches, kind) {
                    (true, 0) => machine.without_llc(),
                    (true, 1) => machine.without_llc().l2(),
                    (true, _) => machine.llc(),
                    (false, _) => &mut machine,
                };
                machine.kind(*kind);
                for &(count, threads) in cores {
                    machine.cores(count, threads);
                }
            }
        }
    }
    if let Some(slit) = slit {
        let distance = |from: usize, to: usize| match from == to {
            true => 10,
            false => slit[(from * 8 + to) % slit.len()],
        };
        let rows: Vec<Vec<u32>> = (0..nodes)
            .map(|from| (0..nodes).map(|to| distance(from, to)).collect())
            .collect();
        machine.distances(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    machine
}

#[test]
fn a_node_has_one_spelling() {
    assert_eq!("numa-local:0".parse(), Ok(Placement::numa_local(0)));
    for other in [
        "numa-local:+0",
        "numa-local:00",
        "numa-local:",
        "numa-local:4294967296",
    ] {
        assert!(other.parse::<Placement>().is_err(), "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn the_properties_hold_on_random_machines(machine in machines()) {
        let machine = machine.build().unwrap();
        check(&machine);
        check_levels(&machine);
    }

    #[test]
    fn restricting_the_allowed_set_still_places_exactly(machine in machines(), seed in any::<u64>()) {
        let machine = machine.build().unwrap();
        let keep = |pu: &PuId| seed.rotate_left(pu.0) & 1 == 1;
        let mask: PuSet = machine.allowed().iter().filter(keep).collect();
        match machine.restricted_to(&mask) {
            Ok(restricted) => {
                prop_assert_eq!(restricted.usable(), mask);
                check(&restricted);
                check_levels(&restricted);
                prop_assert_eq!(restricted.unrestricted().usable(), machine.usable());
            }
            Err(_) => prop_assert!(mask.is_empty()),
        }
    }

    #[test]
    fn renumbering_the_os_indices_only_renames_the_result(
        machine in machines(),
        seed in prop::collection::vec(any::<u32>(), 256),
    ) {
        let plain = machine.build().unwrap();
        let count = plain.counts().pus;
        let mut names: Vec<u32> = (0..count as u32).map(|name| name * 2 + 1).collect();
        names.sort_by_key(|&name| seed[name as usize % seed.len()]);
        let mut renamed = machine.clone();
        renamed.numbering(OsNumbering::Listed(names.clone()));
        let renamed = renamed.build().unwrap();
        for placement in Placement::all() {
            let same = match placement.strategy() {
                Order::Linear => {
                    let ids = ids(&order(&renamed, &placement));
                    ids.is_sorted()
                }
                // By position in logical order, which renaming does not touch.
                _ => placement.order(&plain).unwrap() == placement.order(&renamed).unwrap(),
            };
            prop_assert!(same, "{}", placement);
        }
    }

    #[test]
    fn sets_survive_the_kernels_spellings(members in prop::collection::btree_set(0..5000u32, 0..80)) {
        let set: PuSet = members.iter().copied().map(PuId).collect();
        prop_assert_eq!(PuSet::from_list(&set.to_string()).unwrap(), set.clone());
        let read: Vec<u32> = set.iter().map(|pu| pu.0).collect();
        prop_assert_eq!(read, members.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(set.len(), members.len());
    }

    #[test]
    fn garbage_is_an_error_or_a_set_and_never_a_panic(text in ".{0,40}") {
        let (list, mask) = (PuSet::from_list(&text), PuSet::from_mask(&text));
        for set in [list, mask].into_iter().flatten() {
            prop_assert_eq!(PuSet::from_list(&set.to_string()).unwrap(), set);
        }
        prop_assert!(text.parse::<Placement>().map_or(true, |placement| placement.to_string() == text));
    }
}
