//! Jobs that block, hold locks and nest: the others go on, and stacks stay small.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use bywash::{Context, JobSystem};

fn system(workers: usize) -> JobSystem {
    JobSystem::builder().workers(workers).build().unwrap()
}

#[test]
fn while_one_worker_blocks_messages_and_frames_of_others_go_on() {
    for workers in [2, 3, 8] {
        let jobs = system(workers);
        let (release, blocked) = channel::<()>();
        let (begun, begins) = channel();
        jobs.spawn_detached(move |_| {
            begun.send(()).unwrap();
            blocked.recv().unwrap_err();
        });
        begins.recv().unwrap();
        let (sender, receiver) = channel();
        for n in 0..100 {
            let sender = sender.clone();
            jobs.spawn_detached(move |_| sender.send(n).unwrap());
        }
        drop(sender);
        assert_eq!(receiver.iter().count(), 100);
        let count = AtomicUsize::new(0);
        for _ in 0..20 {
            jobs.frame(|frame| {
                for _ in 0..200 {
                    frame.spawn_detached(|ctx| {
                        ctx.join(|_| (), |_| count.fetch_add(1, Ordering::Relaxed));
                    });
                }
            });
        }
        assert_eq!(count.into_inner(), 4_000);
        drop(release);
    }
}

#[test]
fn a_caller_does_its_frame_alone_while_every_worker_blocks() {
    for workers in [1, 3] {
        let jobs = system(workers);
        let (release, blocked) = channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let (begun, begins) = channel();
        for _ in 0..workers {
            let (blocked, begun) = (Arc::clone(&blocked), begun.clone());
            jobs.spawn_detached(move |_| {
                begun.send(()).unwrap();
                // The first holds the lock, and the others wait for it.
                let _ = blocked.lock().map(|blocked| blocked.recv());
            });
        }
        (0..workers).for_each(|_| begins.recv().unwrap());
        let sum = jobs.frame(|frame| {
            let handles: Vec<_> = (0..100).map(|n| frame.spawn_job(move |_| n)).collect();
            handles
                .into_iter()
                .map(|handle| handle.wait(frame))
                .sum::<i32>()
        });
        assert_eq!(sum, 4_950);
        drop(release);
    }
}

#[test]
fn a_wait_in_an_isolated_frame_runs_no_job_from_outside_it() {
    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }
    for workers in [1, 2, 8] {
        let jobs = system(workers);
        let isolated = AtomicUsize::new(0);
        jobs.frame(|frame| {
            for _ in 0..200 {
                let isolated = &isolated;
                frame.spawn_detached(move |ctx| {
                    assert!(!INSIDE.get(), "an outer job ran inside an isolated wait");
                    INSIDE.set(true);
                    ctx.isolate(|inner| {
                        let group = inner.counter();
                        for _ in 0..4 {
                            inner.spawn_with_counter(group, |ctx| {
                                ctx.join(|_| (), |_| std::hint::spin_loop());
                            });
                        }
                        inner.wait(group);
                    });
                    INSIDE.set(false);
                    isolated.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(isolated.into_inner(), 200);
    }
}

#[test]
fn stealing_inside_waits_that_nest_keeps_a_small_stack() {
    /// A tree whose every node waits for two forks and a counted job; each frame of the stack is
    /// large, so that some hundred nodes on top of one another would overflow it.
    fn node(ctx: &Context, depth: usize, count: &AtomicUsize) {
        let block = std::hint::black_box([1_u8; 2_048]);
        count.fetch_add(usize::from(block[depth]), Ordering::Relaxed);
        if depth == 0 {
            return std::thread::yield_now();
        }
        ctx.frame(|inner| {
            let group = inner.counter();
            inner.spawn_with_counter(group, |ctx| node(ctx, depth - 1, count));
            inner.wait(group);
        });
        ctx.join(
            |ctx| node(ctx, depth - 1, count),
            |ctx| node(ctx, depth - 1, count),
        );
    }
    for workers in [2, 8] {
        let builder = JobSystem::builder().workers(workers).stack_size(512 << 10);
        let jobs = builder.build().unwrap();
        let count = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            let caller = std::thread::Builder::new().stack_size(512 << 10);
            let caller = caller.spawn_scoped(threads, || {
                jobs.frame(|frame| {
                    for _ in 0..20 {
                        let count = &count;
                        frame.spawn_detached(move |ctx| node(ctx, 4, count));
                    }
                });
            });
            caller.unwrap().join().unwrap();
        });
        assert_eq!(count.into_inner(), 20 * 121);
    }
}
