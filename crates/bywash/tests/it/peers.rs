//! Bugs that other libraries had, each with the test that would have found it here.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use bywash::topology::Topology;
use bywash::{Context, JobSystem, Placement, Priority, WaitPolicy};

fn impatient(workers: usize) -> JobSystem {
    JobSystem::builder()
        .workers(workers)
        .wait_policy(WaitPolicy::Power)
        .build()
        .unwrap()
}

/// Waits for `flag`, but not for ever: what should set it may have gone another way.
fn look_for(flag: &AtomicBool) -> bool {
    (0..2_000).any(|_| {
        thread::yield_now();
        flag.load(Ordering::Acquire)
    })
}

/// rayon #739, #740: a latch on the stack was read after it had been set.
#[test]
fn the_stack_of_a_join_is_its_callers_again_as_soon_as_it_returns() {
    #[inline(never)]
    fn fork(ctx: &Context) -> bool {
        let begun = AtomicBool::new(false);
        let here = ctx.worker_index();
        let ((), there) = ctx.join(
            |_| {
                look_for(&begun);
            },
            |ctx| {
                begun.store(true, Ordering::Release);
                ctx.worker_index()
            },
        );
        here != there
    }
    #[inline(never)]
    fn paint() -> bool {
        let mut bytes = [0xA5_u8; 4_096];
        for _ in 0..50 {
            black_box(&mut bytes);
            spin_loop();
        }
        bytes.iter().all(|&byte| byte == 0xA5)
    }
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let stolen = jobs.frame(|frame| {
        (0..2_000)
            .filter(|_| {
                let was_stolen = fork(frame);
                assert!(paint(), "somebody wrote to a stack that is in use again");
                was_stolen
            })
            .take(200)
            .count()
    });
    assert!(stolen > 0, "no second side was stolen");
}

/// rayon #768: the latch of a scope was read after the scope had ended.
#[test]
fn a_frames_memory_is_the_next_frames_as_soon_as_it_ends() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    for _ in 0..2_000 {
        jobs.frame(|frame| {
            let group = frame.counter();
            for _ in 0..4 {
                frame.spawn_with_counter(group, |_| spin_loop());
            }
            frame.wait(group);
        });
        jobs.frame(|frame| {
            let bytes = frame.alloc_slice_fill_with(1_024, |_| 0xA5_u8);
            for _ in 0..20 {
                black_box(&mut *bytes);
                spin_loop();
            }
            assert!(bytes.iter().all(|&byte| byte == 0xA5));
        });
    }
}

/// rayon #913, #929, #934: a registry was freed between a latch's setting and its notification.
#[test]
fn a_system_may_go_while_its_last_worker_still_tells_of_the_end() {
    let around = JobSystem::builder().workers(2).build().unwrap();
    let seen = AtomicUsize::new(0);
    for _ in 0..50 {
        around.frame(|frame| {
            for _ in 0..2 {
                let seen = &seen;
                frame.spawn_detached(move |_| {
                    let inner = impatient(2);
                    let (a, b) = inner.join(|_| 1, |_| 1);
                    let (sender, receiver) = channel();
                    inner.spawn_detached(move |_| sender.send(a + b).unwrap());
                    seen.fetch_add(receiver.recv().unwrap(), Ordering::Relaxed);
                    drop(inner);
                });
            }
        });
    }
    assert_eq!(seen.into_inner(), 200);
}

/// rayon #992: the last look before the sleep left out one kind of queue.
#[test]
fn every_kind_of_work_wakes_a_sleeper_while_the_spawner_blocks() {
    let jobs = impatient(2);
    let (sender, receiver) = channel();
    for round in 0..300 {
        let send = || {
            let sender = sender.clone();
            move || sender.send(round).unwrap()
        };
        let arrives = || assert_eq!(receiver.recv().unwrap(), round);
        let inbox = send();
        jobs.spawn_detached(move |_| inbox());
        arrives();
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            jobs.frame(|frame| {
                let lane = send();
                frame.spawn_with_priority(priority, move |_| lane());
                arrives();
            });
        }
        let mail = Mutex::new(send());
        jobs.broadcast(|_| mail.lock().unwrap()());
        arrives();
        arrives();
    }
}

