//! Random sequences of frames, forms, alignments and limits, against a model that is only a list.

use std::alloc::Layout;

use bywash_arena::{Arena, ArenaError, Budget, ChunkSource};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Alloc {
        size: usize,
        align: u32,
    },
    Slice {
        len: usize,
    },
    Text {
        len: usize,
    },
    /// A vector pushed to `len`, which `others` allocations make move; kept as a slice.
    Grow {
        len: usize,
        others: usize,
    },
    /// An initialiser that fails after allocating for itself.
    Fail {
        size: usize,
    },
    /// Steps in an exclusive frame, which may have a budget.
    Frame(Vec<Step>, Option<usize>),
    /// Steps that are counted.
    Tagged(Vec<Step>),
    /// Steps in a nested frame, beside which its parent goes on allocating.
    Nested(Vec<Step>, Option<usize>),
    /// Steps in a nested frame that is forgotten.
    Forgotten(Vec<Step>),
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        4 => (0usize..600, 0u32..8).prop_map(|(size, align)| Step::Alloc { size, align }),
        1 => (0usize..20_000, 0u32..13).prop_map(|(size, align)| Step::Alloc { size, align }),
        2 => (0usize..300).prop_map(|len| Step::Slice { len }),
        1 => (0usize..50).prop_map(|len| Step::Text { len }),
        1 => (0usize..400, 0usize..5).prop_map(|(len, others)| Step::Grow { len, others }),
        1 => (0usize..300).prop_map(|size| Step::Fail { size }),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..8), budget())
                .prop_map(|(steps, budget)| Step::Frame(steps, budget)),
            vec(inner.clone(), 0..8).prop_map(Step::Tagged),
            (vec(inner.clone(), 0..8), budget())
                .prop_map(|(steps, budget)| Step::Nested(steps, budget)),
            vec(inner, 0..4).prop_map(Step::Forgotten),
        ]
    })
}

fn budget() -> impl Strategy<Value = Option<usize>> {
    proptest::option::of(0usize..100_000)
}

/// A live allocation and the byte it was filled with.
struct Block {
    bytes: *mut u8,
    size: usize,
    fill: u8,
}

/// Everything that is alive, oldest first.
#[derive(Default)]
struct Model {
    blocks: Vec<Block>,
    fill: u8,
}

impl Model {
    fn add(&mut self, bytes: *mut u8, size: usize, align: usize) {
        assert_eq!(bytes.addr() % align, 0, "aligned");
        let (start, end) = (bytes.addr(), bytes.addr() + size);
        for block in self
            .blocks
            .iter()
            .filter(|block| block.size > 0 && size > 0)
        {
            let (other, other_end) = (block.bytes.addr(), block.bytes.addr() + block.size);
            assert!(
                end <= other || other_end <= start,
                "live allocations overlap"
            );
        }
        self.fill = self.fill.wrapping_add(1);
        // SAFETY: the arena handed the bytes out.
        unsafe { bytes.write_bytes(self.fill, size) };
        self.blocks.push(Block {
            bytes,
            size,
            fill: self.fill,
        });
    }

    /// Every byte is still what was written, then the youngest blocks down to `count` are gone.
    fn end_frame(&mut self, count: usize) {
        for block in &self.blocks {
            // SAFETY: the block's frame has not ended in the arena.
            let bytes = unsafe { std::slice::from_raw_parts(block.bytes, block.size) };
            assert!(
                bytes.iter().all(|&byte| byte == block.fill),
                "bytes are kept"
            );
        }
        self.blocks.truncate(count);
    }
}

