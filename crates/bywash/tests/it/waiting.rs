//! Waits: they help, they end, and nobody sleeps through what would have woken him.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use bywash::{Context, JobSystem, Priority, WaitPolicy};

fn systems() -> impl Iterator<Item = JobSystem> {
    [
        (1, WaitPolicy::Balanced),
        (2, WaitPolicy::Power),
        (3, WaitPolicy::Balanced),
        (8, WaitPolicy::Power),
        (22, WaitPolicy::Latency),
    ]
    .into_iter()
    .map(|(workers, policy)| {
        JobSystem::builder()
            .workers(workers)
            .wait_policy(policy)
            .build()
            .unwrap()
    })
}

#[test]
fn sleepers_are_woken_as_often_as_they_sleep() {
    // A policy without patience: each round, everybody sleeps and is woken again.
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder()
            .workers(workers)
            .wait_policy(WaitPolicy::Power)
            .build()
            .unwrap();
        for round in 0..10_000_usize {
            let (a, b) = jobs.join(|_| round, |_| round + 1);
            assert_eq!(a + 1, b);
        }
    }
}

#[test]
fn a_message_to_sleeping_workers_arrives_each_time() {
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder()
            .workers(workers)
            .wait_policy(WaitPolicy::Power)
            .build()
            .unwrap();
        let (sender, receiver) = channel();
        for round in 0..5_000 {
            let sender = sender.clone();
            jobs.spawn_detached(move |_| sender.send(round).unwrap());
            assert_eq!(receiver.recv().unwrap(), round);
        }
    }
}

