//! Placement: plans, tiers and pins, on machines that are described rather than there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bywash::topology::spillover::Thresholds;
use bywash::topology::{Level, Topology, bind_current_thread};
use bywash::{BuildError, Builder, JobSystem, Placement};

/// Three LLCs of two cores: three tiers.
fn three_caches() -> Topology {
    let mut machine = Topology::builder();
    machine
        .package()
        .node()
        .llc()
        .cores(2, 1)
        .llc()
        .cores(2, 1)
        .llc()
        .cores(2, 1);
    machine.build().unwrap()
}

fn in_three_tiers() -> Builder {
    JobSystem::builder()
        .workers(6)
        .topology(three_caches())
        .placement(Placement::tiered_spillover().tier_minimum(1))
}

fn spilling() -> JobSystem {
    in_three_tiers().build().unwrap()
}

#[test]
fn a_machine_of_three_caches_makes_three_tiers_in_order() {
    let jobs = spilling();
    let plan = jobs.plan().unwrap();
    let ends: Vec<usize> = plan.tiers().iter().map(|tier| tier.workers.end).collect();
    assert_eq!(ends, [2, 4, 6]);
}

/// Two nodes of one core each.
fn two_nodes() -> Topology {
    let mut machine = Topology::builder();
    machine.package().node().llc().cores(1, 1);
    machine.package().node().llc().cores(1, 1);
    machine.build().unwrap()
}

#[test]
fn frames_of_workers_on_two_nodes_keep_what_their_jobs_wrote() {
    let jobs = JobSystem::builder()
        .workers(2)
        .topology(two_nodes())
        .placement(Placement::scatter())
        .build()
        .unwrap();
    for round in 0..20 {
        let sums = jobs.frame(|frame| {
            let parts = (0..40).map(|part| {
                frame.spawn_job(move |ctx| {
                    ctx.alloc_slice_fill_with(5_000, |index| index + part + round)
                })
            });
            let parts: Vec<_> = parts.collect();
            let sum = |part: &mut [usize]| part.iter().sum::<usize>();
            parts
                .into_iter()
                .map(|part| sum(part.wait(frame)))
                .collect::<Vec<_>>()
        });
        let right = (0..40).map(|part| (0..5_000).map(|index| index + part + round).sum());
        assert_eq!(sums, right.collect::<Vec<usize>>());
    }
}

#[test]
fn no_thread_of_a_closed_tier_is_ever_woken() {
    let jobs = in_three_tiers()
        .spillover_thresholds(|plan| {
            let mut never = Thresholds::of(plan);
            never.open_after.fill(u64::MAX);
            never
        })
        .build()
        .unwrap();
    let done = AtomicUsize::new(0);
    let count = || _ = done.fetch_add(1, Ordering::Relaxed);
    for many in 0..200 {
        jobs.frame(|frame| (0..many).for_each(|_| frame.spawn_detached(|_| count())));
        jobs.parallel_for(0..many, |_| count());
    }
    assert_eq!(done.load(Ordering::Relaxed), 2 * (0..200).sum::<usize>());
    let stats = jobs.stats();
    assert_eq!((stats.tiers_opened, stats.open_workers), (0, 2));
    for worker in 2..6 {
        assert_eq!(jobs.worker_stats(worker).parked, 0, "{worker}");
    }
}

#[test]
fn under_load_every_tier_opens() {
    let jobs = spilling();
    let seen = Mutex::new([0_usize; 6]);
    let enough = || seen.lock().unwrap().iter().all(|&count| count > 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !enough() && Instant::now() < deadline {
        jobs.frame(|frame| {
            for _ in 0..2_000 {
                frame.spawn_detached(|ctx| {
                    let until = Instant::now() + Duration::from_micros(20);
                    while Instant::now() < until {
                        std::hint::spin_loop();
                    }
                    seen.lock().unwrap()[ctx.worker_index()] += 1;
                });
            }
        });
    }
    assert!(enough(), "{seen:?}");
    assert!(jobs.stats().tiers_opened >= 2);
}

#[test]
fn steals_are_counted_by_level_and_follow_the_order() {
    let jobs = spilling();
    let calm = jobs.stats();
    assert_eq!((calm.tiers_opened, calm.open_workers), (0, 2));
    // Little work: the thieves are the first tier's, a core away in the same LLC.
    for _ in 0..300 {
        jobs.frame(|frame| {
            for _ in 0..4 {
                frame.spawn_detached(|ctx| {
                    ctx.join(|_| std::thread::yield_now(), |_| std::thread::yield_now());
                });
            }
        });
    }
    let little = jobs.stats();
    let all = |stats: bywash::SystemStats| -> u64 {
        let levels = Level::ALL.iter();
        levels.map(|&level| stats.total.steals_at(level)).sum()
    };
    if little.tiers_opened == 0 {
        assert_eq!(little.total.steals_at(Level::Llc), all(little));
    }
    // Much work: all tiers open, and their workers come from another LLC of the same node.
    let deadline = Instant::now() + Duration::from_secs(20);
    while jobs.stats().total.steals_at(Level::Node) == 0 && Instant::now() < deadline {
        jobs.frame(|frame| {
            for _ in 0..2_000 {
                frame.spawn_detached(|_| {
                    let until = Instant::now() + Duration::from_micros(20);
                    while Instant::now() < until {
                        std::hint::spin_loop();
                    }
                });
            }
        });
    }
    let much = jobs.stats();
    assert!(much.total.steals_at(Level::Node) > 0, "{much:?}");
    // One LLC has two workers, one core each: nobody is nearer, nobody is farther.
    assert_eq!(much.total.steals_at(Level::Core), 0);
    assert_eq!(much.total.steals_at(Level::Remote), 0);
    assert_eq!(all(much), much.total.steals, "no guest was there");
    let seen = (0..6).map(|worker| jobs.worker_stats(worker));
    assert_eq!(seen.map(|worker| worker.run).sum::<u64>(), much.total.run);
}

#[test]
fn nothing_is_bound_on_a_machine_that_is_not_this_one() {
    let jobs = spilling();
    jobs.frame(|frame| frame.spawn_detached(|_| ()));
    drop(jobs.clone());
    for worker in 0..6 {
        assert!(jobs.pinned(worker).is_none_or(|pinned| pinned.pu.is_none()));
    }
}

#[test]
fn a_placement_that_the_machine_has_not_is_refused_with_words() {
    let refused = JobSystem::builder()
        .workers(2)
        .topology(three_caches())
        .placement(Placement::numa_local(7))
        .build();
    let Err(error @ BuildError::Placement(_)) = refused else {
        panic!("node 7 is not there")
    };
    assert!(error.to_string().contains('7'), "{error}");
}

#[test]
fn a_bound_worker_is_where_the_plan_says() {
    let Ok(topology) = Topology::detect() else {
        return;
    };
    let jobs = JobSystem::builder()
        .workers(1)
        .placement(Placement::linear())
        .build()
        .unwrap();
    let planned = jobs.plan().unwrap().worker(0).pu.unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    jobs.spawn_detached(move |_| send.send(()).unwrap());
    receive.recv().unwrap();
    let pinned = jobs
        .pinned(0)
        .expect("the thread has run a job, so it has begun");
    assert!(pinned.pu == Some(planned) || pinned.pu.is_none());
    // The calling thread is never bound: it can still be bound anywhere.
    let _ = bind_current_thread(&topology, planned);
}
