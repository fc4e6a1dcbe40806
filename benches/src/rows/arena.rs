//! Rows of the arena: bumping, frames, batches, vectors, two threads, and a search that needs scratch memory.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::statistics::SplitMix64;
use crate::rivals::heaps::{Block, MIMALLOC, SYSTEM};
use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box as BoxIn;
use blink_alloc::Blink;
use bump_scope::traits::BumpAllocatorTyped;
use bump_scope::{Bump as BumpScope, BumpBox, BumpVec};
use bumpalo::Bump as Bumpalo;
use bywash_arena::Arena;
use std::alloc::Layout;
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;
use typed_arena::Arena as TypedArena;

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .family(Family::Arena)
        .workers(Workers::Fixed(1))
}

const BUMPS: &[&str] = &["bumpalo", "bump-scope"];
const BUMPS_AND_HEAPS: &[&str] = &["bumpalo", "bump-scope", "typed-arena", "mimalloc", "malloc"];

pub(super) static ROWS: &[Row] = &[
    row(
        "alloc_u64_1m",
        "ns",
        "1,000,000 single u64, then all given back at once; the heaps free them one by one",
        |setting| values(1_000_000, setting.repeats(10, 2)),
    )
    .required(BUMPS_AND_HEAPS)
    .goals(&[Goal::against("bumpalo", 1.02)]),
    row(
        "alloc_u64_1k",
        "ns",
        "1,000 single u64 into warm memory, then all given back at once; the heaps free them one by one",
        |setting| values(1_000, setting.repeats(10_000, 2_000)),
    )
    .required(BUMPS_AND_HEAPS)
    .goals(&[Goal::against("bumpalo", 1.02)]),
    row(
        "frame_cycle",
        "ns",
        "begin a frame, allocate one u64, end it",
        frame_cycle,
    )
    .required(&["bump-scope", "blink", "bumpalo"])
    .goals(&[Goal::against("bump-scope", 1.0)]),
    row(
        "batch_1k",
        "ns/item",
        "1,000 u64 as one batch, every one written, then given back",
        |setting| batches(1_000, setting.repeats(40_000, 8_000)),
    )
    .required(BUMPS)
    .goals(&[Goal::against("slice", 1.0)]),
    row(
        "batch_1m",
        "ns/item",
        "1,000,000 u64 as one batch, every one written, then given back",
        |setting| batches(1_000_000, setting.repeats(30, 6)),
    )
    .required(BUMPS)
    .goals(&[Goal::against("slice", 1.0)]),
    row(
        "alloc_mixed",
        "ns",
        "1,000 layouts of 8 to 256 bytes aligned to 8, 16 or 64, then all given back",
        mixed,
    )
    .required(&["bump-scope", "blink", "bumpalo", "mimalloc", "malloc"])
    .goals(&[Goal::against("bump-scope", 1.0)]),
    row(
        "vec_push",
        "ns/item",
        "10,000 pushes into an empty vector in the arena; the floor has its capacity beforehand",
        vec_push,
    )
    .required(BUMPS)
    .goals(&[Goal::against("Vec with capacity", 1.03)]),
    row(
        "alloc_2threads",
        "ns",
        "1,000,000 single u64 on each of two threads with an arena each; the slower one",
        two_threads,
    )
    .workers(Workers::Fixed(2))
    .required(&["bumpalo"])
    .goals(&[Goal::against("bumpalo", 1.02)]),
];

/// Memory that single values are bumped into and given back from at once.
#[expect(
    clippy::mut_from_ref,
    reason = "each call hands out memory that nobody else has"
)]
trait Values {
    fn put(&self, value: u64) -> &mut u64;
    fn give_back(&mut self);
}

