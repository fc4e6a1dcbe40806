//! The hierarchy: a caller's buffer, an arena, a second buffer, the heap, or an error.

use std::mem::MaybeUninit;
use std::ops::Range;

use bywash_arena::{Arena, ArenaError, ChunkSource, Exhausted, Tiers};

fn buffer<const N: usize>() -> [MaybeUninit<u8>; N] {
    [MaybeUninit::uninit(); N]
}

fn range(buffer: &[MaybeUninit<u8>]) -> Range<usize> {
    buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.len()
}

fn place<S: ChunkSource>(arena: &Arena<S>, bytes: usize) -> usize {
    arena.alloc_slice_fill(bytes, 1u8).as_ptr().addr()
}

#[test]
fn an_arena_over_a_buffer_stays_in_it_and_refuses_the_rest() {
    let mut given = buffer::<1024>();
    let inside = range(&given);
    let mut arena = Arena::over(&mut given);
    for _ in 0..3 {
        assert!(inside.contains(&place(&arena, 400)));
        assert!(inside.contains(&place(&arena, 400)));
        let refused = arena.try_alloc([0u8; 400]).unwrap_err();
        let ArenaError::Exhausted {
            requested: 400,
            left,
            limit,
        } = refused
        else {
            panic!("{refused}")
        };
        assert!(left < 400 && limit > 1_000, "{refused}");
        arena.reset();
    }
}

#[test]
fn buffers_too_small_or_crooked_are_simply_not_used() {
    for size in 0..200 {
        let mut given = buffer::<201>();
        let arena = Arena::over(&mut given[1..=size]);
        let served = arena.try_alloc(1u64).is_ok();
        assert!(served || size < 120, "{size} bytes serve one word");
    }
}

#[test]
fn each_tier_serves_when_the_one_before_is_used_up() {
    let mut given = buffer::<1024>();
    let mut stack = buffer::<1024>();
    let (first, second) = (range(&given), range(&stack));
    let thread = Arena::new();
    thread.set_budget(bywash_arena::Budget::hard(2_000));
    let tiers = Tiers::over(&mut given)
        .then_arena(&thread)
        .then_buffer(&mut stack);
    let arena = Arena::with_source(tiers.exhausted(Exhausted::Heap));
    assert!(first.contains(&place(&arena, 800)));
    assert!(!first.contains(&place(&arena, 800)));
    assert!(thread.used() > 800);
    let before = thread.used();
    // The arena's budget leaves room for the buffer only.
    assert!(second.contains(&place(&arena, 900)) || thread.used() > before);
    let mut places = [0; 4].map(|_| place(&arena, 900));
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 900));
    assert!(thread.used() <= 2_000);
}

#[test]
fn the_policy_grow_keeps_its_chunks_and_heap_gives_them_back() {
    for (policy, kept) in [(Exhausted::Grow, true), (Exhausted::Heap, false)] {
        let mut given = buffer::<1024>();
        let inside = range(&given);
        let mut arena = Arena::with_source(Tiers::over(&mut given).exhausted(policy));
        for _ in 0..3 {
            let frame = arena.begin_frame();
            assert!(inside.contains(&place(&frame, 500)));
            for _ in 0..10 {
                assert!(!inside.contains(&place(&frame, 5_000)));
            }
            frame.end();
            assert_eq!(arena.capacity() > 1_024, kept, "{policy:?}");
        }
    }
}

#[test]
fn forgotten_frames_are_gathered_whatever_the_policy() {
    let mut given = buffer::<1024>();
    let mut arena = Arena::with_source(Tiers::over(&mut given).exhausted(Exhausted::Heap));
    for _ in 0..4 {
        for _ in 0..4 {
            let nested = arena.begin_nested();
            nested.alloc([0u8; 5_000]);
            std::mem::forget(nested);
        }
        arena.reset();
        assert!(arena.capacity() < 8_000, "{arena:?}");
    }
}

#[test]
fn a_frame_over_a_buffer_gives_it_back_at_its_end() {
    let mut given = buffer::<2048>();
    let mut arena = Arena::over(&mut given);
    for _ in 0..10 {
        let frame = arena.begin_frame();
        frame.alloc([0u8; 1_500]);
        assert!(frame.try_alloc([0u8; 1_500]).is_err());
    }
    assert_eq!(arena.used(), 0);
}
