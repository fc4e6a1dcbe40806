//! Everything that has a `Drop`, forgotten: it leaks at most.
#![cfg(not(bywash_asan))]

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::{Builder, JobSystem, PerWorker};

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 8]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

#[test]
fn a_forgotten_handle_lets_its_job_run_and_its_panic_go() {
    for jobs in systems() {
        let ran = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for index in 0..100 {
                let ran = &ran;
                forget(frame.spawn_job(move |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                    assert_ne!(index % 10, 3, "nobody will hear of it");
                    vec![index]
                }));
            }
        });
        assert_eq!(ran.into_inner(), 100);
    }
}

#[test]
fn a_forgotten_latency_guard_keeps_no_system_from_ending() {
    for jobs in systems() {
        forget(jobs.latency_critical());
        forget(jobs.latency_critical());
        assert_eq!(jobs.join(|_| 1, |_| 2), (1, 2));
        drop(jobs);
    }
}

#[test]
fn a_handle_may_be_forgotten_in_another_job_and_after_its_end() {
    for jobs in systems() {
        let ran = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..50 {
                let ran = &ran;
                let handle = frame.spawn_job(move |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                    String::from("unread")
                });
                frame.spawn_detached(move |ctx| {
                    while !handle.is_done() {
                        ctx.yield_now();
                    }
                    forget(handle);
                });
            }
        });
        assert_eq!(ran.into_inner(), 50);
    }
}

#[test]
fn what_a_frame_boxes_and_collects_may_be_forgotten() {
    for jobs in systems() {
        for _ in 0..20 {
            let sum = jobs.frame(|frame| {
                let boxed = frame.arena().frame_box(7_usize);
                let value = *boxed;
                forget(boxed);
                let mut list = frame.arena().frame_vec();
                list.extend(0..100_usize);
                let sum: usize = list.iter().sum();
                forget(list);
                frame.spawn_detached(|ctx| forget(ctx.arena().frame_box(String::from("lost"))));
                value + sum
            });
            assert_eq!(sum, 7 + 4_950);
        }
    }
}

#[test]
fn forgotten_systems_builders_and_values_per_worker_disturb_nobody() {
    forget(Builder::for_games());
    for jobs in systems() {
        let per_worker = PerWorker::new(&jobs, Vec::<usize>::new);
        forget(per_worker);
        forget(jobs.clone());
        assert_eq!(jobs.join(|_| 1, |_| 2), (1, 2));
        // This handle is not the last one now: its drop must not wait for the threads.
    }
}

#[test]
fn a_forgotten_payload_is_the_only_thing_that_is_lost() {
    for jobs in systems() {
        for _ in 0..20 {
            let payload = catch_unwind(AssertUnwindSafe(|| {
                jobs.frame(|frame| frame.spawn_detached(|_| panic!("forgotten")));
            }));
            forget(payload.unwrap_err());
            assert_eq!(jobs.frame(|_| 1), 1);
        }
    }
}
