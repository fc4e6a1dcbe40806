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