/// rayon #945: two threads waited on a latch that was made for one.
#[test]
fn two_workers_that_wait_for_one_counter_both_go_on() {
    let jobs = impatient(3);
    for _ in 0..300 {
        let (waiting, gone_on) = (AtomicUsize::new(0), AtomicUsize::new(0));
        jobs.frame(|frame| {
            let (waiting, gone_on) = (&waiting, &gone_on);
            let group = frame.counter();
            frame.spawn_with_counter(group, move |_| {
                for _ in 0..200 {
                    thread::yield_now();
                    if waiting.load(Ordering::Relaxed) == 2 {
                        break;
                    }
                }
            });
            for _ in 0..2 {
                frame.spawn_detached(move |ctx| {
                    waiting.fetch_add(1, Ordering::Relaxed);
                    ctx.wait(group);
                    assert!(group.is_zero());
                    gone_on.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(gone_on.into_inner(), 2);
    }
}

/// rayon #343: a worker that waited for a long job spun for as long.
#[test]
fn who_waits_for_a_long_job_sleeps_meanwhile() {
    let jobs = impatient(2);
    let slept = (0..200).any(|_| {
        jobs.frame(|frame| {
            let here = frame.worker_index();
            let before = jobs.worker_stats(here).sleeps;
            let begun = AtomicBool::new(false);
            let (_, slept) = frame.join(
                |_| look_for(&begun),
                |ctx| {
                    begun.store(true, Ordering::Release);
                    let is_stolen = ctx.worker_index() != here;
                    is_stolen
                        && (0..1_000_000).any(|_| {
                            thread::yield_now();
                            jobs.worker_stats(here).sleeps > before
                        })
                },
            );
            slept
        })
    });
    assert!(slept, "the waiter never slept");
}

/// rayon #592: a wait under a lock ran a job that wanted the lock.
#[test]
fn an_isolated_wait_under_a_lock_runs_nothing_that_wants_the_lock() {
    for workers in [1, 2, 8] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let lock = Mutex::new(0_usize);
        jobs.frame(|frame| {
            for index in 0..60 {
                let lock = &lock;
                frame.spawn_detached(move |ctx| {
                    let mut held = lock.lock().unwrap();
                    *held += ctx.isolate(|inner| match index % 3 {
                        0 => inner.spawn_job(|_| 1).wait(inner),
                        1 => inner.join(|_| 1, |_| 0).0,
                        _ => inner.parallel_reduce(0..2, || 0, |sum, i| sum + i, |a, b| a + b),
                    });
                });
            }
        });
        assert_eq!(lock.into_inner().unwrap(), 60);
    }
}

/// RustFiber: opening a frame reused the memory of closures that were still queued.
#[test]
fn a_nested_frame_leaves_the_closures_that_are_queued_around_it_alone() {
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let whole = AtomicUsize::new(0);
        jobs.frame(|outer| {
            let whole = &whole;
            for round in 0..50_usize {
                let captured = [round; 40];
                outer.spawn_detached(move |_| {
                    whole.fetch_add(
                        usize::from(captured.iter().all(|&n| n == round)),
                        Ordering::Relaxed,
                    );
                });
                outer.frame(|inner| {
                    inner.alloc_slice_fill_with(2_000, |_| usize::MAX);
                    for _ in 0..50 {
                        inner.spawn_detached(|_| ());
                    }
                });
            }
        });
        assert_eq!(whole.into_inner(), 50);
    }
}

/// framealloc: an alignment above 16 was ignored.
#[test]
fn what_a_job_captures_is_aligned_as_its_type_asks() {
    #[repr(align(32))]
    struct Small(u8);
    #[repr(align(64))]
    struct Line(u8);
    #[repr(align(4096))]
    struct Page(u8);
    fn check<T>(value: &T, byte: u8, is_right: &AtomicUsize) {
        let is_aligned = std::ptr::from_ref(value)
            .addr()
            .is_multiple_of(align_of::<T>());
        is_right.fetch_add(usize::from(is_aligned && byte == 7), Ordering::Relaxed);
    }
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let is_right = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let is_right = &is_right;
            let group = frame.counter();
            for _ in 0..100 {
                // A small one between: what follows does not lie right by itself.
                frame.spawn_detached(move |_| check(&1_u8, 7, is_right));
                let (small, line, page) = (Small(7), Line(7), Page(7));
                frame.spawn_detached(move |_| check(&small, small.0, is_right));
                frame.spawn_with_counter(group, move |_| check(&line, line.0, is_right));
                let line = frame.spawn_job(move |_| {
                    check(&page, page.0, is_right);
                    Line(7)
                });
                let line = line.wait(frame);
                check(&line, line.0, is_right);
            }
        });
        assert_eq!(is_right.into_inner(), 500);
    }
}

