//! Rows of the arena: bumping, frames, batches, vectors, two threads, and two layouts of the same data.

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
    row(
        "layout_one_field",
        "ns/item",
        "one float of eight in 100,000 bodies scaled, a slice in a frame for each field; the floor has \
         one slice of bodies in a frame",
        |setting| layouts_of_bodies(setting, |columns| columns.cool(), cool),
    ),
    row(
        "layout_all_fields",
        "ns/item",
        "all eight floats of 100,000 bodies added up, a slice in a frame for each field; the floor has \
         one slice of bodies in a frame",
        |setting| layouts_of_bodies(setting, |columns| columns.sum(), sum),
    ),
];

/// A bump allocator, and how it does what the rows ask of each.
trait Bump {
    const NAME: &'static str;
    fn new() -> Self;
    #[expect(
        clippy::mut_from_ref,
        reason = "each call hands out memory that nobody else has"
    )]
    fn put(&self, value: u64) -> &mut u64;
    /// Where memory of this layout begins.
    fn place(&self, layout: Layout) -> usize;
    fn give_back(&mut self);

    /// A frame with one value in it, which is the answer.
    #[inline(always)]
    fn cycle(&mut self, value: u64) -> u64 {
        let answer = *black_box(self.put(value));
        self.give_back();
        answer
    }
}

/// One that has batches and vectors as well.
trait Collections: Bump {
    /// A batch of so many, each its own index, given back; the last is the answer.
    fn batch(&mut self, count: usize) -> u64;
    /// A vector that the numbers are pushed into, given back; their sum is the answer.
    fn pushes(&mut self) -> u64;
}

impl Bump for Arena {
    const NAME: &'static str = "ours";

    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.alloc(value)
    }

    #[inline(always)]
    fn place(&self, layout: Layout) -> usize {
        self.alloc_layout(layout).addr().get()
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }

    #[inline(always)]
    fn cycle(&mut self, value: u64) -> u64 {
        let frame = self.begin_frame();
        *black_box(frame.alloc(value))
    }
}

impl Collections for Arena {
    #[inline(always)]
    fn batch(&mut self, count: usize) -> u64 {
        let frame = self.begin_frame();
        last(frame.alloc_batch(count, |index| index as u64))
    }

    #[inline(always)]
    fn pushes(&mut self) -> u64 {
        let frame = self.begin_frame();
        let mut vec = frame.frame_vec();
        numbers().for_each(|value| vec.push(value));
        vec.iter().sum()
    }
}

impl Bump for Bumpalo {
    const NAME: &'static str = "bumpalo";

    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.alloc(value)
    }

    #[inline(always)]
    fn place(&self, layout: Layout) -> usize {
        self.alloc_layout(layout).addr().get()
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

impl Collections for Bumpalo {
    #[inline(always)]
    fn batch(&mut self, count: usize) -> u64 {
        let answer = last(self.alloc_slice_fill_with(count, |index| index as u64));
        self.reset();
        answer
    }

    #[inline(always)]
    fn pushes(&mut self) -> u64 {
        let mut vec = bumpalo::collections::Vec::new_in(self);
        numbers().for_each(|value| vec.push(value));
        let answer = vec.iter().sum();
        drop(vec);
        self.reset();
        answer
    }
}

impl Bump for BumpScope {
    const NAME: &'static str = "bump-scope";

    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        BumpBox::leak(self.alloc(value))
    }

    #[inline(always)]
    fn place(&self, layout: Layout) -> usize {
        self.allocate_layout(layout).addr().get()
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }

    #[inline(always)]
    fn cycle(&mut self, value: u64) -> u64 {
        self.scoped(|scope| **black_box(&mut scope.alloc(value)))
    }
}

impl Collections for BumpScope {
    #[inline(always)]
    fn batch(&mut self, count: usize) -> u64 {
        self.scoped(|scope| {
            let mut next = 0;
            last(&mut scope.alloc_slice_fill_with(count, || {
                next += 1;
                next - 1
            }))
        })
    }

    #[inline(always)]
    fn pushes(&mut self) -> u64 {
        self.scoped(|scope| {
            let mut vec = BumpVec::new_in(&*scope);
            numbers().for_each(|value| vec.push(value));
            vec.iter().sum()
        })
    }
}

impl Bump for Blink {
    const NAME: &'static str = "blink";

