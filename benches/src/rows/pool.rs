//! Rows `pool_*`, `tag_overhead`, `stats_overhead`: single values that come and go, and what counting costs.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::rivals::heaps::{MIMALLOC, SYSTEM};
use crate::rows::arena::summed;
use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box as BoxIn;
use bywash_arena::{Arena, Pool};
use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

pub(super) static ROWS: &[Row] = &[
    Row::new("pool_pair", "ns", "allocate 32 bytes, free them", pairs)
        .family(Family::Arena)
        .workers(Workers::Fixed(1))
        .required(HEAPS)
        .goals(&[Goal::against("mimalloc", 0.5)]),
    Row::new(
        "pool_remote_free",
        "ns",
        "32 bytes allocated on one thread and freed on another, in batches of 4,096; for each of them",
        remote_frees,
    )
    .family(Family::Arena)
    .workers(Workers::Fixed(2))
    .required(HEAPS)
    .goals(&[Goal::against("mimalloc", 0.7)]),
    Row::new(
        "tag_overhead",
        "ns",
        "what one u64 allocated under a tag costs beyond one without",
        |setting| overhead(setting, |arena, run| arena.with_tag("row", |_| run())),
    )
    .family(Family::Arena)
    .workers(Workers::Fixed(1))
    .goals(&[Goal::at_most(1.0)]),
    Row::new(
        "stats_overhead",
        "ns",
        "what one u64 costs beyond one not counted, while the arena counts what its frames allocate",
        |setting| {
            overhead(setting, |arena, run| {
                arena.track(true);
                run();
                arena.track(false);
            })
        },
    )
    .family(Family::Arena)
    .workers(Workers::Fixed(1))
    .note("Counting that is off costs nothing: see the instructions of `arena_alloc`."),
];

const HEAPS: &[&str] = &["mimalloc", "malloc"];

/// What is allocated.
type Value = [u64; 4];

fn pairs(setting: &Setting) -> Vec<Contender> {
    let pairs = setting.repeats(4_000_000, 1_000_000);
    fn heap(pairs: usize, heap: impl Allocator + Copy) -> Result<Sample, Wrong> {
        summed(pairs, |number| {
            black_box(BoxIn::new_in([number; 4], heap))[3]
        })
    }
    vec![
        Contender::ours(move || {
            let pool = Pool::new();
            summed(pairs, |number| black_box(pool.alloc([number; 4]))[3])
        }),
        Contender::rival("mimalloc", move || heap(pairs, MIMALLOC)),
        Contender::rival("malloc", move || heap(pairs, SYSTEM)),
    ]
}

fn remote_frees(setting: &Setting) -> Vec<Contender> {
    const BATCH: u64 = 4_096;
    let batches = setting.repeats(200, 40);
    fn sample<B: Send + AsRef<Value>>(
        batches: usize,
        mut allocate: impl FnMut(Value) -> B,
    ) -> Result<Sample, Wrong> {
        let (send, receive) = sync_channel::<Vec<B>>(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(move || {
                let mut sum = 0;
                for batch in receive {
                    sum += batch.iter().map(|block| block.as_ref()[0]).sum::<u64>();
                }
                sum
            });
            let mut send_batch = move || {
                let batch = (0..BATCH).map(|number| allocate([number; 4])).collect();
                send.send(batch)
                    .expect("the other thread frees until the end");
            };
            for _ in 0..8 {
                send_batch();
            }
            let mut sum = 0;
            let time = stopwatch(|| {
                for _ in 0..batches {
                    send_batch();
                }
                // Ends the other thread's loop.
                drop(send_batch);
                sum = other.join().expect("freeing does not panic");
            });
            check(sum, (batches as u64 + 8) * (BATCH * (BATCH - 1) / 2))?;
            Ok(Sample::nanoseconds_each(time, batches * BATCH as usize))
        })
    }
    /// A block that says what is in it.
    struct Owned<B>(B);
    impl<B: std::ops::Deref<Target = Value>> AsRef<Value> for Owned<B> {
        fn as_ref(&self) -> &Value {
            &self.0
        }
    }
    fn heap(batches: usize, heap: impl Allocator + Copy + Send) -> Result<Sample, Wrong> {
        sample(batches, |value| Owned(BoxIn::new_in(value, heap)))
    }
    vec![
        Contender::ours(move || {
            let pool = Pool::new();
            sample(batches, |value| Owned(pool.alloc(value)))
        }),
        Contender::rival("mimalloc", move || heap(batches, MIMALLOC)),
        Contender::rival("malloc", move || heap(batches, SYSTEM)),
    ]
}

/// The difference of two runs over the same arena: `counted` runs its closure with counting on.
fn overhead(setting: &Setting, counted: fn(&Arena, &mut dyn FnMut())) -> Vec<Contender> {
    const COUNT: u64 = 1_000;
    let passes = setting.repeats(4_000, 1_000);
    vec![Contender::ours(move || {
        let mut arena = Arena::new();
        let (mut plain, mut with) = (Duration::ZERO, Duration::ZERO);
        let mut held = 0;
        for _ in 0..passes {
            let allocate = |arena: &Arena| {
                for number in 0..COUNT {
                    black_box(arena.alloc(number));
                }
            };
            plain += stopwatch(|| allocate(&arena));
            held = arena.used() as u64;
            arena.reset();
            counted(&arena, &mut || with += stopwatch(|| allocate(&arena)));
            arena.reset();
        }
        check(held, 8 * COUNT)?;
        let count = passes as f64 * COUNT as f64;
        let difference = with.as_nanos() as f64 - plain.as_nanos() as f64;
        Ok(Sample::of((difference / count).max(0.0)))
    })]
}
