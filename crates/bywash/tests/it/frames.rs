//! Frames, their jobs and their memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::{Context, JobSystem};

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 4, 8]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

#[test]
fn every_detached_job_is_done_when_the_frame_ends() {
    for jobs in systems() {
        for round in 0..200 {
            let count = AtomicUsize::new(0);
            jobs.frame(|frame| {
                for _ in 0..round * 7 {
                    frame.spawn_detached(|_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(count.into_inner(), round * 7);
        }
    }
}

#[test]
fn jobs_that_spawn_jobs_are_all_done_when_the_frame_ends() {
    fn tree<'f>(ctx: &Context<'f>, depth: usize, count: &'f AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
        if depth > 0 {
            for _ in 0..2 {
                ctx.spawn_detached(move |ctx| tree(ctx, depth - 1, count));
            }
        }
    }
    for jobs in systems() {
        for _ in 0..20 {
            let count = AtomicUsize::new(0);
            jobs.frame(|frame| tree(frame, 12, &count));
            assert_eq!(count.into_inner(), (1 << 13) - 1);
        }
    }
}

#[test]
fn a_counter_is_zero_when_its_wait_returns() {
    for jobs in systems() {
        jobs.frame(|frame| {
            for round in 0..300 {
                let done = frame.alloc(AtomicUsize::new(0));
                let done = &*done;
                let group = frame.counter();
                for _ in 0..round {
                    frame.spawn_with_counter(group, move |_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }
                frame.wait(group);
                assert_eq!(done.load(Ordering::Relaxed), round);
            }
        });
    }
}

#[test]
fn a_continuation_runs_after_its_counter_and_before_the_frame_ends() {
    for jobs in systems() {
        for _ in 0..200 {
            let (before, after) = (AtomicUsize::new(0), AtomicUsize::new(0));
            jobs.frame(|frame| {
                let group = frame.counter();
                for _ in 0..20 {
                    frame.spawn_with_counter(group, |_| {
                        before.fetch_add(1, Ordering::Relaxed);
                    });
                }
                frame.spawn_after(group, |_| {
                    after.store(before.load(Ordering::Relaxed), Ordering::Relaxed);
                });
            });
            assert_eq!(after.into_inner(), 20);
        }
    }
}

#[test]
fn fib_by_join_is_right_for_any_number_of_workers() {
    fn fib(ctx: &Context, n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let (a, b) = ctx.join(|ctx| fib(ctx, n - 1), |ctx| fib(ctx, n - 2));
        a + b
    }
    for jobs in systems() {
        for _ in 0..10 {
            assert_eq!(jobs.frame(|frame| fib(frame, 20)), 6_765);
        }
    }
}

#[test]
fn a_panic_comes_out_at_the_end_of_its_frame_and_the_system_goes_on() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                for index in 0..100 {
                    let count = &count;
                    frame.spawn_detached(move |_| {
                        assert_ne!(index, 50, "the fiftieth");
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }));
        assert!(result.is_err());
        assert_eq!(count.into_inner(), 99);
        assert_eq!(jobs.frame(|_| 1), 1);
    }
}

#[test]
fn a_job_from_outside_runs_before_the_last_handle_is_gone() {
    for jobs in systems() {
        let count = std::sync::Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let count = std::sync::Arc::clone(&count);
            jobs.spawn_detached(move |ctx| {
                let again = std::sync::Arc::clone(&count);
                ctx.spawn_detached(move |_| {
                    again.fetch_add(1, Ordering::Relaxed);
                });
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(jobs);
        assert_eq!(count.load(Ordering::Relaxed), 2_000);
    }
}

#[test]
fn a_handle_gives_its_jobs_result_or_panic() {
    for jobs in systems() {
        let sum: usize = jobs.frame(|frame| {
            let handles: Vec<_> = (0..500)
                .map(|index| frame.spawn_job(move |_| vec![index; 3]))
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.wait(frame)[2])
                .sum()
        });
        assert_eq!(sum, 499 * 250);
        let caught = jobs.frame(|frame| {
            let handle = frame.spawn_job(|_| -> u32 { panic!("claimed") });
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handle.wait(frame))).is_err()
        });
        assert!(caught, "and the frame itself does not panic");
    }
}

#[test]
fn a_result_nobody_waited_for_is_dropped_by_the_frames_end() {
    struct Dropped<'a>(&'a AtomicUsize);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for jobs in systems() {
        let drops = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..500 {
                let drops = &drops;
                drop(frame.spawn_job(move |_| Dropped(drops)));
            }
        });
        assert_eq!(drops.into_inner(), 500);
    }
}
