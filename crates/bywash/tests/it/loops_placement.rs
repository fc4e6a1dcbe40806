//! Whose slice of a loop is which, on machines that are described rather than there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::topology::Topology;
use bywash::{JobSystem, Placement};

/// Two nodes, each with two LLCs of two cores.
fn two_nodes_of_two_caches() -> Topology {
    let mut machine = Topology::builder();
    machine.package();
    for _ in 0..2 {
        machine.node();
        (0..2).for_each(|_| _ = machine.llc().cores(2, 1));
    }
    machine.build().unwrap()
}

fn placed(placement: Placement) -> JobSystem {
    JobSystem::builder()
        .workers(8)
        .topology(two_nodes_of_two_caches())
        .placement(placement)
        .build()
        .unwrap()
}

/// Which worker begins which eighth of a loop: nobody goes on before all have begun.
fn beginners(jobs: &JobSystem, len: usize) -> Vec<usize> {
    let begun = AtomicUsize::new(0);
    let beginners = Mutex::new(vec![usize::MAX; 8]);
    jobs.parallel_for_with(0..len, |ctx, index| {
        let (eighth, within) = (index * 8 / len, index % (len / 8));
        if within == 0 {
            beginners.lock().unwrap()[eighth] = ctx.worker_index();
            begun.fetch_add(1, Ordering::Relaxed);
            while begun.load(Ordering::Relaxed) < 8 {
                std::thread::yield_now();
            }
        }
    });
    beginners.into_inner().unwrap()
}

#[test]
fn workers_of_one_cache_begin_side_by_side_and_each_where_it_began_last_time() {
    for placement in [
        Placement::linear(),
        Placement::compact(),
        Placement::scatter(),
    ] {
        let jobs = placed(placement);
        let plan = jobs.plan().unwrap();
        let first = beginners(&jobs, 8);
        let caches: Vec<_> = first
            .iter()
            .map(|&at| plan.worker(at).llc.unwrap())
            .collect();
        assert_eq!(caches, [0, 0, 1, 1, 2, 2, 3, 3]);
        for len in [8, 80, 8_000] {
            assert_eq!(beginners(&jobs, len), first, "{len} indices");
        }
    }
}

#[test]
fn workers_that_are_bound_nowhere_begin_in_their_order() {
    let jobs = placed(Placement::none());
    assert_eq!(beginners(&jobs, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
}
