//! What reaches particular workers, and what goes before or after the rest.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bywash::{Doing, JobSystem, Priority, WaitPolicy};

fn system(workers: usize) -> JobSystem {
    JobSystem::builder().workers(workers).build().unwrap()
}

#[test]
fn a_broadcast_runs_once_on_each_worker() {
    for workers in [1, 2, 5, 22] {
        let jobs = system(workers);
        for _ in 0..20 {
            let indices = jobs.broadcast(|ctx| ctx.worker_index());
            assert_eq!(indices, (0..workers).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_barrier_inside_a_broadcast_is_passed() {
    for workers in [2, 7] {
        let jobs = system(workers);
        let barrier = Barrier::new(workers);
        let leaders = jobs.broadcast(|_| barrier.wait().is_leader());
        assert_eq!(leaders.iter().filter(|&&leads| leads).count(), 1);
    }
}

#[test]
fn a_broadcast_reaches_workers_that_all_sleep() {
    for workers in [1, 2, 5] {
        let jobs = JobSystem::builder()
            .workers(workers)
            .wait_policy(WaitPolicy::Power)
            .build()
            .unwrap();
        let mut watch = jobs.stall_watch();
        for _ in 0..100 {
            while watch.look().any(|report| report.doing != Doing::Asleep) {
                std::thread::yield_now();
            }
            let indices = jobs.broadcast(|ctx| ctx.worker_index());
            assert!(indices.into_iter().eq(0..workers));
        }
    }
}

#[test]
fn whichever_workers_panic_in_a_broadcast_all_run_it_and_the_lowest_ones_panic_comes_out() {
    let jobs = system(4);
    for panicking in 1..1_usize << 4 {
        let ran = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.broadcast(|ctx| {
                ran.fetch_add(1, Ordering::Relaxed);
                if panicking >> ctx.worker_index() & 1 == 1 {
                    panic_any(ctx.worker_index());
                }
            });
        }));
        let first = result.unwrap_err().downcast_ref::<usize>().copied();
        assert_eq!(first, Some(panicking.trailing_zeros() as usize));
        assert_eq!(ran.into_inner(), 4);
    }
    assert_eq!(jobs.broadcast(|_| 1), [1; 4]);
}

#[test]
fn after_a_high_job_is_posted_one_worker_begins_no_further_normal_one_before_it() {
    let jobs = system(1);
    let begun = AtomicUsize::new(0);
    let begun_before = AtomicUsize::new(usize::MAX);
    jobs.frame(|frame| {
        for _ in 0..1_000 {
            frame.spawn_detached(|_| {
                begun.fetch_add(1, Ordering::Relaxed);
            });
        }
        frame.spawn_with_priority(Priority::High, |_| {
            begun_before.store(begun.load(Ordering::Relaxed), Ordering::Relaxed);
        });
    });
    assert_eq!(begun.into_inner(), 1_000);
    assert!(begun_before.into_inner() <= 1);
}

#[test]
fn after_a_high_job_is_posted_no_worker_begins_more_than_one_normal_one_before_it() {
    for workers in [2, 4, 8] {
        let jobs = system(workers);
        for goes_on in 0..workers {
            let (begun, is_posted) = (AtomicUsize::new(0), AtomicBool::new(false));
            let (begun_before, is_high_begun) = (AtomicUsize::new(0), AtomicBool::new(false));
            // All workers but one stay inside the normal job that they run until the high one has begun.
            let stays = |index| {
                let is_free = index == goes_on && is_posted.load(Ordering::Acquire);
                !is_free && !is_high_begun.load(Ordering::Acquire)
            };
            jobs.frame(|frame| {
                for _ in 0..1_000 {
                    frame.spawn_detached(|ctx| {
                        begun.fetch_add(1, Ordering::Relaxed);
                        while stays(ctx.worker_index()) {
                            std::thread::yield_now();
                        }
                    });
                }
                while begun.load(Ordering::Relaxed) < workers - 1 {
                    std::thread::yield_now();
                }
                frame.spawn_with_priority(Priority::High, |_| {
                    begun_before.store(begun.load(Ordering::Relaxed), Ordering::Relaxed);
                    is_high_begun.store(true, Ordering::Release);
                });
                is_posted.store(true, Ordering::Release);
                while stays(frame.worker_index()) {
                    std::thread::yield_now();
                }
            });
            assert_eq!(begun.into_inner(), 1_000);
            let further = begun_before.into_inner() - (workers - 1);
            assert!(further <= 1, "worker {goes_on} of {workers}: {further}");
        }
    }
}

#[test]
fn a_low_job_runs_while_normal_ones_never_end() {
    for workers in [1, 2] {
        let jobs = system(workers);
        let seen = AtomicUsize::new(0);
        jobs.frame(|frame| {
            fn again<'f>(ctx: &bywash::Context<'f>, seen: &'f AtomicUsize, left: usize) {
                if left > 0 && seen.load(Ordering::Relaxed) == 0 {
                    ctx.spawn_detached(move |ctx| again(ctx, seen, left - 1));
                } else if left == 0 {
                    seen.fetch_add(2, Ordering::Relaxed);
                }
            }
            again(frame, &seen, 10_000_000);
            frame.spawn_with_priority(Priority::Low, |_| {
                seen.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(
            seen.into_inner(),
            1,
            "the low job came before the ten-millionth normal one"
        );
    }
}

#[test]
fn yielding_runs_a_job_that_was_spawned_before() {
    let jobs = system(1);
    jobs.frame(|frame| {
        let seen = frame.alloc(AtomicUsize::new(0));
        let seen = &*seen;
        frame.spawn_detached(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(seen.load(Ordering::Relaxed), 0);
        assert!(frame.yield_now());
        assert_eq!(seen.load(Ordering::Relaxed), 1);
        assert!(!frame.yield_now());
    });
}

#[test]
fn the_books_tell_what_was_run() {
    let jobs = system(2);
    jobs.frame(|frame| (0..1_000).for_each(|_| frame.spawn_detached(|_| ())));
    let run: u64 = (0..2).map(|worker| jobs.worker_stats(worker).run).sum();
    assert_eq!(run, 1_000);
    assert_eq!(jobs.stats().total.run, 1_000);
}