#[test]
fn a_wait_for_a_counter_that_others_spawn_to_ends_at_zero() {
    for jobs in systems() {
        for _ in 0..100 {
            let done = AtomicUsize::new(0);
            jobs.frame(|frame| {
                let group = frame.counter();
                let done = &done;
                for _ in 0..8 {
                    frame.spawn_with_counter(group, move |ctx| {
                        for _ in 0..8 {
                            ctx.spawn_with_counter(group, move |_| {
                                done.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                    });
                }
                frame.wait(group);
                assert_eq!(done.load(Ordering::Relaxed), 64);
            });
        }
    }
}

#[test]
fn many_jobs_wait_for_one_counter() {
    for jobs in systems() {
        for _ in 0..50 {
            let (done, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
            jobs.frame(|frame| {
                let (done, seen) = (&done, &seen);
                let group = frame.counter();
                for _ in 0..20 {
                    frame.spawn_with_counter(group, move |_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }
                // The newest come first: most of these wait while the others have not begun.
                for _ in 0..20 {
                    frame.spawn_detached(move |ctx| {
                        ctx.wait(group);
                        seen.fetch_add(done.load(Ordering::Relaxed), Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(seen.into_inner(), 20 * 20, "each saw all of them done");
        }
    }
}

#[test]
fn a_continuation_on_a_counter_that_is_zero_starts_at_once() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let never_used = frame.counter();
            for _ in 0..100 {
                frame.spawn_after(never_used, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            let finished = frame.counter();
            frame.spawn_with_counter(finished, |_| ());
            frame.wait(finished);
            frame.spawn_after(finished, |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.into_inner(), 101);
    }
}

#[test]
fn a_counter_counts_again_after_it_was_zero() {
    for jobs in systems() {
        for _ in 0..50 {
            let (first, second, after) = (
                AtomicUsize::new(0),
                AtomicUsize::new(0),
                AtomicUsize::new(0),
            );
            jobs.frame(|frame| {
                let (first, second, after) = (&first, &second, &after);
                let group = frame.counter();
                for _ in 0..10 {
                    frame.spawn_with_counter(group, move |_| {
                        first.fetch_add(1, Ordering::Relaxed);
                    });
                }
                frame.wait(group);
                assert_eq!(first.load(Ordering::Relaxed), 10);
                for _ in 0..10 {
                    frame.spawn_with_counter(group, move |_| {
                        second.fetch_add(1, Ordering::Relaxed);
                    });
                }
                frame.spawn_after(group, move |_| {
                    after.store(second.load(Ordering::Relaxed), Ordering::Relaxed);
                });
                frame.wait(group);
            });
            assert_eq!(after.into_inner(), 10);
        }
    }
}

#[test]
fn a_chain_of_continuations_on_fresh_counters_runs_in_order() {
    fn link<'f>(ctx: &Context<'f>, left: usize, order: &'f AtomicUsize) {
        if left == 0 {
            return;
        }
        let group = ctx.counter();
        for _ in 0..3 {
            ctx.spawn_with_counter(group, move |_| {
                order.fetch_add(1, Ordering::Relaxed);
            });
        }
        ctx.spawn_after(group, move |ctx| {
            assert!(order.load(Ordering::Relaxed).is_multiple_of(3));
            link(ctx, left - 1, order);
        });
    }
    for jobs in systems() {
        for _ in 0..20 {
            let order = AtomicUsize::new(0);
            jobs.frame(|frame| link(frame, 50, &order));
            assert_eq!(order.into_inner(), 150);
        }
    }
}

#[test]
fn waits_in_jobs_of_a_saturated_system_end() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let count = &count;
            for _ in 0..500 {
                frame.spawn_detached(move |ctx| {
                    let group = ctx.counter();
                    for _ in 0..4 {
                        ctx.spawn_with_counter(group, move |ctx| {
                            let handle = ctx.spawn_job(|_| 1);
                            count.fetch_add(handle.wait(ctx), Ordering::Relaxed);
                        });
                    }
                    ctx.wait(group);
                });
            }
        });
        assert_eq!(count.into_inner(), 2_000);
    }
}

#[test]
fn waits_among_very_many_siblings_keep_a_small_stack() {
    for workers in [1, 2, 3, 8] {
        let jobs = JobSystem::builder()
            .workers(workers)
            .stack_size(1 << 20)
            .build()
            .unwrap();
        let count = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            let caller = std::thread::Builder::new().stack_size(1 << 20);
            let caller = caller.spawn_scoped(threads, || {
                jobs.frame(|frame| {
                    for _ in 0..100_000 {
                        frame.spawn_detached(|ctx| {
                            let (a, b) = ctx.join(
                                |ctx| ctx.spawn_job(|_| 1).wait(ctx),
                                |ctx| ctx.spawn_job(|_| 1).wait(ctx),
                            );
                            count.fetch_add(a + b, Ordering::Relaxed);
                        });
                    }
                });
            });
            caller.unwrap().join().unwrap();
        });
        assert_eq!(count.into_inner(), 200_000);
    }
}

#[test]
fn a_worker_that_blocks_keeps_only_what_it_runs() {
    // One job blocks its worker until another has run; the caller's own jobs go on elsewhere.
    let jobs = JobSystem::builder().workers(3).build().unwrap();
    for _ in 0..200 {
        let (sender, receiver) = channel();
        let receiver = std::sync::Mutex::new(receiver);
        jobs.frame(|frame| {
            let receiver = &receiver;
            frame.spawn_detached(move |_| sender.send(()).unwrap());
            frame.spawn_detached(move |_| receiver.lock().unwrap().recv().unwrap());
        });
    }
}

#[test]
#[cfg_attr(bywash_asan, ignore = "leaks on purpose")]
fn forgotten_handles_leak_at_most() {
    for jobs in systems() {
        let ran = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..100 {
                let ran = &ran;
                std::mem::forget(frame.spawn_job(move |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                    vec![1, 2, 3]
                }));
            }
        });
        assert_eq!(ran.into_inner(), 100);
    }
}

#[test]
#[cfg_attr(bywash_asan, ignore = "leaks on purpose")]
fn a_forgotten_handle_to_the_system_leaves_its_threads_asleep() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let forgotten = jobs.clone();
    std::mem::forget(jobs);
    assert_eq!(forgotten.join(|_| 1, |_| 2), (1, 2));
}

