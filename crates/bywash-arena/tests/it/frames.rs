//! Frames: what ends with them, and what survives.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bywash_arena::Arena;

use crate::memory::Counted;

#[test]
fn a_frame_returns_its_memory_and_the_next_one_reuses_it() {
    let mut arena = Arena::new();
    arena.alloc(0u64);
    let used = arena.used();
    let mut places = Vec::new();
    for _ in 0..3 {
        let frame = arena.begin_frame();
        places.push(std::ptr::from_ref(frame.alloc(1u64)).addr());
        frame.end();
    }
    assert_eq!(arena.used(), used);
    assert!(places.iter().all(|&place| place == places[0]));
}

#[test]
fn a_frame_across_chunks_goes_back_to_where_it_began() {
    let source = Counted::new(usize::MAX);
    let mut arena = Arena::with_source(&source);
    let before = arena.alloc([1u64; 16]).as_ptr().addr();
    let used = arena.used();
    for _ in 0..50 {
        let frame = arena.begin_frame();
        for size in [100, 5_000, 60_000, 8, 300_000] {
            frame.alloc_slice_fill(size, 9u8);
        }
        drop(frame);
        assert_eq!(arena.used(), used);
    }
    assert_eq!(arena.alloc(2u64) as *const u64 as usize, before + 128);
    assert!(source.acquired.get() < 8);
}

#[test]
fn a_frame_ends_on_an_early_return_and_on_a_panic() {
    fn early(arena: &mut Arena) -> Result<(), std::num::ParseIntError> {
        let frame = arena.begin_frame();
        frame.alloc([0u8; 10_000]);
        frame.alloc("x".parse::<u32>()?);
        Ok(())
    }
    let mut arena = Arena::new();
    assert!(early(&mut arena).is_err());
    assert_eq!(arena.used(), 0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let frame = arena.begin_frame();
        frame.alloc([0u8; 10_000]);
        panic!("in the frame");
    }));
    assert!(panicked.is_err());
    assert_eq!(arena.used(), 0);
}

#[test]
fn frames_nest_exclusively() {
    let mut arena = Arena::new();
    let mut outer = arena.begin_frame();
    outer.alloc([0u64; 4]);
    let used = outer.used();
    let mut inner = outer.begin_frame();
    inner.alloc([0u64; 4_000]);
    inner.reset();
    assert_eq!(inner.used(), used);
    inner.end();
    assert_eq!(outer.used(), used);
}

#[test]
fn a_nested_frame_leaves_the_allocations_around_it_usable() {
    let mut arena = Arena::new();
    let frame = arena.begin_frame();
    let outer = frame.alloc([1u64; 8]);
    {
        let nested = frame.begin_nested();
        let inner = nested.alloc([2u64; 8]);
        // The frame around it may even go on allocating.
        let beside = frame.alloc([3u64; 8]);
        let deeper = nested.begin_nested();
        let deep = deeper.alloc([4u64; 800]);
        inner[0] = 5;
        assert_eq!((outer[7], inner[7], beside[7], deep[7]), (1, 2, 3, 4));
    }
    outer[0] = 9;
    assert_eq!(outer[0], 9);
}

#[test]
fn nested_frames_end_in_any_order() {
    let mut arena = Arena::new();
    arena.reserve(1 << 16).unwrap();
    for order in 0..6 {
        let first = arena.begin_nested();
        let second = arena.begin_nested();
        let third = arena.begin_nested();
        let a = first.alloc([1u32; 100]);
        let b = second.alloc([2u32; 100]);
        let c = third.alloc([3u32; 100]);
        let own = arena.alloc([4u32; 100]);
        assert_eq!((a[99], b[99], c[99], own[99]), (1, 2, 3, 4));
        let mut frames = vec![first, second, third];
        frames.remove(order % 3).end();
        frames.remove(order % 2).end();
        drop(frames);
        arena.reset();
        assert_eq!(arena.used(), 0);
    }
}

#[test]
fn a_nested_frame_gives_the_rest_of_the_range_back() {
    let mut arena = Arena::new();
    arena.reserve(10_000).unwrap();
    let room = arena.room();
    for _ in 0..10 {
        let nested = arena.begin_nested();
        nested.alloc([0u8; 1_000]);
        let other = arena.begin_nested();
        other.alloc([0u8; 1_000]);
        nested.end();
        other.end();
        assert_eq!(arena.room(), room);
    }
    arena.reset();
}

#[test]
fn nested_frames_of_an_empty_arena_leave_it_a_chunk() {
    let source = Counted::new(usize::MAX);
    let mut arena = Arena::with_source(&source);
    let frame = arena.begin_frame();
    for round in 0..10 {
        let nested = frame.begin_nested();
        nested.alloc([0u8; 1_000]);
        nested.end();
        assert!(frame.room() > 1_000, "{round}");
    }
    frame.end();
    assert_eq!((arena.used(), source.acquired.get()), (0, 1));
}

#[test]
fn forgotten_frames_only_leak_until_the_reset() {
    let source = Counted::new(usize::MAX);
    let mut arena = Arena::with_source(&source);
    for _ in 0..20 {
        for _ in 0..4 {
            let frame = arena.begin_frame();
            frame.alloc([0u8; 3_000]);
            mem::forget(frame);
            let nested = arena.begin_nested();
            nested.alloc([0u8; 30_000]);
            mem::forget(nested);
        }
        arena.alloc(1u64);
        arena.reset();
        assert_eq!(arena.used(), 0);
    }
    let acquired = source.acquired.get();
    assert!(acquired < 16, "{acquired}");
    drop(arena);
    assert_eq!(source.released.get(), acquired);
}

#[test]
fn a_vector_that_grows_in_every_frame_soon_does_so_in_place() {
    let mut arena = Arena::new();
    let places = (0..8).map(|_| {
        let mut outer = arena.begin_frame();
        let frame = outer.begin_frame();
        let mut vec = frame.frame_vec();
        vec.push(0u64);
        let first = vec.as_ptr();
        vec.extend(1..10_000);
        (first, vec.as_ptr())
    });
    let (first, last) = places.last().unwrap();
    assert_eq!(first, last);
}

#[test]
fn frames_around_one_that_changes_the_kept_chunk_end_as_well() {
    let mut arena = Arena::new();
    for round in 1..6 {
        let mut outer = arena.begin_frame();
        let mut middle = outer.begin_frame();
        let inner = middle.begin_frame();
        for _ in 0..10 {
            inner.alloc_slice_fill(10_000 * round, 1u8);
        }
        inner.end();
        let value = middle.alloc(7);
        assert_eq!(*value, 7);
        middle.end();
        outer.alloc_slice_fill(50_000 * round, 2u8);
        outer.end();
        assert_eq!(arena.used(), 0);
        assert_eq!(*arena.alloc(round), round);
        arena.reset();
    }
}

#[test]
fn freed_bytes_are_overwritten_in_debug_builds() {
    if !cfg!(debug_assertions) || cfg!(bywash_asan) {
        return;
    }
    let mut arena = Arena::new();
    arena.alloc(0u64);
    let frame = arena.begin_frame();
    frame.alloc([1u8; 64]);
    frame.end();
    let stale = arena.alloc_slice_uninit::<u8>(64);
    for byte in stale {
        // SAFETY: debug builds initialise what they free.
        assert_eq!(unsafe { byte.assume_init() }, bywash_arena::FREED);
    }
}