fn play<S: ChunkSource>(arena: &Arena<S>, model: &mut Model, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Alloc { size, align } => {
                let layout = Layout::from_size_align(*size, 1 << align).unwrap();
                if let Ok(place) = arena.try_alloc_layout(layout) {
                    model.add(place.as_ptr(), *size, layout.align());
                }
            }
            Step::Slice { len } => {
                if let Ok(slice) = arena.try_alloc_slice_fill_with(*len, |i| i as u16) {
                    assert!(slice.iter().enumerate().all(|(i, &item)| item == i as u16));
                    model.add(slice.as_mut_ptr().cast(), size_of_val(slice), 2);
                }
            }
            Step::Text { len } => {
                let text = "é".repeat(*len);
                if let Ok(copy) = arena.try_alloc_str(&text) {
                    assert_eq!(*copy, *text);
                    model.add(copy.as_mut_ptr(), text.len(), 1);
                }
            }
            Step::Grow { len, others } => {
                let mut grown = arena.frame_vec();
                let mut left = *others;
                for item in 0..*len as u32 {
                    if grown.try_push(item).is_err() {
                        break;
                    }
                    if item.is_power_of_two() && left > 0 {
                        left -= 1;
                        if let Ok(other) = arena.try_alloc(0u64) {
                            model.add(std::ptr::from_mut(other).cast(), 8, 8);
                        }
                    }
                }
                grown.shrink_to_fit();
                let slice = grown.into_slice();
                assert!(slice.iter().enumerate().all(|(i, &item)| item == i as u32));
                model.add(slice.as_mut_ptr().cast(), size_of_val(slice), 4);
            }
            Step::Fail { size } => {
                let refusal = ArenaError::LayoutOverflow { count: 0, size: 0 };
                let made = arena.try_alloc_slice_try_fill_with(*size, |i| {
                    arena.try_alloc(i)?;
                    if i < 100 { Ok(i as u8) } else { Err(refusal) }
                });
                if let Ok(slice) = made {
                    model.add(slice.as_mut_ptr(), slice.len(), 1);
                }
            }
            Step::Frame(steps, budget) => {
                // Exclusive frames need the arena to themselves, which only a new level has.
                let outside = model.blocks.len();
                let mut level = arena.begin_nested();
                if let Ok(before) = level.try_alloc(0u64) {
                    model.add(std::ptr::from_mut(before).cast(), 8, 8);
                }
                let (alive, base) = (model.blocks.len(), level.used());
                let mut frame = level.begin_frame();
                if let Some(bytes) = budget {
                    frame.set_budget(Budget::hard(*bytes));
                }
                for _ in 0..2 {
                    play(&frame, model, steps);
                    assert!(budget.is_none_or(|bytes| frame.used() - base <= bytes));
                    model.end_frame(alive);
                    frame.reset();
                }
                frame.end();
                play(&level, model, steps);
                model.end_frame(outside);
                level.reset();
                play(&level, model, steps);
                model.end_frame(outside);
            }
            Step::Tagged(steps) => {
                arena.with_tag("model", |arena| play(arena, model, steps));
            }
            Step::Nested(steps, budget) => {
                let alive = model.blocks.len();
                let nested = match budget {
                    Some(bytes) => arena.begin_nested_within(Budget::hard(*bytes)),
                    None => arena.begin_nested(),
                };
                let mut beside = 0;
                for step in steps {
                    play(&nested, model, std::slice::from_ref(step));
                    if let Some(bytes) = budget {
                        assert!(nested.used() <= *bytes, "the budget holds");
                    }
                    // Beside it; this stays when the nested frame ends.
                    if let Ok(other) = arena.try_alloc(0u64) {
                        model.add(std::ptr::from_mut(other).cast(), 8, 8);
                        let block = model.blocks.pop().expect("just added");
                        model.blocks.insert(alive + beside, block);
                        beside += 1;
                    }
                }
                model.end_frame(alive + beside);
            }
            Step::Forgotten(steps) => {
                let alive = model.blocks.len();
                let nested = arena.begin_nested();
                play(&nested, model, steps);
                model.end_frame(alive);
                std::mem::forget(nested);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn live_allocations_never_overlap_are_aligned_and_keep_their_bytes(
        rounds in vec(vec(step(), 1..12), 1..4),
        limit in proptest::option::of(0usize..200_000),
    ) {
        let mut arena = Arena::new();
        if let Some(limit) = limit {
            arena.set_budget(Budget::hard(limit));
        }
        for steps in &rounds {
            let mut model = Model::default();
            play(&arena, &mut model, steps);
            model.end_frame(0);
            if let Some(limit) = limit {
                assert!(arena.used() <= limit);
            }
            arena.reset();
            assert_eq!(arena.used(), 0);
            assert!(arena.tags().all(|tag| tag.live == 0));
            {
                let mut frame = arena.begin_frame();
                play(&frame, &mut model, steps);
                model.end_frame(0);
                frame.reset();
                let mut inner = frame.begin_frame();
                play(&inner, &mut model, steps);
                model.end_frame(0);
                inner.reset();
            }
            assert_eq!(arena.used(), 0);
        }
        arena.reset();
        let capacity = arena.capacity();
        assert_eq!(arena.trim() + arena.capacity(), capacity);
    }
}

#[cfg(feature = "pool")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn pool_boxes_keep_their_values_through_frees_trims_and_other_threads(
        steps in vec((0u8..8, any::<prop::sample::Index>(), any::<u64>()), 1..400),
    ) {
        use bywash_arena::{Pool, PoolBox};
        let mut pool = Pool::new();
        let mut alive: Vec<(PoolBox<[u64; 5]>, u64)> = Vec::new();
        for (step, index, value) in steps {
            match step {
                0..=4 => (0..=step).for_each(|_| alive.push((pool.alloc([value; 5]), value))),
                5 if !alive.is_empty() => drop(alive.swap_remove(index.index(alive.len()))),
                6 if !alive.is_empty() => {
                    let sent = alive.split_off(index.index(alive.len()));
                    let check = move || sent.into_iter().all(|(block, value)| *block == [value; 5]);
                    assert!(std::thread::spawn(check).join().unwrap());
                }
                7 if value % 16 == 0 => pool = Pool::new(),
                _ => _ = pool.trim(),
            }
        }
        assert!(alive.iter().all(|(block, value)| **block == [*value; 5]));
        assert!(pool.usage().alive <= alive.len());
        alive.clear();
        pool.trim();
        assert_eq!(pool.usage().pages, 0);
    }
}
