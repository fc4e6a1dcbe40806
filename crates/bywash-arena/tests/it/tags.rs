//! Tags: real counts, that follow frames as they end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bywash_arena::Arena;

#[test]
fn a_tag_counts_its_own_allocations_and_no_others() {
    let mut arena = Arena::new();
    arena.alloc([0u64; 10]);
    arena.with_tag("physics", |arena| {
        arena.alloc([0u64; 2]);
        arena.with_tag("contacts", |arena| arena.alloc_slice_fill(100, 0u64).len());
        arena.alloc(0u8);
    });
    arena.alloc([0u64; 10]);
    let physics = arena.tag_use("physics").unwrap();
    assert_eq!(
        (physics.count, physics.bytes, physics.live, physics.peak),
        (2, 24, 24, 24)
    );
    let contacts = arena.tag_use("contacts").unwrap();
    assert_eq!((contacts.count, contacts.live), (1, 800));
    assert_eq!(arena.tags().count(), 2);
    assert_eq!(arena.tag_use("sound"), None);
    arena.reset();
    assert!(arena.tags().all(|tag| tag.live == 0));
}

#[test]
fn the_end_of_a_frame_takes_its_bytes_out_of_the_tag() {
    let mut arena = Arena::new();
    arena.with_tag("kept", |arena| arena.alloc([0u64; 4]).len());
    for round in 1..4 {
        let frame = arena.begin_frame();
        frame.alloc(0u64);
        frame.with_tag("kept", |arena| arena.alloc([0u8; 10_000]).len());
        frame.with_tag("frame", |arena| arena.alloc([0u64; 5]).len());
        assert_eq!(frame.tag_use("kept").unwrap().live, 10_032);
        frame.end();
        let kept = arena.tag_use("kept").unwrap();
        assert_eq!((kept.live, kept.peak, kept.count), (32, 10_032, 1 + round));
        let frame = arena.tag_use("frame").unwrap();
        assert_eq!((frame.live, frame.peak, frame.bytes), (0, 40, 40 * round));
    }
}

#[test]
fn a_frame_inside_a_tag_is_counted_while_it_lives() {
    let arena = Arena::new();
    arena.with_tag("scratch", |arena| {
        arena.alloc(0u64);
        let mut nested = arena.begin_nested();
        nested.alloc([0u64; 8]);
        {
            let frame = nested.begin_frame();
            frame.alloc([0u64; 1_000]);
            assert_eq!(frame.tag_use("scratch").unwrap().live, 8 + 64 + 8_000);
        }
        assert_eq!(nested.tag_use("scratch").unwrap().live, 8 + 64);
        nested.alloc([0u64; 2]);
        assert_eq!(nested.tag_use("scratch").unwrap().live, 8 + 64 + 16);
    });
    let scratch = arena.tag_use("scratch").unwrap();
    assert_eq!((scratch.live, scratch.count, scratch.peak), (8, 4, 8_072));
}

#[test]
fn what_a_vector_gives_back_is_not_alive() {
    let arena = Arena::new();
    arena.with_tag("vec", |arena| {
        drop(arena.frame_vec_with_capacity::<u64>(100));
        arena.alloc(0u64);
    });
    assert_eq!(arena.tag_use("vec").unwrap().live, 8);
}

#[test]
fn a_panic_ends_the_tag_and_a_nested_frame_may_outlive_it() {
    let mut arena = Arena::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        arena.with_tag("broken", |arena| {
            arena.alloc(0u64);
            panic!("inside the tag");
        });
    }));
    assert!(panicked.is_err());
    arena.alloc(0u64);
    assert_eq!(arena.tag_use("broken").unwrap().count, 1);
    let nested = arena.with_tag("outlived", |arena| arena.begin_nested());
    nested.alloc([0u64; 4]);
    arena.alloc(0u64);
    nested.end();
    let outlived = arena.tag_use("outlived").unwrap();
    assert_eq!((outlived.count, outlived.live, outlived.peak), (1, 0, 32));
    arena.reset();
    assert_eq!(arena.used(), 0);
}

#[cfg(feature = "stats")]
mod stats {
    use super::Arena;

    #[test]
    fn a_tracked_frame_counts_bytes_waste_and_overflows() {
        let mut arena = Arena::new();
        arena.alloc(0u64);
        arena.track(true);
        let frame = arena.begin_frame();
        frame.alloc(1u8);
        frame.alloc([0u8; 100_000]);
        let now = frame.frame_stats();
        assert_eq!((now.allocations, now.bytes, now.overflows), (2, 100_001, 1));
        assert_eq!((now.wasted, now.peak), (7, 8 + 8 + 100_000));
        frame.end();
        assert_eq!(arena.history().last, now);
        assert_eq!(arena.frame_stats().allocations, 0);
    }

    #[test]
    fn nested_frames_belong_to_the_frame_around_them() {
        let mut arena = Arena::new();
        arena.track(true);
        for _ in 0..3 {
            let nested = arena.begin_nested();
            nested.alloc([0u64; 10]);
            nested.end();
            arena.alloc(0u64);
            arena.reset();
        }
        let history = arena.history();
        assert_eq!((history.frames, history.mean_allocations), (3, 2.0));
        assert_eq!((history.mean_bytes, history.high_water), (88.0, 80));
    }

    #[test]
    fn nothing_is_counted_while_tracking_is_off() {
        let mut arena = Arena::new();
        arena.alloc(0u64);
        arena.reset();
        arena.track(true);
        arena.alloc(0u64);
        arena.reset();
        arena.track(false);
        arena.alloc(0u64);
        arena.reset();
        assert_eq!(arena.history().frames, 1);
    }
}

#[cfg(feature = "perf")]
#[test]
fn cache_misses_are_counted_or_there_is_a_reason() {
    match bywash_arena::CacheMisses::open() {
        Ok(mut counter) => {
            let large = vec![1u8; 64 << 20];
            let read = || {
                large
                    .iter()
                    .step_by(64)
                    .map(|byte| u64::from(*byte))
                    .sum::<u64>()
            };
            let (sum, rate) = counter.measure(read).unwrap();
            assert_eq!(sum, 1 << 20);
            assert!(rate.misses > 0 && rate.percent().is_some(), "{rate:?}");
        }
        Err(reason) => assert!(reason.to_string().contains("cache misses"), "{reason}"),
    }
}
