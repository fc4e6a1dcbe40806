//! A system's life: how it starts, whom it serves, how it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bywash::{BuildError, JobSystem, MOST_WORKERS, WaitPolicy};

fn system_of(workers: usize) -> JobSystem {
    JobSystem::builder().workers(workers).build().unwrap()
}

#[test]
fn no_number_of_workers_means_the_default() {
    let jobs = system_of(0);
    let usable = std::thread::available_parallelism().unwrap().get();
    assert_eq!(jobs.seats(), usable);
    assert_eq!(jobs.join(|_| 1, |_| 2), (1, 2));
}

#[test]
fn too_many_workers_are_refused_with_words_that_help() {
    for asked in [MOST_WORKERS + 1, usize::MAX] {
        let error = JobSystem::builder().workers(asked).build().err().unwrap();
        assert!(matches!(error, BuildError::TooManyWorkers { .. }));
        let words = error.to_string();
        assert!(
            words.contains(&asked.to_string()) && words.contains("fewer"),
            "{words}"
        );
    }
}

#[test]
fn a_thread_that_cannot_start_is_an_error_and_leaves_nothing_behind() {
    let result = JobSystem::builder().workers(2).stack_size(1 << 46).build();
    assert!(matches!(result, Err(BuildError::Thread { index: 0, .. })));
}

#[test]
fn the_calling_thread_is_a_worker_of_its_frame() {
    for workers in [1, 2, 8] {
        let jobs = system_of(workers);
        let here = std::thread::current().id();
        jobs.frame(|frame| {
            assert!(frame.worker_index() < workers);
            let nested = jobs.frame(|inner| inner.worker_index());
            assert_eq!(nested, frame.worker_index());
        });
        if workers == 1 {
            let ran_by = Mutex::new(None);
            jobs.frame(|frame| {
                frame.spawn_detached(|_| {
                    *ran_by.lock().unwrap() = Some(std::thread::current().id());
                });
            });
            assert_eq!(ran_by.into_inner().unwrap(), Some(here));
        }
    }
}

#[test]
fn jobs_come_from_workers_and_from_foreign_threads_alike() {
    for workers in [1, 2, 8] {
        let jobs = Arc::new(system_of(workers));
        let (sender, receiver) = channel();
        let inner = Arc::clone(&jobs);
        let again = sender.clone();
        jobs.spawn_detached(move |_| {
            sender.send("from outside").unwrap();
            inner.spawn_detached(move |_| again.send("from a worker").unwrap());
        });
        let mut words: Vec<_> = receiver.iter().collect();
        words.sort_unstable();
        assert_eq!(words, ["from a worker", "from outside"]);
    }
}

#[test]
fn every_queued_job_runs_before_the_last_drop_returns() {
    // One worker that sleeps, is searching, or is just about to leave: the last job is never lost.
    for policy in [WaitPolicy::Power, WaitPolicy::Balanced, WaitPolicy::Latency] {
        for workers in [1, 2, 3] {
            for round in 0..150_u32 {
                let jobs = JobSystem::builder()
                    .workers(workers)
                    .wait_policy(policy)
                    .build()
                    .unwrap();
                let ran = Arc::new(AtomicUsize::new(0));
                for _ in 0..3 {
                    let first = Arc::clone(&ran);
                    jobs.spawn_detached(move |_| {
                        first.fetch_add(1, Ordering::Relaxed);
                    });
                    for _ in 0..round % 50 * 40 {
                        std::hint::spin_loop();
                    }
                }
                drop(jobs);
                assert_eq!(ran.load(Ordering::Relaxed), 3);
            }
        }
    }
}

#[test]
fn a_drop_in_the_middle_of_work_waits_for_all_of_it() {
    for workers in [1, 2, 8] {
        let ran = Arc::new(AtomicUsize::new(0));
        let jobs = system_of(workers);
        for _ in 0..100 {
            let ran = Arc::clone(&ran);
            jobs.spawn_detached(move |ctx| {
                for _ in 0..10 {
                    let ran = Arc::clone(&ran);
                    ctx.spawn_detached(move |ctx| {
                        ctx.join(
                            |_| ran.fetch_add(1, Ordering::Relaxed),
                            |_| ran.fetch_add(1, Ordering::Relaxed),
                        );
                    });
                }
            });
        }
        drop(jobs);
        assert_eq!(Arc::into_inner(ran).unwrap().into_inner(), 2_000);
    }
}

#[test]
fn the_last_handle_may_go_inside_one_of_its_own_jobs() {
    for workers in [1, 2, 8] {
        for _ in 0..30 {
            let (sender, receiver) = channel();
            let jobs = system_of(workers);
            for index in 0..20 {
                let (sender, jobs) = (sender.clone(), jobs.clone());
                jobs.clone().spawn_detached(move |ctx| {
                    ctx.spawn_detached(move |_| {
                        sender.send(index).unwrap();
                        drop(jobs);
                    });
                });
            }
            drop(sender);
            drop(jobs);
            assert_eq!(receiver.iter().count(), 20);
        }
    }
}

