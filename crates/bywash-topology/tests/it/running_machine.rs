//! What must hold on whatever machine the tests run on.

use bywash_topology::{
    Backend, Beyond, Binding, Placement, Topology, bind_current_thread, default_workers,
};

#[test]
fn detection_finds_at_least_the_pu_it_runs_on() {
    let machine = Topology::detect().unwrap();
    assert!(machine.usable_count() >= 1);
    assert!(machine.usable().is_subset(&machine.allowed()));
    assert!(machine.allowed().is_subset(machine.present()));
}

#[test]
fn every_placement_has_a_default_count_and_a_plan_for_it() {
    let machine = Topology::detect().unwrap();
    for placement in Placement::all() {
        let workers = default_workers(&machine, &placement).unwrap().count;
        assert!(workers >= 1);
        let plan = placement.plan(&machine, workers, Beyond::Error).unwrap();
        assert_eq!(plan.len(), workers);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_bound_thread_reads_its_mask_back_and_gets_its_old_one_again() {
    use bywash_topology::unbind_current_thread;

    let machine = Topology::detect().unwrap();
    let pu = machine.usable().lowest().unwrap();
    let before = machine.usable();
    match bind_current_thread(&machine, pu) {
        Binding::Bound => {
            let now = Topology::detect().unwrap();
            assert_eq!(
                now.usable(),
                before,
                "what was usable before pinning counts"
            );
            assert_eq!(rustix_mask(), vec![pu.0]);
        }
        outcome => panic!("a usable PU could not be bound: {outcome:?}"),
    }
    assert!(unbind_current_thread());
    let after: Vec<u32> = before.iter().map(|pu| pu.0).collect();
    assert_eq!(rustix_mask(), after);
}

#[test]
fn a_machine_that_is_not_this_one_is_never_bound_to() {
    let machine = Topology::flat(4);
    let pu = machine.usable().lowest().unwrap();
    assert_eq!(bind_current_thread(&machine, pu), Binding::Unsupported);
    assert_eq!(machine.backend(), Backend::Flat);
}

/// The calling thread's mask by another way than the crate's own.
#[cfg(target_os = "linux")]
fn rustix_mask() -> Vec<u32> {
    let mask = rustix::thread::sched_getaffinity(None).unwrap();
    (0..1024)
        .filter(|&pu| mask.is_set(pu))
        .map(|pu| pu as u32)
        .collect()
}