#[test]
fn a_handle_dropped_while_its_job_runs_is_no_harm() {
    for jobs in systems() {
        for _ in 0..200 {
            let drops = AtomicUsize::new(0);
            struct Counted<'a>(&'a AtomicUsize);
            impl Drop for Counted<'_> {
                fn drop(&mut self) {
                    self.0.fetch_add(1, Ordering::Relaxed);
                }
            }
            let started = AtomicBool::new(false);
            jobs.frame(|frame| {
                let (drops, started) = (&drops, &started);
                let handle = frame.spawn_job(move |_| {
                    started.store(true, Ordering::Release);
                    Counted(drops)
                });
                if frame.spawn_job(|_| true).wait(frame) {
                    drop(handle);
                }
            });
            assert!(started.into_inner());
            assert_eq!(drops.into_inner(), 1);
        }
    }
}

#[test]
fn a_high_job_may_wait_for_a_normal_one_and_a_normal_one_for_a_low_one() {
    for jobs in systems() {
        for _ in 0..100 {
            let count = AtomicUsize::new(0);
            jobs.frame(|frame| {
                let count = &count;
                let group = frame.counter();
                for _ in 0..5 {
                    frame.spawn_with_counter(group, move |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
                frame.spawn_with_priority(Priority::High, move |ctx| {
                    ctx.wait(group);
                    assert_eq!(count.load(Ordering::Relaxed), 5);
                    let later = ctx.frame(|inner| {
                        inner.spawn_with_priority(Priority::Low, move |_| {
                            count.fetch_add(10, Ordering::Relaxed);
                        });
                        ctx.spawn_job(|_| 100)
                    });
                    count.fetch_add(later.wait(ctx), Ordering::Relaxed);
                });
            });
            assert_eq!(count.into_inner(), 115);
        }
    }
}

#[test]
fn an_inner_body_may_wait_for_what_the_outer_frame_spawned_before_it() {
    for jobs in systems() {
        for _ in 0..200 {
            let count = AtomicUsize::new(0);
            jobs.frame(|outer| {
                let count = &count;
                let group = outer.counter();
                for _ in 0..5 {
                    outer.spawn_with_counter(group, move |ctx| {
                        ctx.spawn_detached(move |_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                }
                let handle = outer.spawn_job(|_| 10);
                let sum = outer.frame(|inner| {
                    inner.spawn_detached(move |_| {
                        count.fetch_add(100, Ordering::Relaxed);
                    });
                    let sum = outer.frame(|innermost| {
                        innermost.spawn_detached(move |_| {
                            count.fetch_add(100, Ordering::Relaxed);
                        });
                        outer.wait(group);
                        innermost.spawn_detached(move |_| {
                            count.fetch_add(100, Ordering::Relaxed);
                        });
                        handle.wait(outer)
                    });
                    let later = inner.spawn_job(move |ctx| {
                        ctx.spawn_detached(move |_| {
                            count.fetch_add(100, Ordering::Relaxed);
                        });
                        7
                    });
                    sum + later.wait(inner)
                });
                assert_eq!(sum, 17);
            });
            assert_eq!(count.into_inner(), 405);
        }
    }
}

#[test]
fn what_an_inner_body_spawns_after_it_waited_for_the_outer_frames_task_is_done_by_its_end() {
    for jobs in systems() {
        let done = AtomicUsize::new(0);
        jobs.frame(|outer| {
            let task = outer.spawn_job(|_| 7);
            outer.frame(|inner| {
                assert_eq!(task.wait(outer), 7);
                for _ in 0..3 {
                    inner.spawn_detached(|_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(done.load(Ordering::Relaxed), 3);
        });
    }
}
