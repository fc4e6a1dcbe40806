//! A stress program for sanitizers: every way to hand work to a job system, without a test harness.
//!
//! What jobs write they write without atomics, and whoever waited for them reads it: so each wait that
//! does not order what came before it is a data race that ThreadSanitizer reports. Exits with an error if
//! an answer is wrong. Which fences are missing it cannot tell: that is the model checker's business.

#![expect(unsafe_code, reason = "data that only the job system orders")]

use std::cell::{Cell, UnsafeCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bywash::{Context, Granularity, JobSystem, PerWorker, Priority, WaitPolicy};

const WORKERS: [usize; 3] = [1, 2, 4];
const ROUNDS: u64 = 40;
const JOBS: usize = 100;

/// A number that is read and written as if nobody else were there.
#[derive(Default)]
struct Plain(UnsafeCell<u64>);

// SAFETY: every use is one that the job system promises to order; ThreadSanitizer checks it.
unsafe impl Sync for Plain {}

impl Plain {
    fn add(&self, number: u64) {
        // SAFETY: as above.
        unsafe { *self.0.get() += number };
    }

    fn read(&self) -> u64 {
        // SAFETY: as above.
        unsafe { *self.0.get() }
    }
}

fn numbers() -> Vec<Plain> {
    (0..JOBS).map(|_| Plain::default()).collect()
}

fn sum(numbers: &[Plain]) -> u64 {
    numbers.iter().map(Plain::read).sum()
}

/// What [`sum`] gives when each number was added once.
const ALL: u64 = (JOBS as u64 - 1) * JOBS as u64 / 2;

fn main() {
    let mut systems = 0;
    for workers in WORKERS {
        for policy in [WaitPolicy::Power, WaitPolicy::Balanced] {
            let build = || {
                let builder = JobSystem::builder().workers(workers).wait_policy(policy);
                builder.build().expect("threads can be started")
            };
            live(&build(), &build());
            restart(build);
            systems += 2 + ROUNDS;
        }
    }
    println!("{systems} systems, {ROUNDS} rounds of every operation in each life");
}

/// All operations from one thread, then from three at once that are strangers to the system.
fn live(jobs: &JobSystem, other: &JobSystem) {
    let rounds = || {
        for round in 0..ROUNDS {
            frames(jobs, round);
            counters(jobs);
            results(jobs, round);
            batches_and_lanes(jobs);
            joins(jobs);
            loops(jobs);
            letters(jobs);
            jobs.frame(|_| counters(other));
        }
    };
    rounds();
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(rounds);
        }
    });
    for _ in 0..ROUNDS {
        everywhere(jobs);
    }
}

/// Detached jobs that spawn others, in frames that nest: all is done by the end.
fn frames(jobs: &JobSystem, round: u64) {
    let (mine, nested) = (numbers(), numbers());
    jobs.frame(|frame| {
        for (index, number) in mine.iter().enumerate() {
            let boxed = Box::new(index as u64);
            frame.spawn_detached(move |ctx| {
                let painted = ctx.alloc_slice_fill_with(16, |_| *boxed);
                ctx.spawn_detached(move |_| number.add(painted[7]));
            });
        }
        frame.frame(|inner| {
            for (index, number) in nested.iter().enumerate() {
                inner.spawn_detached(move |_| number.add(index as u64));
            }
        });
        assert_eq!(sum(&nested), ALL);
    });
    assert_eq!(sum(&mine), ALL, "round {round}");
}

/// Groups that are waited for, counted again, and gone on from.
fn counters(jobs: &JobSystem) {
    let (mine, after) = (numbers(), Plain::default());
    jobs.frame(|frame| {
        let (mine, after) = (&mine, &after);
        let group = frame.counter();
        for round in 1..3 {
            for (index, number) in mine.iter().enumerate() {
                frame.spawn_with_counter(group, move |_| number.add(index as u64));
            }
            frame.wait(group);
            assert_eq!(sum(mine), round * ALL);
        }
        for number in mine {
            frame.spawn_with_counter(group, move |ctx| {
                ctx.spawn_with_counter(group, move |_| number.add(1));
            });
        }
        frame.spawn_after(group, move |_| after.add(sum(mine)));
    });
    assert_eq!(after.read(), 2 * ALL + JOBS as u64);
}

/// Handles: results that are taken at once, by another job, and by nobody.
fn results(jobs: &JobSystem, round: u64) {
    let taken = numbers();
    jobs.frame(|frame| {
        let handles: Vec<_> = (0..JOBS as u64)
            .map(|index| frame.spawn_job(move |_| Box::new(index + round)))
            .collect();
        for (handle, number) in handles.into_iter().zip(&taken) {
            frame.spawn_detached(move |ctx| number.add(*handle.wait(ctx)));
        }
        let text = frame.spawn_job(|ctx| {
            let inner = ctx.spawn_job(|_| String::from("result"));
            inner.wait(ctx)
        });
        drop(frame.spawn_job(|_| vec![round]));
        assert_eq!(text.wait(frame), "result");
    });
    assert_eq!(sum(&taken), ALL + JOBS as u64 * round);
}

