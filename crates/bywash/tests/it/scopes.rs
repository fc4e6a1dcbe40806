//! Frames and scopes: what they borrow, how they nest, how they end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use bywash::{Context, JobSystem};

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 3, 8, 22]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

#[test]
fn an_empty_scope_returns_its_result() {
    for jobs in systems() {
        assert_eq!(jobs.scope(|_| 22), 22);
    }
}

#[test]
fn jobs_borrow_from_outside_and_from_the_frame() {
    for jobs in systems() {
        let outside = [1, 2, 3];
        let sum = AtomicUsize::new(0);
        jobs.scope(|scope| {
            let inside: &[usize] = scope.alloc_slice_fill_with(100, |index| index);
            for &number in inside {
                let (sum, outside) = (&sum, &outside);
                scope.spawn(move |_| {
                    sum.fetch_add(number * outside[number % 3], Ordering::Relaxed);
                });
            }
        });
        let expected: usize = (0..100).map(|number| number * outside[number % 3]).sum();
        assert_eq!(sum.into_inner(), expected);
    }
}

#[test]
fn a_job_changes_what_it_alone_borrows() {
    for jobs in systems() {
        let mut items = vec![0_u64; 1_000];
        jobs.scope(|scope| {
            for (index, item) in items.iter_mut().enumerate() {
                scope.spawn(move |_| *item = index as u64);
            }
        });
        assert!(
            items
                .iter()
                .enumerate()
                .all(|(index, &item)| item == index as u64)
        );
    }
}