#[test]
fn the_last_handle_may_go_inside_another_systems_job_that_its_own_job_waits_for() {
    for workers in [1, 2] {
        let one = system_of(workers);
        let job_that_drops = |other: JobSystem| {
            let (go_on, may_go_on) = channel();
            let (sender, receiver) = channel();
            other.spawn_detached(move |_| {
                may_go_on.recv().unwrap();
                sender.send(()).unwrap();
            });
            let body = move || {
                drop(other);
                go_on.send(()).unwrap();
            };
            (body, receiver)
        };
        let (body, receiver) = job_that_drops(system_of(workers));
        one.spawn_detached(|_| body());
        receiver.recv().unwrap();
        let (body, receiver) = job_that_drops(system_of(workers));
        one.frame(|_| body());
        receiver.recv().unwrap();
    }
}

#[test]
fn the_last_handle_may_go_inside_a_callback() {
    for workers in [1, 2] {
        let (give, take) = channel::<JobSystem>();
        let (exited, receiver) = channel();
        let take = Mutex::new(take);
        let jobs = JobSystem::builder()
            .workers(workers)
            .on_start(move |_| drop(take.lock().unwrap().recv()))
            .on_exit(move |index| exited.send(index).unwrap())
            .build()
            .unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        jobs.spawn_detached(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
        give.send(jobs).unwrap();
        drop(give);
        assert_ne!(receiver.iter().count(), 0, "until the system is gone");
        assert_eq!(Arc::into_inner(done).unwrap().into_inner(), 1);
    }
}

#[test]
fn many_workers_on_few_cores_start_and_stop() {
    for _ in 0..10 {
        let jobs = system_of(22);
        assert_eq!(jobs.join(|_| 1, |_| 2), (1, 2));
    }
    for _ in 0..50 {
        drop(system_of(22));
    }
}

#[test]
fn a_system_is_usable_before_its_last_thread_has_started() {
    for _ in 0..5 {
        let jobs = system_of(64);
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..1_000 {
                frame.spawn_detached(|_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(count.into_inner(), 1_000);
    }
}

#[test]
fn callbacks_are_called_once_a_worker_and_threads_have_their_names() {
    let (started, ended) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (on_start, on_exit) = (Arc::clone(&started), Arc::clone(&ended));
    let jobs = JobSystem::builder()
        .workers(5)
        .thread_name(|index| format!("painter {index}"))
        .on_start(move |index| {
            let name = std::thread::current().name().unwrap().to_owned();
            on_start.lock().unwrap().push((index, name));
        })
        .on_exit(move |index| on_exit.lock().unwrap().push(index))
        .build()
        .unwrap();
    while started.lock().unwrap().len() < 5 {
        std::thread::yield_now();
    }
    drop(jobs);
    let mut started = started.lock().unwrap().clone();
    started.sort();
    assert!(
        started
            .into_iter()
            .eq((0..5).map(|index| (index, format!("painter {index}"))))
    );
    let mut ended = ended.lock().unwrap().clone();
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2, 3, 4]);
}

#[test]
fn callbacks_that_panic_cost_no_worker_and_no_job() {
    let caught = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&caught);
    let jobs = JobSystem::builder()
        .workers(3)
        .thread_name(|index| {
            assert_eq!(index, 0, "a name");
            "first".to_owned()
        })
        .on_start(|_| panic!("at the start"))
        .on_exit(|_| panic!("at the end"))
        .panic_handler(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    let (sender, receiver) = channel();
    for index in 0..100 {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(index).unwrap());
    }
    drop(sender);
    assert_eq!(receiver.iter().count(), 100);
    drop(jobs);
    assert!(caught.load(Ordering::Relaxed) >= 2);
}

#[test]
fn a_workers_stack_is_as_large_as_was_asked() {
    fn deep(level: usize) -> usize {
        let block = std::hint::black_box([level as u8; 4_096]);
        if level == 0 {
            return block[0] as usize;
        }
        deep(level - 1) + std::hint::black_box(&block)[7] as usize % 2
    }
    let jobs = JobSystem::builder()
        .workers(2)
        .stack_size(64 << 20)
        .build()
        .unwrap();
    let (sender, receiver) = channel();
    // Some 24 MiB: a default stack would not do.
    jobs.spawn_detached(move |_| sender.send(deep(4_000)).unwrap());
    assert!(receiver.recv().unwrap() > 0);
}

