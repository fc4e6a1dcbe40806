//! A program run in parallel.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bywash::{Context, Granularity, JobSystem, LoopHints, Partitioner, PerWorker};

use crate::program::{COLUMNS, Step};

/// What a program is run in.
pub(crate) struct World {
    pub(crate) sum: AtomicU64,
    /// Closures that exist.
    pub(crate) alive: Arc<AtomicI64>,
    pub(crate) systems: [JobSystem; 2],
    pub(crate) letters: Arc<Letters>,
}

/// A program's world, seen from one of its two systems.
#[derive(Clone, Copy)]
pub(crate) struct Side<'world> {
    pub(crate) world: &'world World,
    pub(crate) index: usize,
}

impl<'world> Side<'world> {
    fn other(self) -> Self {
        let index = 1 - self.index;
        Self { index, ..self }
    }

    fn system(self) -> &'world JobSystem {
        &self.world.systems[self.index]
    }

    fn add(self, number: u64) {
        self.world.sum.fetch_add(number, Ordering::Relaxed);
    }
}

/// Messages that were sent to systems, those that were read, and those whose panic came to the handler.
#[derive(Default)]
pub(crate) struct Letters {
    sent: AtomicU64,
    read: AtomicU64,
    thrown: AtomicU64,
    pub(crate) caught: AtomicU64,
}

impl Letters {
    /// Sends one that is over when another job that it spawned is; every seventh panics, if any may.
    pub(crate) fn send(self: &Arc<Self>, jobs: &JobSystem, may_panic: bool) {
        let letters = Arc::clone(self);
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        let panics = may_panic && sent.is_multiple_of(7);
        self.thrown.fetch_add(panics.into(), Ordering::Relaxed);
        jobs.spawn_detached(move |ctx| {
            ctx.spawn_detached(move |_| {
                letters.read.fetch_add(1, Ordering::Relaxed);
            });
            if panics {
                resume_unwind(Box::new(Wanted));
            }
        });
    }

    /// Whether all were read and all panics have arrived.
    pub(crate) fn are_done(&self) -> bool {
        let are_equal = |one: &AtomicU64, other: &AtomicU64| {
            one.load(Ordering::Relaxed) == other.load(Ordering::Relaxed)
        };
        are_equal(&self.sent, &self.read) && are_equal(&self.thrown, &self.caught)
    }
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

pub(crate) fn play<'frame>(steps: &'frame [Step], ctx: &Context<'frame>, side: Side<'frame>) {
    for step in steps {
        play_one(step, ctx, side);
    }
}