#[test]
fn nested_frames_are_done_in_the_order_of_their_nesting() {
    fn nest(ctx: &Context, depth: usize, done: &AtomicUsize) {
        let before = done.load(Ordering::SeqCst);
        ctx.frame(|frame| {
            for _ in 0..3 {
                frame.spawn_detached(|ctx| {
                    if depth > 0 {
                        nest(ctx, depth - 1, done);
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert!(done.load(Ordering::SeqCst) >= before + 3);
    }
    for jobs in systems() {
        let done = AtomicUsize::new(0);
        jobs.frame(|frame| nest(frame, 5, &done));
        assert_eq!(
            done.into_inner(),
            (1..=6).map(|level| 3_usize.pow(level)).sum::<usize>()
        );
    }
}

#[test]
fn an_outer_frames_job_spawned_inside_an_inner_body_is_done_by_the_outer_end() {
    for jobs in systems() {
        for _ in 0..100 {
            let (outer_count, inner_count) = (AtomicUsize::new(0), AtomicUsize::new(0));
            jobs.frame(|outer| {
                let (outer_count, inner_count) = (&outer_count, &inner_count);
                for _ in 0..10 {
                    outer.frame(|inner| {
                        for _ in 0..10 {
                            outer.spawn_detached(move |ctx| {
                                ctx.spawn_detached(move |_| {
                                    outer_count.fetch_add(1, Ordering::Relaxed);
                                });
                            });
                            inner.spawn_detached(move |_| {
                                inner_count.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                    });
                }
                assert_eq!(inner_count.load(Ordering::Relaxed), 100);
            });
            assert_eq!(outer_count.into_inner(), 100);
        }
    }
}

#[test]
fn two_interleaved_frames_end_out_of_order_on_one_worker() {
    // The outer frame's counter is waited for inside the inner body, its handle after it.
    for jobs in systems() {
        for _ in 0..200 {
            let total = jobs.frame(|outer| {
                let early = outer.spawn_job(|_| 1);
                let group = outer.counter();
                let late = outer.frame(|inner| {
                    outer.spawn_with_counter(group, |_| ());
                    let inside = inner.spawn_job(|_| 10);
                    let late = outer.spawn_job(|_| 100);
                    outer.wait(group);
                    assert_eq!(inside.wait(inner), 10);
                    late
                });
                late.wait(outer) + early.wait(outer)
            });
            assert_eq!(total, 101);
        }
    }
}

#[test]
fn a_worker_that_served_two_frames_keeps_the_memory_of_the_one_that_ends_last() {
    /// A job of `frame` for whoever else is there: it paints memory of its worker, which it returns.
    fn elsewhere<'f>(frame: &bywash::Frame<'f, '_>, paint: u8) -> (usize, &'f [u8]) {
        let handle = frame.spawn_job(move |ctx| {
            let painted = ctx.alloc_slice_fill_with(3_000, |_| paint);
            (ctx.worker_index(), &*painted)
        });
        while !handle.is_done() {
            std::thread::yield_now();
        }
        handle.wait(frame)
    }
    // Two callers, and mostly one worker that is free for the jobs of both.
    let jobs = JobSystem::builder().workers(3).build().unwrap();
    let step = Barrier::new(2);
    let servers = Mutex::new(Vec::new());
    let serves = |server| servers.lock().unwrap().push(server);
    let mut rounds_with_one_server = 0;
    for round in 0..200 {
        std::thread::scope(|threads| {
            for opens_first in [true, false] {
                let (jobs, step, serves) = (&jobs, &step, &serves);
                threads.spawn(move || {
                    if !opens_first {
                        step.wait();
                    }
                    let ends_first = opens_first == (round % 2 == 0);
                    jobs.frame(|frame| {
                        let (server, painted) = elsewhere(frame, 1);
                        serves(server);
                        if opens_first {
                            step.wait();
                        }
                        step.wait();
                        // Both frames are open.
                        if ends_first {
                            return;
                        }
                        step.wait();
                        // The other has ended, and what it had is in use again.
                        let (_, more) = elsewhere(frame, 2);
                        assert!(painted.iter().all(|&byte| byte == 1));
                        assert!(more.iter().all(|&byte| byte == 2));
                    });
                    if ends_first {
                        serves(jobs.frame(|frame| elsewhere(frame, 3).0));
                        step.wait();
                    }
                });
            }
        });
        let mut served = servers.lock().unwrap().drain(..).collect::<Vec<_>>();
        served.dedup();
        rounds_with_one_server += usize::from(served.len() == 1);
    }
    assert_ne!(rounds_with_one_server, 0, "no worker served both frames");
}

#[test]
fn frames_of_two_systems_interleave_on_one_thread() {
    let one = JobSystem::builder().workers(2).build().unwrap();
    let other = JobSystem::builder().workers(3).build().unwrap();
    for _ in 0..200 {
        let count = AtomicUsize::new(0);
        one.frame(|first| {
            let count = &count;
            other.frame(|second| {
                one.frame(|third| {
                    first.spawn_detached(|_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                    second.spawn_detached(move |_| {
                        count.fetch_add(10, Ordering::Relaxed);
                    });
                    third.spawn_detached(move |_| {
                        count.fetch_add(100, Ordering::Relaxed);
                    });
                });
            });
        });
        assert_eq!(count.into_inner(), 111);
    }
}

#[test]
fn a_long_list_of_jobs_that_each_spawn_the_next_keeps_the_stack_flat() {
    fn next<'f>(ctx: &Context<'f>, left: usize, count: &'f AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
        if left > 0 {
            ctx.spawn_detached(move |ctx| next(ctx, left - 1, count));
        }
    }
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        jobs.scope(|scope| next(scope, 100_000, &count));
        assert_eq!(count.into_inner(), 100_001);
    }
}

#[test]
fn a_panic_in_the_body_comes_out_after_every_job_has_ended() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
                panic!("the body");
            });
        }));
        assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "the body");
        assert_eq!(count.into_inner(), 100);
    }
}