    fn new() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn put(&self, value: u64) -> &mut u64 {
        self.put_no_drop(value)
    }

    #[inline(always)]
    fn place(&self, layout: Layout) -> usize {
        match self.allocator().allocate(layout) {
            Ok(place) => place.cast::<u8>().addr().get(),
            Err(_) => 0,
        }
    }

    #[inline(always)]
    fn give_back(&mut self) {
        self.reset();
    }
}

/// `sample` run by this library, under its name.
fn contender<B: Bump>(sample: impl FnMut() -> Result<Sample, Wrong> + 'static) -> Contender {
    if B::NAME == Arena::NAME {
        Contender::ours(sample)
    } else {
        Contender::rival(B::NAME, sample)
    }
}

/// `run` once with a checked answer, then the time of `repeats` runs; for each of `count` things.
fn repeated<T: PartialEq + std::fmt::Debug>(
    count: usize,
    repeats: usize,
    expected: T,
    mut run: impl FnMut() -> T,
) -> Result<Sample, Wrong> {
    check(run(), expected)?;
    let time = stopwatch(|| {
        for _ in 0..repeats {
            black_box(run());
        }
    });
    Ok(Sample::nanoseconds_each(time, count * repeats))
}

/// The time of `one` for each of `count` numbers, which it hands back.
pub(super) fn summed(count: usize, mut one: impl FnMut(u64) -> u64) -> Result<Sample, Wrong> {
    let mut run = |count: u64| (0..count).map(&mut one).sum::<u64>();
    check(run(1_000), 999 * 500)?;
    let mut sum = 0;
    let time = stopwatch(|| sum = run(count as u64));
    let below = count as u64;
    check(sum, below * (below - 1) / 2)?;
    Ok(Sample::nanoseconds_each(time, count))
}

/// Puts `count` values and gives them back, so often; before, that they all are there at once.
fn put_all<B: Bump>(count: usize, repeats: usize) -> Result<Duration, Wrong> {
    let mut bump = B::new();
    let held: Vec<&mut u64> = (0..count as u64).map(|value| bump.put(value)).collect();
    let sum: u64 = held.iter().map(|value| **value).sum();
    check(sum, (count as u64) * (count as u64 - 1) / 2)?;
    drop(held);
    bump.give_back();
    Ok(stopwatch(|| {
        for _ in 0..repeats {
            for value in 0..count as u64 {
                black_box(bump.put(value));
            }
            bump.give_back();
        }
    }))
}

fn values(count: usize, repeats: usize) -> Vec<Contender> {
    fn bump<B: Bump>(count: usize, repeats: usize) -> Contender {
        contender::<B>(move || {
            let time = put_all::<B>(count, repeats)?;
            Ok(Sample::nanoseconds_each(time, count * repeats))
        })
    }
    fn heap(heap: impl Allocator + Copy, count: usize, repeats: usize) -> Result<Sample, Wrong> {
        let mut held = Vec::with_capacity(count);
        repeated(count, repeats, Some(count as u64 - 1), || {
            for value in 0..count as u64 {
                held.push(BoxIn::new_in(value, heap));
            }
            let last = held.last().map(|value| **value);
            held.clear();
            last
        })
    }
    vec![
        bump::<Arena>(count, repeats),
        bump::<Bumpalo>(count, repeats),
        bump::<BumpScope>(count, repeats),
        bump::<Blink>(count, repeats),
        Contender::rival("typed-arena", move || {
            repeated(count, repeats, count, || {
                let arena = TypedArena::with_capacity(count);
                for value in 0..count as u64 {
                    black_box(arena.alloc(value));
                }
                arena.len()
            })
        }),
        Contender::rival("mimalloc", move || heap(MIMALLOC, count, repeats / 4 + 1)),
        Contender::rival("malloc", move || heap(SYSTEM, count, repeats / 4 + 1)),
        Contender::floor("bare bump", move || {
            let memory = vec![Cell::new(0_u64); count];
            let memory = black_box(&memory[..]);
            repeated(count, repeats, count as u64 - 1, || {
                for (value, slot) in memory.iter().enumerate() {
                    slot.set(value as u64);
                    black_box(slot);
                }
                memory[count - 1].get()
            })
        }),
    ]
}

