//! Joins: both sides ended or never started, whatever panics, however deep.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bywash::{Context, Doing, JobSystem};

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 3, 8, 22]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

fn words(payload: Box<dyn std::any::Any + Send>) -> String {
    payload
        .downcast_ref::<&str>()
        .map_or_else(|| "no words".to_owned(), |words| (*words).to_owned())
}

#[test]
fn a_parallel_quicksort_sorts() {
    fn sort(ctx: &Context, items: &mut [u32]) {
        if items.len() <= 8 {
            items.sort_unstable();
            return;
        }
        let last = items.len() - 1;
        items.swap(last / 2, last);
        let mut split = 0;
        for index in 0..last {
            if items[index] < items[last] {
                items.swap(index, split);
                split += 1;
            }
        }
        items.swap(split, last);
        let (low, high) = items.split_at_mut(split);
        ctx.join(|ctx| sort(ctx, low), |ctx| sort(ctx, &mut high[1..]));
    }
    for jobs in systems() {
        let mut state = 1_u32;
        let mut items: Vec<u32> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state
            })
            .collect();
        let mut expected = items.clone();
        expected.sort_unstable();
        jobs.frame(|frame| sort(frame, &mut items));
        assert!(items == expected);
    }
}

#[test]
fn a_panic_in_the_first_side_comes_out_and_the_second_ran_or_was_dropped() {
    struct Owned<'a>(&'a AtomicUsize);
    impl Drop for Owned<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for jobs in systems() {
        for _ in 0..300 {
            let (dropped, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let owned = Owned(&dropped);
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.join(
                    |_| panic!("first"),
                    |_| {
                        let _owned = owned;
                        ran.fetch_add(1, Ordering::Relaxed);
                    },
                )
            }));
            assert_eq!(words(result.unwrap_err()), "first");
            assert!(ran.into_inner() <= 1);
            assert_eq!(dropped.into_inner(), 1);
        }
    }
}

#[test]
fn a_second_side_that_nobody_began_when_the_first_panicked_is_dropped_unrun() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    // The one worker's seat is this thread's once its own sleeps: nobody else is there.
    let mut watch = jobs.stall_watch();
    while watch.look().any(|report| report.doing != Doing::Asleep) {
        std::thread::yield_now();
    }
    let (owned, ran) = (Arc::new(()), AtomicBool::new(false));
    let held = Arc::clone(&owned);
    let result = catch_unwind(AssertUnwindSafe(|| {
        jobs.join(
            |_| -> () { panic!("first") },
            |_| {
                let _held = held;
                ran.store(true, Ordering::Relaxed);
            },
        )
    }));
    assert_eq!(words(result.unwrap_err()), "first");
    assert_eq!(Arc::strong_count(&owned), 1);
    assert!(!ran.into_inner());
}

#[test]
fn a_panic_in_the_second_side_comes_out() {
    for jobs in systems() {
        for _ in 0..300 {
            let first = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.join(
                    |_| first.fetch_add(1, Ordering::Relaxed),
                    |_| -> u32 { panic!("second") },
                )
            }));
            assert_eq!(words(result.unwrap_err()), "second");
            assert_eq!(first.into_inner(), 1);
        }
    }
}

#[test]
fn of_two_panics_the_first_sides_comes_out() {
    for jobs in systems() {
        for _ in 0..100 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.join(
                    |_| -> u32 {
                        std::thread::yield_now();
                        panic!("first")
                    },
                    |_| -> u32 { panic!("second") },
                )
            }));
            assert_eq!(words(result.unwrap_err()), "first");
        }
    }
}

#[test]
fn a_panic_passes_through_many_joins_and_nothing_is_left_running() {
    fn tree(ctx: &Context, depth: usize, alive: &AtomicUsize) {
        alive.fetch_add(1, Ordering::SeqCst);
        let _less = Less(alive);
        assert_ne!(depth, 0, "the bottom");
        ctx.join(
            |ctx| tree(ctx, depth - 1, alive),
            |ctx| tree(ctx, depth - 1, alive),
        );
    }
    struct Less<'a>(&'a AtomicUsize);
    impl Drop for Less<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    for jobs in systems() {
        let alive = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| tree(frame, 7, &alive));
        }));
        assert!(result.is_err());
        assert_eq!(alive.into_inner(), 0);
    }
}

#[test]
fn deep_joins_need_a_deep_stack_and_nothing_else() {
    fn down(ctx: &Context, depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let (one, below) = ctx.join(|_| 1, |ctx| down(ctx, depth - 1));
        one + below
    }
    for workers in [1, 2, 8] {
        let jobs = JobSystem::builder()
            .workers(workers)
            .stack_size(256 << 20)
            .build()
            .unwrap();
        std::thread::Builder::new()
            .stack_size(256 << 20)
            .spawn(move || assert_eq!(jobs.frame(|frame| down(frame, 20_000)), 20_000))
            .unwrap()
            .join()
            .unwrap();
    }
}

#[test]
fn a_million_joins_in_one_frame_leave_the_stack_where_it_was() {
    for jobs in systems().take(3) {
        jobs.frame(|frame| {
            for index in 0..1_000_000_u64 {
                let (a, b) = frame.join(|_| index, |_| index + 1);
                assert_eq!(a + 1, b);
            }
        });
    }
}

#[test]
fn the_second_side_borrows_what_the_caller_owns_and_gives_its_result_back() {
    for jobs in systems() {
        let text = String::from("both sides read this");
        let (words, letters) = jobs.join(
            |_| text.split(' ').count(),
            |_| text.chars().filter(|c| c.is_alphabetic()).count(),
        );
        assert_eq!((words, letters), (4, 17));
    }
}

#[test]
fn jobs_spawned_in_the_first_side_do_not_hide_the_second() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let count = &count;
            for _ in 0..200 {
                frame.join(
                    |ctx| {
                        for _ in 0..5 {
                            ctx.spawn_detached(move |_| {
                                count.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                    },
                    |ctx| {
                        ctx.spawn_detached(move |_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    },
                );
            }
        });
        assert_eq!(count.into_inner(), 1_200);
    }
}

#[test]
fn an_inner_wait_that_runs_the_second_side_itself_is_no_harm() {
    for jobs in systems() {
        for _ in 0..200 {
            let both = jobs.frame(|frame| {
                frame.join(
                    |ctx| {
                        let group = ctx.counter();
                        ctx.spawn_with_counter(group, |_| ());
                        ctx.wait(group);
                        // Waits for the frame's jobs, the second side among them.
                        let handle = ctx.spawn_job(|_| 20);
                        handle.wait(ctx)
                    },
                    |_| 22,
                )
            });
            assert_eq!(both, (20, 22));
        }
    }
}

#[test]
fn a_second_side_tells_by_its_workers_index_whether_it_migrated() {
    for jobs in systems() {
        jobs.frame(|frame| {
            for _ in 0..300 {
                let (here, spawner) = (std::thread::current().id(), frame.worker_index());
                frame.join(
                    |ctx| assert_eq!(ctx.worker_index(), spawner),
                    |ctx| {
                        let migrated = ctx.worker_index() != spawner;
                        assert_eq!(migrated, std::thread::current().id() != here);
                    },
                );
            }
        });
    }
}