impl Values for Arena {
    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.alloc(value)
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

impl Values for Bumpalo {
    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.alloc(value)
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

impl Values for BumpScope {
    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        BumpBox::leak(self.alloc(value))
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

impl Values for Blink {
    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.put_no_drop(value)
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

/// Says whether `count` values put side by side are all there afterwards.
fn holds_apart(values: &impl Values, count: usize) -> Result<(), Wrong> {
    let held: Vec<&mut u64> = (0..count as u64).map(|value| values.put(value)).collect();
    let sum: u64 = held.iter().map(|value| **value).sum();
    let count = count as u64;
    check(sum, count * (count - 1) / 2)
}

fn values(count: usize, repeats: usize) -> Vec<Contender> {
    fn bump<V: Values>(new: impl Fn() -> V, count: usize, repeats: usize) -> Result<Sample, Wrong> {
        let mut values = new();
        holds_apart(&values, count)?;
        values.give_back();
        let time = stopwatch(|| {
            for _ in 0..repeats {
                for value in 0..count as u64 {
                    black_box(values.put(value));
                }
                values.give_back();
            }
        });
        Ok(Sample::nanoseconds_each(time, count * repeats))
    }
    fn heap(heap: impl Allocator + Copy, count: usize, repeats: usize) -> Result<Sample, Wrong> {
        let mut held = Vec::with_capacity(count);
        let mut run = || {
            for value in 0..count as u64 {
                held.push(BoxIn::new_in(value, heap));
            }
            let last = held.last().map(|value| **value);
            held.clear();
            last
        };
        check(run(), Some(count as u64 - 1))?;
        let time = stopwatch(|| {
            for _ in 0..repeats {
                black_box(run());
            }
        });
        Ok(Sample::nanoseconds_each(time, count * repeats))
    }
    vec![
        Contender::ours(move || bump(Arena::new, count, repeats)),
        Contender::rival("bumpalo", move || bump(Bumpalo::new, count, repeats)),
        Contender::rival("bump-scope", move || bump(BumpScope::new, count, repeats)),
        Contender::rival("blink", move || bump(Blink::new, count, repeats)),
        Contender::rival("typed-arena", move || {
            let run = || {
                let arena = TypedArena::with_capacity(count);
                for value in 0..count as u64 {
                    black_box(arena.alloc(value));
                }
                arena.len()
            };
            check(run(), count)?;
            let time = stopwatch(|| {
                for _ in 0..repeats {
                    black_box(run());
                }
            });
            Ok(Sample::nanoseconds_each(time, count * repeats))
        }),
        Contender::rival("mimalloc", move || heap(MIMALLOC, count, repeats / 4 + 1)),
        Contender::rival("malloc", move || heap(SYSTEM, count, repeats / 4 + 1)),
        Contender::floor("bare bump", move || {
            let memory = vec![Cell::new(0_u64); count];
            let memory = black_box(&memory[..]);
            let time = stopwatch(|| {
                for _ in 0..repeats {
                    for (value, slot) in memory.iter().enumerate() {
                        slot.set(value as u64);
                        black_box(slot);
                    }
                }
            });
            check(memory[count - 1].get(), count as u64 - 1)?;
            Ok(Sample::nanoseconds_each(time, count * repeats))
        }),
    ]
}

fn frame_cycle(setting: &Setting) -> Vec<Contender> {
    let cycles = setting.repeats(10_000_000, 2_000_000);
    fn sample(cycles: usize, mut cycle: impl FnMut(u64) -> u64) -> Result<Sample, Wrong> {
        let mut run = |count: u64| (0..count).map(|value| cycle(black_box(value))).sum::<u64>();
        check(run(1_000), 999 * 500)?;
        let mut sum = 0;
        let time = stopwatch(|| sum = run(cycles as u64));
        let cycles = cycles as u64;
        check(sum, cycles * (cycles - 1) / 2)?;
        Ok(Sample::nanoseconds_each(time, cycles as usize))
    }
    vec![
        Contender::ours(move || {
            let mut arena = Arena::new();
            sample(cycles, |value| {
                let frame = arena.begin_frame();
                *black_box(frame.alloc(value))
            })
        }),
        Contender::rival("bump-scope", move || {
            let mut bump: BumpScope = BumpScope::new();
            sample(cycles, |value| {
                bump.scoped(|scope| **black_box(&mut scope.alloc(value)))
            })
        }),
        Contender::rival("blink", move || {
            let mut blink = Blink::new();
            sample(cycles, |value| {
                let answer = *black_box(blink.put_no_drop(value));
                blink.reset();
                answer
            })
        }),
        Contender::rival("bumpalo", move || {
            let mut bump = Bumpalo::new();
            sample(cycles, |value| {
                let answer = *black_box(bump.alloc(value));
                bump.reset();
                answer
            })
        }),
        Contender::floor("bare bump", move || {
            let memory = vec![Cell::new(0_u64); 64];
            let memory = black_box(&memory[..]);
            let mut next = 0;
            sample(cycles, |value| {
                let mark = next;
                let slot = &memory[next];
                next += 1;
                slot.set(value);
                let answer = black_box(slot).get();
                next = mark;
                answer
            })
        }),
    ]
}

fn batches(count: usize, repeats: usize) -> Vec<Contender> {
    /// `run` makes one batch, looks at its last item, and gives the batch back.
    fn sample(
        count: usize,
        repeats: usize,
        mut run: impl FnMut(usize) -> u64,
    ) -> Result<Sample, Wrong> {
        check(run(count), count as u64 - 1)?;
        let time = stopwatch(|| {
            for _ in 0..repeats {
                black_box(run(black_box(count)));
            }
        });
        Ok(Sample::nanoseconds_each(time, count * repeats))
    }
    /// The batch must be seen as a whole, or its writes would be dropped.
    fn last(batch: &mut [u64]) -> u64 {
        let batch = black_box(batch);
        batch[batch.len() - 1]
    }
    vec![
        Contender::ours(move || {
            let mut arena = Arena::new();
            sample(count, repeats, |count| {
                let frame = arena.begin_frame();
                last(frame.alloc_batch(count, |index| index as u64))
            })
        }),
        Contender::rival("bumpalo", move || {
            let mut bump = Bumpalo::new();
            sample(count, repeats, |count| {
                let answer = last(bump.alloc_slice_fill_with(count, |index| index as u64));
                bump.reset();
                answer
            })
        }),
        Contender::rival("bump-scope", move || {
            let mut bump: BumpScope = BumpScope::new();
            sample(count, repeats, |count| {
                bump.scoped(|scope| {
                    let mut next = 0;
                    last(&mut scope.alloc_slice_fill_with(count, || {
                        next += 1;
                        next - 1
                    }))
                })
            })
        }),
        Contender::floor("slice", move || {
            let mut memory = vec![0; count];
            sample(count, repeats, |count| {
                let slice = &mut memory[..count];
                for (index, slot) in slice.iter_mut().enumerate() {
                    *slot = index as u64;
                }
                last(slice)
            })
        }),
    ]
}

/// 1,000 layouts, the same for everybody.
fn layouts() -> Vec<Layout> {
    let mut random = SplitMix64::new(8);
    (0..1_000)
        .map(|_| {
            let size = 8 * (1 + random.below(32));
            let align = [8, 8, 8, 16, 16, 64][random.below(6)];
            Layout::from_size_align(size, align).expect("a small size and a power of two")
        })
        .collect()
}

fn mixed(setting: &Setting) -> Vec<Contender> {
    let repeats = setting.repeats(10_000, 2_000);
    /// The places of one pass are aligned and none overlaps another.
    fn check_places(layouts: &[Layout], places: &mut [(usize, Layout)]) -> Result<(), Wrong> {
        check(places.len(), layouts.len())?;
        let aligned = places.iter().all(|(at, layout)| at % layout.align() == 0);
        check(aligned, true)?;
        places.sort_unstable_by_key(|(at, _)| *at);
        let apart = places
            .windows(2)
            .all(|pair| pair[0].0 + pair[0].1.size() <= pair[1].0);
        check(apart, true)
    }
    fn bump<A>(
        mut arena: A,
        repeats: usize,
        place: impl Fn(&A, Layout) -> usize,
        give_back: impl Fn(&mut A),
    ) -> Result<Sample, Wrong> {
        let layouts = layouts();
        let mut places: Vec<_> = layouts
            .iter()
            .map(|&layout| (place(&arena, layout), layout))
            .collect();
        check_places(&layouts, &mut places)?;
        give_back(&mut arena);
        let time = stopwatch(|| {
            for _ in 0..repeats {
                for &layout in &layouts {
                    black_box(place(&arena, layout));
                }
                give_back(&mut arena);
            }
        });
        Ok(Sample::nanoseconds_each(time, repeats * layouts.len()))
    }
    fn heap(heap: impl Allocator + Copy, repeats: usize) -> Result<Sample, Wrong> {
        let layouts = layouts();
        let mut held = Vec::with_capacity(layouts.len());
        held.extend(layouts.iter().map(|&layout| Block::new(layout, heap)));
        let mut places: Vec<_> = layouts
            .iter()
            .zip(&held)
            .map(|(&layout, block)| (block.address(), layout))
            .collect();
        check_places(&layouts, &mut places)?;
        held.clear();
        let time = stopwatch(|| {
            for _ in 0..repeats {
                for &layout in &layouts {
                    held.push(black_box(Block::new(layout, heap)));
                }
                held.clear();
            }
        });
        Ok(Sample::nanoseconds_each(time, repeats * layouts.len()))
    }
    vec![
        Contender::ours(move || {
            bump(
                Arena::new(),
                repeats,
                |arena, layout| arena.alloc_layout(layout).addr().get(),
                Arena::reset,
            )
        }),
        Contender::rival("bumpalo", move || {
            bump(
                Bumpalo::new(),
                repeats,
                |bump, layout| bump.alloc_layout(layout).addr().get(),
                Bumpalo::reset,
            )
        }),
        Contender::rival("bump-scope", move || {
            bump(
                BumpScope::<bump_scope::alloc::Global>::new(),
                repeats,
                |bump, layout| bump.allocate_layout(layout).addr().get(),
                BumpScope::reset,
            )
        }),
        Contender::rival("blink", move || {
            bump(
                blink_alloc::BlinkAlloc::new(),
                repeats,
                |blink, layout| match blink.allocate(layout) {
                    Ok(place) => place.cast::<u8>().addr().get(),
                    Err(_) => 0,
                },
                blink_alloc::BlinkAlloc::reset,
            )
        }),
        Contender::rival("mimalloc", move || heap(MIMALLOC, repeats / 8)),
        Contender::rival("malloc", move || heap(SYSTEM, repeats / 8)),
        Contender::floor("bare bump", move || {
            bump(
                (Cell::new(0_usize), 0x1_0000, 0x10_0000),
                repeats,
                |(next, base, end), layout| {
                    let mask = layout.align() - 1;
                    let at = (base + next.get() + mask) & !mask;
                    let after = at + layout.size();
                    assert!(after <= *end, "1,000 layouts fit");
                    next.set(after - base);
                    at
                },
                |(next, ..)| next.set(0),
            )
        }),
    ]
}

fn vec_push(setting: &Setting) -> Vec<Contender> {
    const COUNT: u64 = 10_000;
    let repeats = setting.repeats(2_000, 400);
    fn sample(repeats: usize, mut run: impl FnMut() -> u64) -> Result<Sample, Wrong> {
        check(run(), COUNT * (COUNT - 1) / 2)?;
        let mut total = 0;
        let time = stopwatch(|| {
            for _ in 0..repeats {
                total = black_box(run());
            }
        });
        check(total, COUNT * (COUNT - 1) / 2)?;
        Ok(Sample::nanoseconds_each(time, repeats * COUNT as usize))
    }
    /// Keeps the compiler from counting instead of pushing.
    #[inline(always)]
    fn numbers() -> impl Iterator<Item = u64> {
        (0..COUNT).map(black_box)
    }
    fn sum(values: &[u64]) -> u64 {
        values.iter().sum()
    }
    vec![
        Contender::ours(move || {
            let mut arena = Arena::new();
            sample(repeats, || {
                let frame = arena.begin_frame();
                let mut vec = frame.frame_vec();
                numbers().for_each(|value| vec.push(value));
                sum(vec.into_slice())
            })
        }),
        Contender::rival("bumpalo", move || {
            let mut bump = Bumpalo::new();
            sample(repeats, || {
                let mut vec = bumpalo::collections::Vec::new_in(&bump);
                numbers().for_each(|value| vec.push(value));
                let answer = sum(&vec);
                drop(vec);
                bump.reset();
                answer
            })
        }),
        Contender::rival("bump-scope", move || {
            let mut bump: BumpScope = BumpScope::new();
            sample(repeats, || {
                bump.scoped(|scope| {
                    let mut vec = BumpVec::new_in(&*scope);
                    numbers().for_each(|value| vec.push(value));
                    sum(&vec)
                })
            })
        }),
        Contender::floor("Vec with capacity", move || {
            let mut vec = Vec::with_capacity(COUNT as usize);
            sample(repeats, || {
                vec.clear();
                numbers().for_each(|value| vec.push(value));
                sum(&vec)
            })
        }),
    ]
}

fn two_threads(setting: &Setting) -> Vec<Contender> {
    const COUNT: usize = 1_000_000;
    let repeats = setting.repeats(10, 3);
    fn sample<V: Values>(new: fn() -> V, repeats: usize) -> Result<Sample, Wrong> {
        let one = move || -> Result<Duration, Wrong> {
            let mut values = new();
            holds_apart(&values, COUNT)?;
            values.give_back();
            Ok(stopwatch(|| {
                for _ in 0..repeats {
                    for value in 0..COUNT as u64 {
                        black_box(values.put(value));
                    }
                    values.give_back();
                }
            }))
        };
        let (here, there) = std::thread::scope(|scope| {
            let other = scope.spawn(one);
            (one(), other.join().expect("nothing in it panics"))
        });
        Ok(Sample::nanoseconds_each(here?.max(there?), repeats * COUNT))
    }
    vec![
        Contender::ours(move || sample(Arena::new, repeats)),
        Contender::rival("bumpalo", move || sample(Bumpalo::new, repeats)),
        Contender::rival("bump-scope", move || sample(BumpScope::new, repeats)),
    ]
}
