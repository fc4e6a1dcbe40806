//! The whole job system with four to eight workers: joins, frames, panics, messages, the end.
//!
//! Counts that only say what was run are the standard library's: shuttle does not see them, so they
//! add no schedules.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::{Context, JobSystem, Priority, WaitPolicy};
use bywash_sync::model::random;
use bywash_sync::thread;

/// A whole system is built and ended in each schedule.
const SCHEDULES: usize = bywash_sync::model::SCHEDULES;

/// Workers without patience: they sleep and are woken as often as they can.
fn impatient(workers: usize) -> JobSystem {
    JobSystem::builder()
        .workers(workers)
        .wait_policy(WaitPolicy::Power)
        .build()
        .unwrap()
}

#[test]
fn joins_on_eight_workers_give_both_results() {
    fn sum(ctx: &Context, from: usize, to: usize) -> usize {
        if to - from == 1 {
            return from;
        }
        let middle = from.midpoint(to);
        let (a, b) = ctx.join(|ctx| sum(ctx, from, middle), |ctx| sum(ctx, middle, to));
        a + b
    }
    random(SCHEDULES, || {
        let jobs = impatient(8);
        assert_eq!(jobs.frame(|frame| sum(frame, 0, 8)), 28);
    });
}

#[test]
fn a_frame_on_four_workers_ends_when_its_last_job_has() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let done = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..4 {
                frame.spawn_detached(|ctx| {
                    ctx.spawn_detached(|_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(done.into_inner(), 8, "the frame ended too soon");
    });
}

#[test]
fn counters_handles_and_continuations_meet_on_four_workers() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let done = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let (group, done) = (frame.counter(), &done);
            for _ in 0..3 {
                frame.spawn_with_counter(group, move |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            frame.spawn_after(group, move |_| {
                assert_eq!(done.fetch_add(10, Ordering::Relaxed), 3);
            });
            let handle = frame.spawn_job(|ctx| ctx.join(|_| 1, |_| 2));
            frame.wait(group);
            assert_eq!(handle.wait(frame), (1, 2));
        });
        assert_eq!(done.into_inner(), 13);
    });
}

#[test]
fn a_panic_on_four_workers_comes_out_when_nothing_runs_any_more() {
    struct Wanted;
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let alive = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                for index in 0..4 {
                    let alive = &alive;
                    frame.spawn_detached(move |ctx| {
                        alive.fetch_add(1, Ordering::Relaxed);
                        ctx.join(|_| (), |_| ());
                        alive.fetch_sub(1, Ordering::Relaxed);
                        if index == 1 {
                            resume_unwind(Box::new(Wanted));
                        }
                    });
                }
            });
        }));
        assert!(result.unwrap_err().is::<Wanted>());
        assert_eq!(alive.into_inner(), 0);
    });
}

#[test]
fn every_message_is_read_before_the_last_handle_is_gone() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let read = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let read = Arc::clone(&read);
            jobs.spawn_detached(move |ctx| {
                let again = Arc::clone(&read);
                ctx.spawn_detached(move |_| {
                    again.fetch_add(1, Ordering::Relaxed);
                });
                read.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(jobs);
        assert_eq!(read.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn the_last_handle_may_go_inside_a_job_while_others_sleep() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let inner = jobs.clone();
        jobs.spawn_detached(move |ctx| {
            ctx.spawn_detached(|_| ());
            drop(inner);
        });
    });
}

#[test]
fn callers_share_a_system_of_two_workers() {
    random(SCHEDULES, || {
        let jobs = impatient(2);
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let jobs = jobs.clone();
                thread::spawn(move || jobs.join(|_| caller, |_| caller + 1))
            })
            .collect();
        for (caller, thread) in callers.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), (caller, caller + 1));
        }
    });
}

#[test]
fn mail_and_lanes_reach_workers_that_sleep() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let done = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for priority in [Priority::High, Priority::Low, Priority::Normal] {
                frame.spawn_with_priority(priority, |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(jobs.broadcast(|ctx| ctx.worker_index()), [0, 1, 2, 3]);
        assert_eq!(done.into_inner(), 3);
    });
}

/// What the scenarios above would say of a system whose frame ends without asking for its jobs.
#[test]
#[should_panic(expected = "the frame ended too soon")]
fn a_count_that_is_read_before_the_frames_end_is_found_out() {
    random(SCHEDULES, || {
        let jobs = impatient(4);
        let done = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let group = frame.counter();
            for _ in 0..4 {
                frame.spawn_with_counter(group, |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            // Waits for half of what it should wait for.
            let early = frame.counter();
            frame.spawn_with_counter(early, |_| ());
            frame.wait(early);
            assert_eq!(done.load(Ordering::Relaxed), 4, "the frame ended too soon");
        });
    });
}
