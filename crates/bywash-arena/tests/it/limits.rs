//! Budgets, and layouts that no machine can serve.

use std::alloc::Layout;
use std::cell::Cell;
use std::mem;

use bywash_arena::{Arena, ArenaError, Budget, Overrun};

#[test]
fn a_hard_budget_is_exact_and_survives_a_reset() {
    let mut arena = Arena::new();
    arena.set_budget(Budget::hard(1_024));
    for _ in 0..3 {
        for _ in 0..128 {
            arena.alloc(0u64);
        }
        let refused = arena.try_alloc(0u64).unwrap_err();
        assert_eq!(
            refused,
            ArenaError::OverBudget {
                requested: 8,
                left: 0,
                limit: 1_024
            }
        );
        arena.reset();
    }
}

#[test]
fn a_frames_budget_counts_what_is_nested_in_it() {
    let arena = Arena::new();
    arena.alloc([0u8; 4_000]);
    let frame = arena.begin_nested_within(Budget::hard(100_000));
    frame.alloc([0u8; 50_000]);
    let nested = frame.begin_nested();
    assert!(nested.try_alloc([0u8; 40_000]).is_ok());
    let refused = nested.try_alloc([0u8; 20_000]).unwrap_err();
    assert_eq!(
        refused,
        ArenaError::OverBudget {
            requested: 20_000,
            left: 10_000,
            limit: 100_000
        }
    );
    nested.end();
    assert!(frame.try_alloc([0u8; 50_000]).is_ok());
    assert!(frame.try_alloc(1u8).is_err());
    frame.end();
    assert!(arena.try_alloc([0u8; 200_000]).is_ok());
}

thread_local! {
    static TOLD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn tell(overrun: Overrun) {
    assert_eq!(overrun.limit, 256);
    TOLD.set((TOLD.get().0 + 1, overrun.used));
}

#[test]
fn a_soft_budget_tells_once_and_goes_on() {
    let mut arena = Arena::new();
    arena.set_budget(Budget::soft(256, tell));
    for round in 1..4 {
        for _ in 0..1_000 {
            arena.alloc(0u64);
        }
        assert_eq!(TOLD.get(), (round, 264));
        arena.reset();
    }
}

#[test]
fn a_lifted_budget_allows_again_even_with_a_frame_open() {
    let arena = Arena::new();
    arena.alloc(0u64);
    arena.set_budget(Budget::hard(16));
    let nested = arena.begin_nested();
    assert!(nested.try_alloc([0u64; 2]).is_err());
    arena.set_budget(Budget::NONE);
    assert!(nested.try_alloc([0u64; 2]).is_ok());
    nested.end();
    arena.set_budget(Budget::hard(16));
    let nested = arena.begin_nested();
    arena.set_budget(Budget::hard(8));
    nested.end();
    assert!(arena.try_alloc(0u64).is_err());
}

#[test]
fn a_budget_set_while_the_range_is_lent_holds_when_it_returns() {
    for drops_vec in [false, true] {
        let arena = Arena::new();
        arena.alloc(0u64);
        let vec = arena.frame_vec_with_capacity::<u64>(4);
        let nested = arena.begin_nested();
        if drops_vec {
            drop(vec);
        }
        arena.set_budget(Budget::hard(48));
        if drops_vec {
            arena.alloc(0u64);
        }
        nested.end();
        let refused = (0..10).find(|_| arena.try_alloc(0u64).is_err());
        assert!(
            refused.is_some_and(|count| count < 5),
            "{refused:?} words were allowed"
        );
        assert!(arena.used() <= 48);
    }
}

#[test]
fn layouts_that_overflow_are_errors_and_never_wrap() {
    let arena = Arena::new();
    arena.alloc(1u8);
    let overflow = arena
        .try_alloc_slice_uninit::<u64>(usize::MAX / 4)
        .unwrap_err();
    assert_eq!(
        overflow,
        ArenaError::LayoutOverflow {
            count: usize::MAX / 4,
            size: 8
        }
    );
    for size in [
        isize::MAX as usize,
        isize::MAX as usize - 7,
        isize::MAX as usize / 2,
    ] {
        let refused = arena.try_alloc_slice_uninit::<u8>(size).unwrap_err();
        assert!(matches!(refused, ArenaError::Exhausted { .. }), "{refused}");
    }
    let aligned = Layout::from_size_align(8, 1 << 62).unwrap();
    assert!(arena.try_alloc_layout(aligned).is_err());
    let most = Layout::from_size_align((1 << 62) - 8, 1 << 62).unwrap();
    assert!(arena.try_alloc_layout(most).is_err());
    assert_eq!(arena.used(), 8);
}

#[test]
#[should_panic(expected = "of a hard budget of 4")]
fn a_refused_allocation_without_try_panics_with_the_reason() {
    let arena = Arena::new();
    arena.set_budget(Budget::hard(4));
    arena.alloc(1u64);
}

#[test]
fn an_exclusive_frames_budget_ends_with_the_frame() {
    let mut arena = Arena::new();
    arena.alloc([0u64; 4]);
    for _ in 0..3 {
        let mut frame = arena.begin_frame_within(Budget::hard(64));
        for _ in 0..2 {
            frame.alloc([0u64; 8]);
            let refused = frame.try_alloc(0u64).unwrap_err();
            let (requested, left, limit) = (8, 0, 64);
            assert_eq!(
                refused,
                ArenaError::OverBudget {
                    requested,
                    left,
                    limit
                }
            );
            frame.reset();
        }
        frame.end();
        assert!(arena.begin_frame().try_alloc([0u64; 100]).is_ok());
    }
}

#[test]
fn budgets_of_frames_in_frames_hold_side_by_side() {
    let mut arena = Arena::new();
    arena.set_budget(Budget::hard(10_000));
    let mut outer = arena.begin_frame_within(Budget::hard(1_000));
    let inner = outer.begin_frame();
    inner.set_budget(Budget::hard(100));
    assert!(inner.try_alloc([0u8; 104]).is_err());
    inner.set_budget(Budget::hard(2_000));
    assert!(inner.try_alloc([0u8; 400]).is_ok());
    let nested = inner.begin_nested();
    let refused = nested.try_alloc([0u8; 640]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("600 are left of a hard budget of 1000"),
        "{refused}"
    );
    nested.end();
    inner.end();
    assert!(outer.try_alloc([0u8; 1_000]).is_ok());
    assert!(outer.try_alloc(0u8).is_err());
    outer.end();
    assert!(arena.try_alloc([0u8; 10_000]).is_ok());
    assert!(arena.try_alloc(0u8).is_err());
}

#[test]
fn a_frames_soft_budget_tells_once_a_frame_even_over_several_chunks() {
    let mut arena = Arena::new();
    arena.alloc(0u64);
    for round in 1..4 {
        let mut frame = arena.begin_frame();
        frame.alloc([0u64; 16]);
        frame.alloc([0u8; 100_000]);
        frame.reset();
        frame.alloc([0u64; 16]);
        frame.set_budget(Budget::soft(256, tell));
        for _ in 0..10_000 {
            frame.alloc(0u64);
        }
        assert_eq!(TOLD.get(), (round, 264));
        mem::forget(frame);
        arena.reset();
        assert!(format!("{arena:?}").contains("used: 0"), "{arena:?}");
        arena.alloc(0u64);
    }
}