/// RustFiber: thread-locals did not tell systems apart, and a spawn went to the wrong one.
#[test]
fn a_job_is_run_by_the_system_whose_context_spawned_it() {
    let (one, other) = (impatient(2), impatient(2));
    one.frame(|first| {
        other.frame(|second| {
            for _ in 0..100 {
                first.spawn_detached(|_| ());
                second.spawn_detached(|_| ());
                second.spawn_detached(|_| ());
            }
        });
    });
    let run = |jobs: &JobSystem| jobs.stats().total.run;
    assert_eq!((run(&one), run(&other)), (100, 200));
}

/// RustFiber: a context that was captured at the start was used on another worker.
#[test]
fn no_two_threads_are_the_same_worker_at_a_time() {
    let jobs = JobSystem::builder().workers(4).build().unwrap();
    // Who is which worker now, and how many of his jobs lie on one another.
    let occupants: Vec<Mutex<Option<(thread::ThreadId, usize)>>> =
        (0..4 + 8).map(|_| Mutex::new(None)).collect();
    let check = |ctx: &Context, body: &dyn Fn()| {
        let me = thread::current().id();
        let place = &occupants[ctx.worker_index()];
        let depth = |occupant: &Option<(thread::ThreadId, usize)>| {
            occupant.map_or(0, |(thread, depth)| {
                assert_eq!(thread, me);
                depth
            })
        };
        let mut occupant = place.lock().unwrap();
        *occupant = Some((me, depth(&occupant) + 1));
        drop(occupant);
        body();
        let mut occupant = place.lock().unwrap();
        let left = depth(&occupant) - 1;
        *occupant = (left > 0).then_some((me, left));
    };
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..20 {
                    jobs.frame(|frame| {
                        for _ in 0..50 {
                            frame.spawn_detached(|ctx| {
                                check(ctx, &|| {
                                    ctx.join(|ctx| check(ctx, &|| ()), |ctx| check(ctx, &|| ()));
                                });
                            });
                        }
                    });
                }
            });
        }
    });
    assert!(
        occupants
            .iter()
            .all(|place| place.lock().unwrap().is_none())
    );
}

/// RustFiber: workers of a second tier were parked where no submit woke them.
#[test]
fn a_message_to_a_system_of_tiers_that_all_sleep_arrives_each_time() {
    let mut machine = Topology::builder();
    let node = machine.package().node();
    node.llc().cores(1, 2).llc().cores(1, 2);
    let jobs = JobSystem::builder()
        .workers(4)
        .topology(machine.build().unwrap())
        .placement(Placement::tiered_spillover().tier_minimum(1))
        .wait_policy(WaitPolicy::Power)
        .build()
        .unwrap();
    let (sender, receiver) = channel();
    for round in 0..1_000 {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(round).unwrap());
        assert_eq!(receiver.recv().unwrap(), round);
    }
}

/// RustFiber: `% 0` on a machine of one core.
#[test]
fn one_worker_does_all_that_many_do() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let done = AtomicUsize::new(0);
    let count = &done;
    let add = move |_: &Context| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    jobs.frame(|frame| {
        let group = frame.counter();
        frame.spawn_detached(add);
        frame.spawn_with_counter(group, add);
        frame.spawn_after(group, add);
        frame.spawn_with_priority(Priority::High, add);
        frame.spawn_with_priority(Priority::Low, add);
        frame.spawn_batch((0..20).map(|_| add));
        frame.spawn_job(add).wait(frame);
        frame.join(add, add);
        frame.parallel_for(0..100, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        frame.wait(group);
    });
    assert_eq!(jobs.broadcast(|ctx| ctx.worker_index()), [0]);
    let (sender, receiver) = channel();
    jobs.spawn_detached(move |ctx| sender.send(ctx.worker_index()).unwrap());
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!(done.load(Ordering::Relaxed), 128);
}

/// chili 0.2.1: the predicate of a condition variable was the wrong one, and the last stop was slept
/// through.
#[test]
fn a_system_that_has_just_gone_to_sleep_still_stops() {
    for workers in [1, 3] {
        for round in 0..100_usize {
            let jobs = Arc::new(impatient(workers));
            let again = Arc::clone(&jobs);
            let (sender, receiver) = channel();
            jobs.spawn_detached(move |_| sender.send(Arc::strong_count(&again)).unwrap());
            assert!(receiver.recv().unwrap() >= 1);
            (0..round * 10).for_each(|_| spin_loop());
            drop(jobs);
        }
    }
}