#[test]
fn two_systems_call_into_each_other_and_into_themselves() {
    for workers in [1, 2, 3] {
        let (one, other) = (system_of(workers), system_of(workers));
        for _ in 0..50 {
            let sum = one.frame(|_| {
                other.join(
                    |_| one.join(|_| 1, |_| other.frame(|_| 2)),
                    |_| one.join(|_| other.join(|_| 3, |_| 4), |_| 5),
                )
            });
            assert_eq!(sum, ((1, 2), ((3, 4), 5)));
        }
    }
}

#[test]
fn systems_that_call_each_other_from_their_jobs_end() {
    let (one, other) = (Arc::new(system_of(2)), Arc::new(system_of(2)));
    for _ in 0..50 {
        let count = AtomicUsize::new(0);
        one.frame(|frame| {
            for _ in 0..20 {
                frame.spawn_detached(|_| {
                    other.frame(|inner| {
                        for _ in 0..5 {
                            inner.spawn_detached(|_| {
                                one.frame(|third| {
                                    third.spawn_detached(|_| {
                                        count.fetch_add(1, Ordering::Relaxed);
                                    });
                                });
                            });
                        }
                    });
                });
            }
        });
        assert_eq!(count.into_inner(), 100);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn idle_workers_sleep() {
    /// Ticks of processor time that the threads called `name…` have used.
    fn ticks_of(name: &str) -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let ticks = |stat: String| {
            let (_, numbers) = stat.rsplit_once(')').unwrap();
            let numbers: Vec<_> = numbers.split_whitespace().collect();
            numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap()
        };
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .filter(|stat| stat.contains(name))
            .map(ticks)
            .sum()
    }
    let jobs = JobSystem::builder()
        .workers(8)
        .thread_name(|index| format!("sleepy-{index}"))
        .build()
        .unwrap();
    jobs.join(|_| 1, |_| 2);
    std::thread::sleep(Duration::from_millis(200));
    let before = ticks_of("sleepy-");
    std::thread::sleep(Duration::from_millis(500));
    let used = ticks_of("sleepy-") - before;
    // Eight spinning workers would use some 100 ticks of 10 ms on two cores.
    assert!(used <= 2, "{used} ticks");
}

#[test]
fn a_frame_that_panics_gives_its_seat_back() {
    for workers in [1, 2] {
        let jobs = system_of(workers);
        for _ in 0..1_000 {
            let result = catch_unwind(AssertUnwindSafe(|| jobs.frame(|_| panic!("the body"))));
            assert!(result.is_err());
        }
        let (sender, receiver) = channel();
        jobs.spawn_detached(move |_| sender.send(5).unwrap());
        assert_eq!(receiver.recv().unwrap(), 5);
    }
}

#[test]
fn static_jobs_run_on_one_worker_while_nobody_waits() {
    let jobs = system_of(1);
    let (sender, receiver) = channel();
    jobs.frame(|_| {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(1).unwrap());
    });
    assert_eq!(receiver.recv().unwrap(), 1);
}

#[test]
fn a_system_that_does_not_tune_itself_gives_the_same_answers() {
    let answers = |learns| {
        let builder = JobSystem::builder().workers(3).auto_tuning(learns);
        let jobs = builder.build().unwrap();
        let (mut sums, done) = (Vec::new(), AtomicUsize::new(0));
        for round in 0..100_usize {
            // Short and long in turn: what was learned is often wrong.
            let items = if round % 10 == 0 { 20_000 } else { 20 };
            sums.push(jobs.parallel_reduce(0..items, || 0, |sum, i| sum + i, |a, b| a + b));
            jobs.frame(|frame| {
                for _ in 0..items {
                    frame.spawn_detached(|_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
        (sums, done.into_inner())
    };
    assert_eq!(answers(true), answers(false));
}

#[test]
fn systems_come_and_go_while_others_work() {
    std::thread::scope(|threads| {
        for workers in 1..5 {
            threads.spawn(move || {
                for round in 0..40_u64 {
                    let jobs = system_of(workers);
                    let squares: u64 =
                        jobs.parallel_reduce(0..1_000, || 0, |sum, i| sum + i as u64, |a, b| a + b);
                    assert_eq!(squares, 499_500);
                    if round % 2 == 0 {
                        jobs.spawn_detached(|ctx| {
                            ctx.join(|_| (), |_| ());
                        });
                    }
                }
            });
        }
    });
}

#[test]
fn a_job_that_comes_while_threads_start_keeps_none_of_them_from_starting() {
    for _ in 0..20 {
        let jobs = system_of(16);
        let (sender, receiver) = channel();
        jobs.spawn_detached(move |_| sender.send(()).unwrap());
        receiver.recv().unwrap();
        assert_eq!(jobs.broadcast(|_| ()).len(), 16);
    }
}
