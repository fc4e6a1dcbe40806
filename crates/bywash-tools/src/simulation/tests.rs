//! The model against what must hold of any schedule.

use bywash_topology::{Beyond, Level};

use super::*;

const ALL: [Workload; 3] = [Workload::Skynet, Workload::Frame, Workload::Loop];

/// Cost and number of a task and all it spawns.
fn serial(task: Task) -> (u64, u64) {
    let mut total = (0, 1);
    let mut children = Vec::new();
    total.0 = task.run(|child| children.push(child));
    for child in children {
        let (cost, count) = serial(child);
        total = (total.0 + cost, total.1 + count);
    }
    total
}

fn rounds(workload: Workload) -> (u64, u64) {
    let rounds = (0..workload.rounds()).map(|round| serial(workload.root(round)));
    rounds.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}

fn sixteen_cores() -> Topology {
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.package().node().llc().cores(4, 1).llc().cores(4, 1);
    }
    machine.build().unwrap()
}

fn run(machine: &Topology, placement: Placement, workers: usize, workload: Workload) -> Outcome {
    let plan = placement.plan(machine, workers, Beyond::Truncate).unwrap();
    Simulation::run(machine, &plan, workload)
}

#[test]
fn one_worker_takes_the_serial_time_and_steals_nothing() {
    for workload in ALL {
        let outcome = run(&Topology::flat(1), Placement::compact(), 1, workload);
        assert_eq!(
            (outcome.makespan, outcome.tasks),
            rounds(workload),
            "{workload:?}"
        );
        assert_eq!(outcome.all_steals(), 0);
    }
}

#[test]
fn many_workers_run_every_task_once_between_the_ideal_and_the_serial_time() {
    let machine = sixteen_cores();
    for (workload, placement) in ALL
        .into_iter()
        .flat_map(|w| Placement::all().map(|p| (w, p)))
    {
        let outcome = run(&machine, placement, 16, workload);
        let (cost, tasks) = rounds(workload);
        assert_eq!(outcome.tasks, tasks, "{workload:?} {placement}");
        assert!(outcome.makespan < cost, "{workload:?} {placement}");
        assert!(outcome.makespan >= cost / 16, "{workload:?} {placement}");
        assert!(
            outcome.awake.last().is_some_and(|&(_, cores)| cores == 0),
            "all sleep at the end"
        );
    }
}

#[test]
fn isolation_steals_inside_one_llc_and_placement_decides_how_far_others_reach() {
    let machine = sixteen_cores();
    let isolated = run(&machine, Placement::ccd_isolation(), 16, Workload::Loop);
    assert_eq!(isolated.steals_at(Level::Llc), isolated.all_steals());
    let compact = run(&machine, Placement::compact(), 4, Workload::Loop);
    let scatter = run(&machine, Placement::scatter(), 4, Workload::Loop);
    assert_eq!(compact.steals_at(Level::Remote), 0);
    assert!(scatter.steals_at(Level::Remote) > 0);
    assert!(compact.mean_steal() < scatter.mean_steal());
}

#[test]
fn siblings_that_share_a_core_gain_less_than_cores_of_their_own() {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(4, 2);
    let machine = machine.build().unwrap();
    let shared = run(&machine, Placement::compact(), 4, Workload::Loop);
    let apart = run(&machine, Placement::avoid_smt(), 4, Workload::Loop);
    assert!(
        apart.makespan * 5 < shared.makespan * 4,
        "{} {}",
        apart.makespan,
        shared.makespan
    );
}

#[test]
fn spillover_wakes_no_other_socket_while_the_home_one_suffices() {
    // A frame never has more than 209 tasks at a time.
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.package().node().llc().cores(209, 1);
    }
    let machine = machine.build().unwrap();
    let spread = run(&machine, Placement::scatter(), 209, Workload::Frame);
    assert!(
        spread.steals_at(Level::Remote) > 0,
        "half of each is too little"
    );
    let tiered = run(
        &machine,
        Placement::tiered_spillover(),
        418,
        Workload::Frame,
    );
    assert_eq!(tiered.steals_at(Level::Llc), tiered.all_steals());
    let most = tiered.awake.iter().map(|&(_, cores)| cores).max();
    assert!(most <= Some(209), "{most:?}");
}

#[test]
fn workers_beyond_the_cores_share_them_and_gain_nothing() {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(4, 1);
    let machine = machine.build().unwrap();
    let fitting = run(&machine, Placement::none(), 4, Workload::Loop);
    let crowded = run(&machine, Placement::none(), 32, Workload::Loop);
    let ideal = rounds(Workload::Loop).0 / 4;
    assert!(fitting.makespan >= ideal && crowded.makespan >= ideal);
}
