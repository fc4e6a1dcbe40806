//! Panics: where each comes out, what runs all the same, and what is dropped exactly once.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use bywash::JobSystem;

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 3, 8, 22]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

/// Counts its drops.
struct Dropped<'a>(&'a AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a destructor");
    }
}

#[test]
fn the_first_unclaimed_panic_comes_out_and_the_others_are_dropped() {
    for jobs in systems() {
        let payloads = Arc::new(AtomicUsize::new(0));
        struct Payload(Arc<AtomicUsize>);
        impl Drop for Payload {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                for _ in 0..100 {
                    let payloads = Arc::clone(&payloads);
                    frame.spawn_detached(move |_| resume_unwind(Box::new(Payload(payloads))));
                }
            });
        }));
        let kept = result.unwrap_err();
        assert!(kept.is::<Payload>());
        assert_eq!(payloads.load(Ordering::Relaxed), 99);
        drop(kept);
        assert_eq!(payloads.load(Ordering::Relaxed), 100);
    }
}

#[test]
fn the_bodys_panic_goes_before_a_jobs() {
    for jobs in systems() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                frame.spawn_detached(|_| panic_any(1_u8));
                panic_any(2_u16);
            });
        }));
        assert_eq!(*result.unwrap_err().downcast::<u16>().unwrap(), 2);
    }
}

#[test]
fn a_panic_counts_down_its_counter() {
    for jobs in systems() {
        let after = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let group = frame.counter();
                for index in 0..200 {
                    frame.spawn_with_counter(group, move |_| assert!(index % 2 == 0));
                }
                frame.spawn_after(group, |_| {
                    after.fetch_add(1, Ordering::Relaxed);
                });
                frame.wait(group);
                assert!(group.is_zero());
            });
        }));
        assert!(result.is_err());
        assert_eq!(after.into_inner(), 1);
    }
}

#[test]
fn a_continuation_on_a_counter_whose_jobs_have_all_panicked_starts_at_once() {
    for jobs in systems() {
        let after = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let group = frame.counter();
                for _ in 0..20 {
                    frame.spawn_with_counter(group, |_| resume_unwind(Box::new("counted")));
                }
                frame.wait(group);
                let after = &after;
                frame.spawn_after(group, move |_| {
                    after.fetch_add(1, Ordering::Relaxed);
                });
                // Counting again after that zero, and panicking again.
                frame.spawn_with_counter(group, |_| resume_unwind(Box::new("once more")));
                frame.spawn_after(group, move |_| {
                    after.fetch_add(1, Ordering::Relaxed);
                });
            });
        }));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"counted"));
        assert_eq!(after.into_inner(), 2);
    }
}

#[test]
fn workers_survive_any_number_of_panics() {
    for jobs in systems() {
        for _ in 0..50 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.frame(|frame| {
                    for _ in 0..64 {
                        frame.spawn_detached(|_| panic!("again"));
                    }
                });
            }));
            assert!(result.is_err());
        }
        assert_eq!(jobs.join(|_| 1, |_| 2), (1, 2));
    }
}

#[test]
fn a_static_jobs_panic_goes_to_the_handler() {
    for workers in [1, 2, 8] {
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        let jobs = JobSystem::builder()
            .workers(workers)
            .panic_handler(move |payload| {
                let number = *payload.downcast::<usize>().unwrap();
                sender.lock().unwrap().send(number).unwrap();
            })
            .build()
            .unwrap();
        for index in 0..20_usize {
            jobs.spawn_detached(move |ctx| {
                // From the job itself, or from one that it spawned.
                if index % 2 == 0 {
                    panic_any(index);
                }
                ctx.spawn_detached(move |_| panic_any(index));
            });
        }
        let mut seen: Vec<usize> = receiver.iter().take(20).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..20));
    }
}

#[test]
fn a_handler_that_panics_harms_nobody() {
    let jobs = JobSystem::builder()
        .workers(2)
        .panic_handler(|_| panic!("the handler"))
        .build()
        .unwrap();
    let (sender, receiver) = channel();
    for index in 0..50 {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| {
            let _sent = sender.send(index);
            panic!("the job");
        });
    }
    drop(sender);
    assert_eq!(receiver.iter().count(), 50);
}

#[test]
fn a_closure_is_dropped_once_whether_its_job_ran_or_panicked() {
    for jobs in systems() {
        let drops = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let group = frame.counter();
                for index in 0..100 {
                    let drops = &drops;
                    let owned = Dropped(drops);
                    frame.spawn_detached(move |_| {
                        let _owned = &owned;
                        assert!(index % 3 != 0);
                    });
                    let owned = Dropped(drops);
                    frame.spawn_with_counter(group, move |_| {
                        let _owned = &owned;
                        assert!(index % 5 != 0);
                    });
                    let owned = Dropped(drops);
                    frame.spawn_after(group, move |_| {
                        let _owned = &owned;
                        assert!(index % 7 != 0);
                    });
                    let owned = Dropped(drops);
                    drop(frame.spawn_job(move |_| {
                        assert!(index % 11 != 0);
                        owned
                    }));
                }
            });
        }));
        assert!(result.is_err());
        assert_eq!(drops.into_inner(), 400);
    }
}