fn batches_and_lanes(jobs: &JobSystem) {
    let (batched, high, low) = (numbers(), numbers(), numbers());
    jobs.frame(|frame| {
        let tasks = batched.iter().enumerate();
        frame.spawn_batch(tasks.map(|(index, number)| move |_: &Context| number.add(index as u64)));
        for (priority, numbers) in [(Priority::High, &high), (Priority::Low, &low)] {
            for (index, number) in numbers.iter().enumerate().step_by(10) {
                frame.spawn_with_priority(priority, move |_| number.add(index as u64));
            }
        }
    });
    assert_eq!(sum(&batched), ALL);
    assert_eq!(sum(&high) + sum(&low), 2 * 450);
}

/// Each side writes its half, and the caller reads both.
fn joins(jobs: &JobSystem) {
    fn fill(ctx: &Context, items: &mut [u64], first: u64) -> u64 {
        if let [item] = items {
            *item = first;
            return first;
        }
        let middle = items.len() / 2;
        let (left, right) = items.split_at_mut(middle);
        let (a, b) = ctx.join(
            |ctx| fill(ctx, left, first),
            |ctx| fill(ctx, right, first + middle as u64),
        );
        assert_eq!(items.iter().sum::<u64>(), a + b);
        a + b
    }
    let mut items = vec![0; JOBS];
    assert_eq!(jobs.frame(|frame| fill(frame, &mut items, 0)), ALL);
}

fn loops(jobs: &JobSystem) {
    let (mut items, ones) = (vec![0_u64; JOBS], vec![1_u64; JOBS]);
    let counted = numbers();
    jobs.frame(|frame| {
        frame.parallel_for_by(Granularity::Heavy, 0..JOBS, |index| {
            counted[index].add(index as u64)
        });
        assert_eq!(sum(&counted), ALL);
        frame.par_zip((&mut items[..], &ones[..]), |(item, one)| *item += one);
        frame.par_chunks_mut(&mut items, 7, |at, chunk| {
            chunk.iter_mut().for_each(|item| *item += at as u64)
        });
        let counted = &counted;
        let counter = frame.spawn_for_auto(0..JOBS, move |index| counted[index].add(1));
        let folded =
            frame.parallel_reduce(0..JOBS, || 0, |sum, index| sum + items[index], |a, b| a + b);
        frame.wait(counter);
        assert_eq!(sum(counted), ALL + JOBS as u64);
        assert_eq!(folded, items.iter().sum::<u64>());
        frame.parallel_sort_unstable(&mut items);
    });
    assert!(items.is_sorted());
}

/// Messages with data; the answer to all of them is a count, the standard library's.
fn letters(jobs: &JobSystem) {
    let shared = Arc::new((numbers(), AtomicUsize::new(0)));
    for index in 0..JOBS {
        let (shared, boxed) = (Arc::clone(&shared), Box::new(index as u64));
        jobs.spawn_detached(move |ctx| {
            ctx.spawn_detached(move |_| {
                shared.0[index].add(*boxed);
                // Release: pairs with the Acquire below.
                shared.1.fetch_add(1, Ordering::Release);
            });
        });
    }
    // Acquire: pairs with the Release above.
    while shared.1.load(Ordering::Acquire) < JOBS {
        thread::yield_now();
    }
    assert_eq!(sum(&shared.0), ALL);
}

/// Once on each worker, and a value for each.
fn everywhere(jobs: &JobSystem) {
    let (mine, mut hits) = (numbers(), PerWorker::new(jobs, || Cell::new(0)));
    jobs.broadcast(|ctx| mine[ctx.worker_index()].add(1));
    assert_eq!(sum(&mine), jobs.seats() as u64);
    jobs.frame(|frame| {
        frame.parallel_for_with(0..JOBS, |ctx, _| {
            let hits = hits.get(ctx);
            hits.set(hits.get() + 1);
        });
    });
    assert_eq!(hits.iter_mut().map(|hits| hits.get()).sum::<usize>(), JOBS);
}

/// Systems that end with work in hand: when the drop returns, it is done.
fn restart(build: impl Fn() -> JobSystem) {
    for _ in 0..ROUNDS {
        let mine = Arc::new(numbers());
        let jobs = build();
        for index in 0..JOBS {
            let mine = Arc::clone(&mine);
            jobs.spawn_detached(move |_| mine[index].add(index as u64));
        }
        drop(jobs);
        assert_eq!(sum(&mine), ALL);
    }
}