pub(crate) fn play_one<'frame>(step: &'frame Step, ctx: &Context<'frame>, side: Side<'frame>) {
    let job = |steps: &'frame [Step]| {
        let token = Token::new(side.world);
        move |ctx: &Context<'frame>| {
            let _token = token;
            play(steps, ctx, side);
        }
    };
    match step {
        Step::Add(number) => {
            side.add(*number);
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
        Step::Frame(steps) => ctx.frame(|inner| play(steps, inner, side)),
        Step::Isolate(steps) => ctx.isolate(|inner| play(steps, inner, side)),
        Step::Caught(steps) => {
            let result = catch_unwind(AssertUnwindSafe(|| {
                ctx.frame(|inner| play(steps, inner, side));
            }));
            if let Err(payload) = result
                && !payload.is::<Wanted>()
            {
                resume_unwind(payload);
            }
        }
        Step::Other(steps) => {
            let other = side.other();
            other.system().frame(|inner| play(steps, inner, other));
        }
        Step::Batch(tasks) => ctx.spawn_batch((0..*tasks).map(|_| {
            let token = Token::new(side.world);
            move |_: &Context<'frame>| {
                let _token = token;
                side.add(1);
            }
        })),
        Step::BrokenBatch(tasks) => ctx.spawn_batch((0..*tasks).map(|index| {
            let token = Token::new(side.world);
            move |_: &Context<'frame>| {
                let _token = token;
                if index == tasks / 2 {
                    resume_unwind(Box::new(Wanted));
                }
                side.add(1);
            }
        })),
        Step::LaterLoop(len) => {
            let counter = ctx.spawn_for_auto(0..*len as usize, move |_| {
                side.add(1);
            });
            ctx.wait(counter);
        }
        Step::BrokenLoop(len) => ctx.parallel_for(0..*len as usize, |index| {
            if index as u64 == len / 2 {
                resume_unwind(Box::new(Wanted));
            }
        }),
        Step::Numbers(len) => numbers(*len as usize, ctx, side),
        Step::Passed(number) => {
            let token = Token::new(side.world);
            let handle = ctx.spawn_job(move |_| {
                drop(token);
                *number
            });
            let token = Token::new(side.world);
            ctx.spawn_detached(move |ctx| {
                let _token = token;
                side.add(handle.wait(ctx));
            });
        }
        Step::Reused(jobs) => {
            let group = ctx.counter();
            let count = move |_: &Context<'frame>| {
                side.add(1);
            };
            for _ in 0..2 {
                for _ in 0..*jobs {
                    ctx.spawn_with_counter(group, count);
                }
                ctx.wait(group);
            }
            ctx.spawn_after(group, count);
        }
        Step::Letter => side.world.letters.send(side.other().system(), true),
        Step::Loop(len) => {
            let len = *len as usize;
            let hints = match len % 5 {
                0 => LoopHints::from(Granularity::Heavy),
                1 => Partitioner::Static.into(),
                2 => (Partitioner::Guided, Granularity::Moderate).into(),
                3 => (Partitioner::Fixed(3), Granularity::Heavy).into(),
                _ => LoopHints::default(),
            };
            ctx.parallel_for_by(hints, 0..len, |_| side.add(1));
        }
        Step::Tiles(rows) => tiles(*rows as usize, ctx, side),
        Step::Try(len, wrong) => {
            let (len, wrong) = (*len as usize, *wrong as usize);
            let body = |index| if index < wrong { Ok(()) } else { Err(index) };
            let failed = ctx.try_parallel_for(0..len, body);
            side.add(failed.err().unwrap_or(len) as u64);
        }
        Step::Zip(len) => {
            let ones: Vec<u64> = (0..*len).collect();
            let mut twos = ones.clone();
            ctx.par_zip((&ones[..], &mut twos[..]), |(one, two)| {
                *two += one;
                side.add(*one);
            });
            side.add(twos.iter().sum());
        }
        Step::PerWorker(len) => {
            let mut mine = PerWorker::new(side.system(), || Cell::new(0));
            ctx.parallel_for_with(0..*len as usize, |ctx, _| {
                let mine = mine.get(ctx);
                mine.set(mine.get() + 1);
            });
            side.add(mine.drain().map(Cell::into_inner).sum());
        }
        Step::Reduce(len) => {
            let sum = ctx.parallel_reduce(
                0..*len as usize,
                || 0,
                |sum, index| sum + index as u64,
                |a, b| a + b,
            );
            side.add(sum);
        }
        Step::Yield => {
            ctx.yield_now();
        }
        Step::Panic => resume_unwind(Box::new(Wanted)),
    }
}

/// The loops that make and change data.
fn numbers(len: usize, ctx: &Context<'_>, side: Side<'_>) {
    let squares = ctx.parallel_map_collect(0..len, |n| (n * n) as u64);
    let mut sums = squares.clone();
    ctx.parallel_scan_inclusive(&mut sums, |a, b| a + b);
    let even = ctx.parallel_count(0..len, |n| squares[n].is_multiple_of(2));
    let mut mixed: Vec<u64> = squares.iter().rev().copied().collect();
    ctx.parallel_sort_unstable(&mut mixed);
    assert!(mixed == squares, "sorted");
    ctx.par_chunks_mut(&mut mixed, 7, |_, chunk| {
        side.add(chunk.iter().sum());
        chunk.fill(0);
    });
    assert_eq!(ctx.parallel_find(0..len, |n| mixed[n] != 0), None);
    let greatest = sums.last().copied().unwrap_or(0);
    side.add(greatest + even as u64);
}

/// A matrix of so many rows: read tile by tile, and written tile by tile.
fn tiles(rows: usize, ctx: &Context<'_>, side: Side<'_>) {
    let columns = COLUMNS as usize;
    let mut matrix = vec![0_u64; rows * columns];
    ctx.parallel_for_tiles((rows, columns), (4, 3), |down, right| {
        side.add((down.len() * right.len()) as u64);
    });
    ctx.par_tiles_mut(&mut matrix, columns, (3, 4), |mut tile| {
        for row in tile.rows() {
            tile.row(row).iter_mut().for_each(|number| *number += 1);
        }
    });
    side.add(matrix.iter().sum());
}