#[test]
fn a_result_whose_drop_panics_comes_out_at_the_frames_end() {
    for jobs in systems() {
        let others = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                drop(frame.spawn_job(|_| Grenade));
                for _ in 0..50 {
                    frame.spawn_detached(|_| {
                        others.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }));
        assert_eq!(
            *result.unwrap_err().downcast::<&str>().unwrap(),
            "a destructor"
        );
        assert_eq!(others.into_inner(), 50);
    }
}

#[test]
#[cfg_attr(bywash_asan, ignore = "leaks on purpose")]
fn a_payload_whose_drop_panics_is_forgotten_where_nobody_wants_it() {
    for jobs in systems() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                for _ in 0..10 {
                    frame.spawn_detached(|_| resume_unwind(Box::new(Grenade)));
                }
            });
        }));
        // The one that came out is ours, and it still bites.
        let kept: Box<dyn Any + Send> = result.unwrap_err();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(kept))).is_err());
        assert_eq!(jobs.frame(|_| 3), 3);
    }
}

#[test]
fn a_second_side_whose_drop_panics_does_not_hide_the_first_sides_panic() {
    for jobs in systems() {
        for _ in 0..50 {
            let grenade = Grenade;
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.join(
                    |_| -> () { panic_any(7_u8) },
                    move |_| {
                        let _held = &grenade;
                    },
                )
            }));
            assert_eq!(*result.unwrap_err().downcast::<u8>().unwrap(), 7);
        }
    }
}

#[test]
fn a_handles_wait_rethrows_its_jobs_own_payload() {
    for jobs in systems() {
        jobs.frame(|frame| {
            let handles: Vec<_> = (0..100_u32)
                .map(|index| frame.spawn_job(move |_| -> () { panic_any(index) }))
                .collect();
            for (index, handle) in handles.into_iter().enumerate() {
                let payload = catch_unwind(AssertUnwindSafe(|| handle.wait(frame))).unwrap_err();
                assert_eq!(*payload.downcast::<u32>().unwrap() as usize, index);
            }
        });
    }
}

#[test]
fn a_batch_runs_every_task_though_some_panic() {
    for jobs in systems() {
        let ran = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let ran = &ran;
                frame.spawn_batch((0..100).map(|index| {
                    move |_: &bywash::Context| {
                        ran.fetch_add(1, Ordering::Relaxed);
                        assert!(index % 10 != 0);
                    }
                }));
            });
        }));
        assert!(result.is_err());
        assert_eq!(ran.into_inner(), 100);
    }
}

#[test]
fn what_an_iterator_gave_before_it_panicked_is_run() {
    for jobs in systems() {
        let ran = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let ran = &ran;
                frame.spawn_batch((0..100).map(|index| {
                    assert_ne!(index, 40, "the iterator");
                    move |_: &bywash::Context| {
                        ran.fetch_add(1, Ordering::Relaxed);
                    }
                }));
            });
        }));
        assert!(result.is_err());
        assert_eq!(ran.into_inner(), 40);
    }
}

#[test]
fn a_panic_between_counted_and_uncounted_jobs_is_counted_where_it_belongs() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| {
        jobs.frame(|frame| {
            let group = frame.counter();
            // Newest first: a counted job, one that panics, and a job that nobody counts and that panics.
            frame.spawn_detached(|_| resume_unwind(Box::new("uncounted")));
            for panics in [true, false] {
                frame.spawn_with_counter(group, move |_| {
                    if panics {
                        resume_unwind(Box::new("counted"));
                    }
                });
            }
            frame.wait(group);
            assert!(group.is_zero());
        });
    }));
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"counted"));
}

#[test]
fn what_a_panicking_job_gave_back_elsewhere_is_not_used_in_the_next_frame() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    for _ in 0..50 {
        // A thief runs a job of this frame's memory, which unwinds there.
        let begun = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let (captured, begun) = ([1_usize; 90], &begun);
                frame.spawn_detached(move |_| {
                    begun.store(captured[7], Ordering::Release);
                    resume_unwind(Box::new(()));
                });
                while begun.load(Ordering::Acquire) == 0 {
                    std::thread::yield_now();
                }
            });
        }));
        assert!(result.is_err());
        // The same thief spawns a job of that size in the next frame, whose memory lies in the same place.
        let spawned = AtomicUsize::new(0);
        jobs.frame(|frame| {
            let ours = &*frame.alloc_slice_fill_with(4_000, |_| usize::MAX);
            let spawned = &spawned;
            frame.spawn_detached(move |ctx| {
                let captured = [1_usize; 90];
                ctx.spawn_detached(move |_| {
                    spawned.fetch_add(captured[7], Ordering::Release);
                });
                spawned.fetch_add(1, Ordering::Release);
            });
            while spawned.load(Ordering::Acquire) != 2 {
                std::thread::yield_now();
            }
            assert!(ours.iter().all(|&number| number == usize::MAX));
        });
    }
}