#[test]
fn a_panic_in_a_nested_spawn_or_a_nested_frame_comes_out_at_the_outer_end() {
    for jobs in systems() {
        let nested_spawn = catch_unwind(AssertUnwindSafe(|| {
            jobs.scope(|scope| scope.spawn(|ctx| ctx.spawn(|_| panic!("nested spawn"))));
        }));
        assert!(nested_spawn.is_err());
        let siblings = AtomicUsize::new(0);
        let nested_frame = catch_unwind(AssertUnwindSafe(|| {
            jobs.scope(|scope| {
                scope.spawn(|ctx| {
                    ctx.frame(|inner| {
                        for index in 0..20 {
                            let siblings = &siblings;
                            inner.spawn(move |_| {
                                assert_ne!(index, 10);
                                siblings.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                    });
                });
                for _ in 0..20 {
                    scope.spawn(|_| {
                        siblings.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }));
        assert!(nested_frame.is_err());
        assert_eq!(siblings.into_inner(), 39);
    }
}

#[test]
fn frames_from_many_foreign_threads_at_once_each_see_their_own_jobs_only() {
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let barrier = Barrier::new(8);
        std::thread::scope(|threads| {
            for thread in 0..8_usize {
                let (jobs, barrier) = (&jobs, &barrier);
                threads.spawn(move || {
                    barrier.wait();
                    for round in 0..200 {
                        let count = AtomicUsize::new(0);
                        let sum = jobs.frame(|frame| {
                            let count = &count;
                            for _ in 0..round % 40 {
                                frame.spawn_detached(move |ctx| {
                                    ctx.join(
                                        |_| count.fetch_add(1, Ordering::Relaxed),
                                        |_| count.fetch_add(1, Ordering::Relaxed),
                                    );
                                });
                            }
                            let (a, b) = frame.join(|_| thread, |_| round);
                            a + b
                        });
                        assert_eq!(sum, thread + round);
                        assert_eq!(count.into_inner(), round % 40 * 2);
                    }
                });
            }
        });
    }
}

#[test]
fn more_callers_than_a_system_has_room_for_wait_their_turn() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let count = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..300 {
            threads.spawn(|| {
                jobs.frame(|frame| {
                    frame.spawn_detached(|_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                    std::thread::yield_now();
                });
            });
        }
    });
    assert_eq!(count.into_inner(), 300);
}

#[test]
fn a_wait_runs_jobs_of_its_own_frame_and_of_no_other() {
    // A job of the outer frame holds a lock and opens a frame; were another job of the outer frame
    // run inside that wait, it would find the lock taken by its own thread.
    for jobs in systems() {
        let lock = Mutex::new(0_usize);
        jobs.frame(|frame| {
            for _ in 0..50 {
                let lock = &lock;
                frame.spawn_detached(move |ctx| {
                    let mut held = lock.lock().unwrap();
                    ctx.frame(|inner| {
                        for _ in 0..10 {
                            inner.spawn_detached(|_| std::hint::spin_loop());
                        }
                    });
                    *held += 1;
                });
            }
        });
        assert_eq!(lock.into_inner().unwrap(), 50);
    }
}

#[test]
fn a_lock_held_across_a_spawn_is_taken_by_the_job() {
    for jobs in systems() {
        let lock = Mutex::new(0);
        jobs.frame(|frame| {
            for _ in 0..1_000 {
                let held = lock.lock().unwrap();
                let lock = &lock;
                frame.spawn_detached(move |_| *lock.lock().unwrap() += 1);
                drop(held);
            }
        });
        assert_eq!(lock.into_inner().unwrap(), 1_000);
    }
}

#[test]
fn a_frames_result_that_owns_memory_comes_out_whole() {
    for jobs in systems() {
        let names: Vec<String> = jobs.frame(|frame| {
            let handles: Vec<_> = (0..100)
                .map(|index| frame.spawn_job(move |_| format!("job {index}")))
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.wait(frame))
                .collect()
        });
        assert_eq!(names[99], "job 99");
    }
}

#[test]
fn a_handle_may_be_waited_for_in_another_job() {
    // The jobs waited for wait for nothing themselves: a chain of waits among siblings can close a
    // circle through the stack of a worker that helps.
    for jobs in systems() {
        for _ in 0..100 {
            let sum = Arc::new(AtomicUsize::new(0));
            jobs.frame(|frame| {
                for _ in 0..50 {
                    let before = frame.spawn_job(|_| 1_usize);
                    let sum = Arc::clone(&sum);
                    frame.spawn_detached(move |ctx| {
                        sum.fetch_add(before.wait(ctx), Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(sum.load(Ordering::Relaxed), 50);
        }
    }
}
