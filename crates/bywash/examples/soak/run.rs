//! A program run in parallel.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bywash::{Context, JobSystem};

use crate::program::Step;

/// What a program is run in.
pub(crate) struct World {
    pub(crate) sum: AtomicU64,
    /// Closures that exist.
    pub(crate) alive: Arc<AtomicI64>,
    pub(crate) other: JobSystem,
    pub(crate) letters: Arc<Letters>,
}

/// Messages that were sent to the other system, and those that were read.
#[derive(Default)]
pub(crate) struct Letters {
    pub(crate) sent: AtomicU64,
    pub(crate) read: AtomicU64,
}

/// Captured by each closure.
pub(crate) struct Token(Arc<AtomicI64>);

impl Token {
    fn new(world: &World) -> Self {
        world.alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&world.alive))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What programs panic with; `resume_unwind` keeps the hook quiet.
pub(crate) struct Wanted;

pub(crate) fn play<'frame>(steps: &'frame [Step], ctx: &Context<'frame>, world: &'frame World) {
    for step in steps {
        play_one(step, ctx, world);
    }
}

pub(crate) fn play_one<'frame>(step: &'frame Step, ctx: &Context<'frame>, world: &'frame World) {
    let job = |steps: &'frame [Step]| {
        let token = Token::new(world);
        move |ctx: &Context<'frame>| {
            let _token = token;
            play(steps, ctx, world);
        }
    };
    match step {
        Step::Add(number) => {
            world.sum.fetch_add(*number, Ordering::Relaxed);
        }
        Step::Detached(steps) => ctx.spawn_detached(job(steps)),
        Step::With(priority, steps) => ctx.spawn_with_priority(*priority, job(steps)),
        Step::Group(jobs, after) => {
            let group = ctx.counter();
            for steps in jobs {
                ctx.spawn_with_counter(group, job(steps));
            }
            ctx.spawn_after(group, job(after));
            ctx.wait(group);
        }
        Step::Handle(steps) => ctx.spawn_job(job(steps)).wait(ctx),
        Step::Dropped(steps) => drop(ctx.spawn_job(job(steps))),
        Step::Join(first, second) => {
            ctx.join(job(first), job(second));
        }
        Step::Frame(steps) => ctx.frame(|inner| play(steps, inner, world)),
        Step::Isolate(steps) => ctx.isolate(|inner| play(steps, inner, world)),
        Step::Caught(steps) => {
            let result = catch_unwind(AssertUnwindSafe(|| {
                ctx.frame(|inner| play(steps, inner, world));
            }));
            if let Err(payload) = result
                && !payload.is::<Wanted>()
            {
                resume_unwind(payload);
            }
        }
        Step::Other(steps) => world.other.frame(|inner| play(steps, inner, world)),
        Step::Batch(tasks) => ctx.spawn_batch((0..*tasks).map(|_| {
            let token = Token::new(world);
            move |_: &Context<'frame>| {
                let _token = token;
                world.sum.fetch_add(1, Ordering::Relaxed);
            }
        })),
        Step::BrokenBatch(tasks) => ctx.spawn_batch((0..*tasks).map(|index| {
            let token = Token::new(world);
            move |_: &Context<'frame>| {
                let _token = token;
                if index == tasks / 2 {
                    resume_unwind(Box::new(Wanted));
                }
                world.sum.fetch_add(1, Ordering::Relaxed);
            }
        })),
        Step::LaterLoop(len) => {
            let counter = ctx.spawn_for_auto(0..*len as usize, |_| {
                world.sum.fetch_add(1, Ordering::Relaxed);
            });
            ctx.wait(counter);
        }
        Step::BrokenLoop(len) => ctx.parallel_for(0..*len as usize, |index| {
            if index as u64 == len / 2 {
                resume_unwind(Box::new(Wanted));
            }
        }),
        Step::Numbers(len) => numbers(*len as usize, ctx, world),
        Step::Passed(number) => {
            let token = Token::new(world);
            let handle = ctx.spawn_job(move |_| {
                drop(token);
                *number
            });
            let token = Token::new(world);
            ctx.spawn_detached(move |ctx| {
                let _token = token;
                world.sum.fetch_add(handle.wait(ctx), Ordering::Relaxed);
            });
        }
        Step::Reused(jobs) => {
            let group = ctx.counter();
            let count = move |_: &Context<'frame>| {
                world.sum.fetch_add(1, Ordering::Relaxed);
            };
            for _ in 0..2 {
                for _ in 0..*jobs {
                    ctx.spawn_with_counter(group, count);
                }
                ctx.wait(group);
            }
            ctx.spawn_after(group, count);
        }
        Step::Letter => {
            let letters = Arc::clone(&world.letters);
            letters.sent.fetch_add(1, Ordering::Relaxed);
            world.other.spawn_detached(move |_| {
                letters.read.fetch_add(1, Ordering::Relaxed);
            });
        }
        Step::Loop(len) => ctx.parallel_for(0..*len as usize, |_| {
            world.sum.fetch_add(1, Ordering::Relaxed);
        }),
        Step::Reduce(len) => {
            let sum = ctx.parallel_reduce(
                0..*len as usize,
                || 0,
                |sum, index| sum + index as u64,
                |a, b| a + b,
            );
            world.sum.fetch_add(sum, Ordering::Relaxed);
        }
        Step::Yield => {
            ctx.yield_now();
        }
        Step::Panic => resume_unwind(Box::new(Wanted)),
    }
}

/// The loops that make and change data.
fn numbers(len: usize, ctx: &Context<'_>, world: &World) {
    let squares = ctx.parallel_map_collect(0..len, |n| (n * n) as u64);
    let mut sums = squares.clone();
    ctx.parallel_scan_inclusive(&mut sums, |a, b| a + b);
    let even = ctx.parallel_count(0..len, |n| squares[n].is_multiple_of(2));
    let mut mixed: Vec<u64> = squares.iter().rev().copied().collect();
    ctx.parallel_sort_unstable(&mut mixed);
    assert!(mixed == squares, "sorted");
    ctx.par_chunks_mut(&mut mixed, 7, |_, chunk| {
        world.sum.fetch_add(chunk.iter().sum(), Ordering::Relaxed);
        chunk.fill(0);
    });
    assert_eq!(ctx.parallel_find(0..len, |n| mixed[n] != 0), None);
    let greatest = sums.last().copied().unwrap_or(0);
    world
        .sum
        .fetch_add(greatest + even as u64, Ordering::Relaxed);
}