fn frame_cycle(setting: &Setting) -> Vec<Contender> {
    let cycles = setting.repeats(10_000_000, 2_000_000);
    fn bump<B: Bump>(cycles: usize) -> Contender {
        contender::<B>(move || {
            let mut bump = B::new();
            summed(cycles, |value| bump.cycle(black_box(value)))
        })
    }
    vec![
        bump::<Arena>(cycles),
        bump::<BumpScope>(cycles),
        bump::<Blink>(cycles),
        bump::<Bumpalo>(cycles),
        Contender::floor("bare bump", move || {
            let memory = vec![Cell::new(0_u64); 64];
            let memory = black_box(&memory[..]);
            let mut next = 0;
            summed(cycles, |value| {
                let mark = next;
                let slot = &memory[next];
                next += 1;
                slot.set(black_box(value));
                let answer = black_box(slot).get();
                next = mark;
                answer
            })
        }),
    ]
}

/// The batch must be seen as a whole, or its writes would be dropped.
fn last(batch: &mut [u64]) -> u64 {
    let batch = black_box(batch);
    batch[batch.len() - 1]
}

fn batches(count: usize, repeats: usize) -> Vec<Contender> {
    fn bump<B: Collections>(count: usize, repeats: usize) -> Contender {
        contender::<B>(move || {
            let mut bump = B::new();
            repeated(count, repeats, count as u64 - 1, || {
                bump.batch(black_box(count))
            })
        })
    }
    vec![
        bump::<Arena>(count, repeats),
        bump::<Bumpalo>(count, repeats),
        bump::<BumpScope>(count, repeats),
        Contender::floor("slice", move || {
            let mut memory = vec![0; count];
            repeated(count, repeats, count as u64 - 1, || {
                let slice = &mut memory[..black_box(count)];
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

/// The places of one pass are aligned and none overlaps another.
fn check_places(layouts: &[Layout], places: impl Iterator<Item = usize>) -> Result<(), Wrong> {
    let mut places: Vec<_> = places.zip(layouts).collect();
    check(places.len(), layouts.len())?;
    let aligned = places.iter().all(|(at, layout)| at % layout.align() == 0);
    check(aligned, true)?;
    places.sort_unstable_by_key(|(at, _)| *at);
    let apart = places
        .windows(2)
        .all(|pair| pair[0].0 + pair[0].1.size() <= pair[1].0);
    check(apart, true)
}

fn mixed(setting: &Setting) -> Vec<Contender> {
    let repeats = setting.repeats(10_000, 2_000);
    fn pass<A>(
        mut arena: A,
        repeats: usize,
        place: impl Fn(&A, Layout) -> usize,
        give_back: impl Fn(&mut A),
    ) -> Result<Sample, Wrong> {
        let layouts = layouts();
        let places: Vec<_> = layouts
            .iter()
            .map(|&layout| place(&arena, layout))
            .collect();
        check_places(&layouts, places.into_iter())?;
        give_back(&mut arena);
        repeated(layouts.len(), repeats, (), || {
            for &layout in &layouts {
                black_box(place(&arena, layout));
            }
            give_back(&mut arena);
        })
    }
    fn bump<B: Bump>(repeats: usize) -> Contender {
        contender::<B>(move || pass(B::new(), repeats, B::place, B::give_back))
    }
    fn heap(heap: impl Allocator + Copy, repeats: usize) -> Result<Sample, Wrong> {
        let layouts = layouts();
        let mut held = Vec::with_capacity(layouts.len());
        held.extend(layouts.iter().map(|&layout| Block::new(layout, heap)));
        check_places(&layouts, held.iter().map(Block::address))?;
        held.clear();
        repeated(layouts.len(), repeats, (), || {
            for &layout in &layouts {
                held.push(black_box(Block::new(layout, heap)));
            }
            held.clear();
        })
    }
    vec![
        bump::<Arena>(repeats),
        bump::<Bumpalo>(repeats),
        bump::<BumpScope>(repeats),
        bump::<Blink>(repeats),
        Contender::rival("mimalloc", move || heap(MIMALLOC, repeats / 8)),
        Contender::rival("malloc", move || heap(SYSTEM, repeats / 8)),
        Contender::floor("bare bump", move || {
            pass(
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

/// Pushes in one turn of `vec_push`.
const PUSHES: u64 = 10_000;

/// What is pushed; the compiler must not count instead.
#[inline(always)]
fn numbers() -> impl Iterator<Item = u64> {
    (0..PUSHES).map(black_box)
}

fn vec_push(setting: &Setting) -> Vec<Contender> {
    let repeats = setting.repeats(2_000, 400);
    fn sample(repeats: usize, run: impl FnMut() -> u64) -> Result<Sample, Wrong> {
        repeated(PUSHES as usize, repeats, PUSHES * (PUSHES - 1) / 2, run)
    }
    fn bump<B: Collections>(repeats: usize) -> Contender {
        contender::<B>(move || {
            let mut bump = B::new();
            sample(repeats, || bump.pushes())
        })
    }
    vec![
        bump::<Arena>(repeats),
        bump::<Bumpalo>(repeats),
        bump::<BumpScope>(repeats),
        Contender::floor("Vec with capacity", move || {
            let mut vec = Vec::with_capacity(PUSHES as usize);
            sample(repeats, || {
                vec.clear();
                numbers().for_each(|value| vec.push(value));
                vec.iter().sum()
            })
        }),
    ]
}

fn two_threads(setting: &Setting) -> Vec<Contender> {
    const COUNT: usize = 1_000_000;
    let repeats = setting.repeats(10, 3);
    fn bump<B: Bump>(repeats: usize) -> Contender {
        contender::<B>(move || {
            let (here, there) = std::thread::scope(|scope| {
                let other = scope.spawn(move || put_all::<B>(COUNT, repeats));
                let here = put_all::<B>(COUNT, repeats);
                (here, other.join().expect("nothing in it panics"))
            });
            Ok(Sample::nanoseconds_each(here?.max(there?), repeats * COUNT))
        })
    }
    vec![
        bump::<Arena>(repeats),
        bump::<Bumpalo>(repeats),
        bump::<BumpScope>(repeats),
    ]
}

/// Bodies in the layout rows, and the floats that each has.
const BODIES: usize = 100_000;
const FIELDS: usize = 8;

/// The first value of a body's field; halved or added up, it stays exact.
fn field(body: usize, field: usize) -> f32 {
    ((body + field) % 7) as f32
}

/// A structure of arrays: each field of all bodies in a slice of its own.
struct Columns<'frame>([&'frame mut [f32]; FIELDS]);

impl Columns<'_> {
    fn cool(&mut self) -> f32 {
        self.0[FIELDS - 1].iter_mut().for_each(|heat| *heat *= -1.0);
        self.0[FIELDS - 1][BODIES - 1].abs()
    }

    fn sum(&mut self) -> f32 {
        let mut sums = [0.0_f32; 8];
        for column in &self.0 {
            for part in column.chunks_exact(8) {
                sums.iter_mut()
                    .zip(part)
                    .for_each(|(sum, value)| *sum += value);
            }
        }
        sums.iter().sum()
    }
}

/// The same over an array of structures.
fn cool(bodies: &mut [[f32; FIELDS]]) -> f32 {
    bodies.iter_mut().for_each(|body| body[FIELDS - 1] *= -1.0);
    bodies[BODIES - 1][FIELDS - 1].abs()
}

fn sum(bodies: &mut [[f32; FIELDS]]) -> f32 {
    let mut sums = [0.0_f32; FIELDS];
    for body in bodies {
        sums.iter_mut()
            .zip(body)
            .for_each(|(sum, value)| *sum += *value);
    }
    sums.iter().sum()
}

fn layouts_of_bodies(
    setting: &Setting,
    apart: fn(&mut Columns<'_>) -> f32,
    together: fn(&mut [[f32; FIELDS]]) -> f32,
) -> Vec<Contender> {
    let repeats = setting.repeats(200, 40);
    let expected = move || together(&mut (0..BODIES).map(body).collect::<Vec<_>>());
    fn body(number: usize) -> [f32; FIELDS] {
        std::array::from_fn(|place| field(number, place))
    }
    vec![
        Contender::ours(move || {
            let mut arena = Arena::new();
            let frame = arena.begin_frame();
            let column = |place| frame.alloc_batch(BODIES, |number| field(number, place));
            let mut columns = Columns(std::array::from_fn(column));
            repeated(BODIES, repeats, expected(), || {
                apart(black_box(&mut columns))
            })
        }),
        Contender::floor("array of structures", move || {
            let mut arena = Arena::new();
            let frame = arena.begin_frame();
            let bodies = frame.alloc_batch(BODIES, body);
            repeated(BODIES, repeats, expected(), || together(black_box(bodies)))
        }),
    ]
}
