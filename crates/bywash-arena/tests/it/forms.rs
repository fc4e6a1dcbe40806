//! Every allocation form: what it writes, what it drops, and what it does when interrupted.

use std::alloc::Layout;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bywash_arena::{Arena, FrameBox};

/// Counts its drops.
#[derive(Clone)]
struct Dropped<'a>(&'a Cell<usize>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn each_form_holds_what_was_put_in() {
    let arena = Arena::new();
    assert_eq!(*arena.alloc(1), 1);
    assert_eq!(*arena.alloc_with(|| [2u8; 100]), [2; 100]);
    assert_eq!(arena.alloc_slice_copy(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(arena.alloc_slice_clone(&[Some("a")]), [Some("a")]);
    assert_eq!(arena.alloc_slice_fill(3, 'x'), ['x'; 3]);
    assert_eq!(arena.alloc_slice_fill_with(3, |i| i * i), [0, 1, 4]);
    assert_eq!(
        arena.alloc_slice_from_iter("a b c".split(' ')),
        ["a", "b", "c"]
    );
    assert_eq!(
        arena
            .alloc_slice_from_iter((0..1000).filter(|i| i % 2 == 0))
            .len(),
        500
    );
    assert_eq!(arena.alloc_str("weir"), "weir");
    assert_eq!(*arena.alloc_uninit::<u32>().write(4), 4);
    assert_eq!(*arena.alloc_slice_uninit::<u32>(2)[1].write(4), 4);
    let [a, b, c, d] = arena.alloc_group([1, 2, 3, 4]);
    assert_eq!((*a, *b, *c, *d), (1, 2, 3, 4));
    let many: [&mut usize; 9] = arena.alloc_group_with(|i| i);
    assert_eq!(*many[8], 8);
}

#[test]
fn each_try_form_holds_what_was_put_in() {
    let arena = Arena::new();
    assert_eq!(*arena.try_alloc(1).unwrap(), 1);
    assert_eq!(*arena.try_alloc_with(|| [2u8; 100]).unwrap(), [2; 100]);
    assert_eq!(arena.try_alloc_slice_copy(&[1, 2, 3]).unwrap(), [1, 2, 3]);
    assert_eq!(
        arena.try_alloc_slice_clone(&[Some("a")]).unwrap(),
        [Some("a")]
    );
    assert_eq!(arena.try_alloc_slice_fill(3, 'x').unwrap(), ['x'; 3]);
    assert_eq!(
        arena.try_alloc_slice_fill_with(3, |i| i * i).unwrap(),
        [0, 1, 4]
    );
    assert_eq!(
        arena.try_alloc_slice_from_iter("a b".split(' ')).unwrap(),
        ["a", "b"]
    );
    assert_eq!(arena.try_alloc_str("weir").unwrap(), "weir");
    assert_eq!(*arena.try_alloc_uninit::<u32>().unwrap().write(4), 4);
    assert_eq!(
        *arena.try_alloc_slice_uninit::<u32>(2).unwrap()[1].write(4),
        4
    );
    assert_eq!(*arena.try_alloc_group([1, 2]).unwrap()[1], 2);
    assert_eq!(*arena.try_alloc_group_with::<_, 4>(|i| i).unwrap()[3], 3);
    assert_eq!(*arena.try_frame_box(3).unwrap(), 3);
    assert!(
        arena
            .try_frame_vec_with_capacity::<u8>(10)
            .unwrap()
            .capacity()
            >= 10
    );
}

#[test]
fn alloc_never_drops_and_a_frame_box_does() {
    let drops = Cell::new(0);
    let arena = Arena::new();
    arena.alloc(Dropped(&drops));
    arena.alloc_slice_fill_with(3, |_| Dropped(&drops));
    assert_eq!(drops.get(), 0);
    let boxed = arena.frame_box(Dropped(&drops));
    drop(boxed);
    assert_eq!(drops.get(), 1);
    let _: &mut Dropped<'_> = FrameBox::leak(arena.frame_box(Dropped(&drops)));
    assert_eq!(drops.get(), 1);
    let inner = FrameBox::into_inner(arena.frame_box(Dropped(&drops)));
    assert_eq!(drops.get(), 1);
    drop(inner);
    assert_eq!(drops.get(), 2);
}

#[test]
fn a_frame_vec_drops_its_items_unless_it_becomes_a_slice() {
    let drops = Cell::new(0);
    let arena = Arena::new();
    let mut vec = arena.frame_vec();
    for _ in 0..10 {
        vec.push(Dropped(&drops));
    }
    vec.drain(..4);
    assert_eq!(drops.get(), 4);
    drop(vec.into_box());
    assert_eq!(drops.get(), 10);
    let mut vec = arena.frame_vec_with_capacity(2);
    vec.extend((0..2).map(|_| Dropped(&drops)));
    assert_eq!(vec.into_slice().len(), 2);
    assert_eq!(drops.get(), 10);
}

#[test]
fn a_panicking_initialiser_rewinds_and_drops_its_prefix() {
    let drops = Cell::new(0);
    let arena = Arena::new();
    arena.alloc(1u64);
    let used = arena.used();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        arena.alloc_slice_fill_with(10, |i| {
            assert!(i < 7, "stop");
            Dropped(&drops)
        });
    }));
    assert!(panicked.is_err());
    assert_eq!((drops.get(), arena.used()), (7, used));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        arena.alloc_with(|| -> u64 { panic!("stop") });
    }));
    assert!(panicked.is_err());
    assert_eq!(arena.used(), used);
}

#[test]
fn a_failing_initialiser_rewinds_and_drops_its_prefix() {
    let drops = Cell::new(0);
    let arena = Arena::new();
    arena.alloc(1u64);
    let used = arena.used();
    let failed =
        arena.alloc_slice_try_fill_with(10, |i| if i < 7 { Ok(Dropped(&drops)) } else { Err(i) });
    assert_eq!(failed.err(), Some(7));
    assert_eq!((drops.get(), arena.used()), (7, used));
    assert_eq!(
        arena.alloc_try_with(|| Err::<u64, _>("no")).err(),
        Some("no")
    );
    assert_eq!(arena.used(), used);
}

#[test]
fn an_initialiser_that_hands_out_a_nested_frame_before_it_fails_keeps_it_apart() {
    let arena = Arena::new();
    arena.reserve(1_000).unwrap();
    let nested = arena
        .alloc_try_with(|| Err::<u64, _>(Box::new(arena.begin_nested())))
        .unwrap_err();
    let inside = nested.alloc_slice_fill(50, 1u8);
    let beside = arena.alloc_slice_fill(50, 2u8);
    assert!(inside.iter().all(|&byte| byte == 1) && beside.iter().all(|&byte| byte == 2));
    assert!(inside.iter().all(|&byte| byte == 1));
    nested.end();
    let after = arena.alloc_slice_fill(500, 3u8);
    assert!(beside.iter().all(|&byte| byte == 2) && after.iter().all(|&byte| byte == 3));
}

#[test]
fn an_initialiser_may_allocate_itself() {
    let arena = Arena::new();
    let list = arena.alloc_with(|| (1, arena.alloc_slice_fill_with(3, |i| *arena.alloc(i))));
    assert_eq!((list.0, &*list.1), (1, &[0, 1, 2][..]));
}

#[test]
fn a_box_whose_drop_panics_is_dropped_once() {
    struct Bomb<'a>(&'a Cell<usize>);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("in drop");
        }
    }
    let drops = Cell::new(0);
    let arena = Arena::new();
    let boxed = arena.frame_box(Bomb(&drops));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(boxed))).is_err());
    assert_eq!(drops.get(), 1);
}

#[test]
fn zero_sized_values_and_empty_slices_take_no_room() {
    #[repr(align(64))]
    struct Aligned;
    let mut arena = Arena::new();
    for _ in 0..2 {
        arena.alloc(());
        assert_eq!(std::ptr::from_ref(arena.alloc(Aligned)).addr() % 64, 0);
        assert!(arena.alloc_slice_fill_with(0, |_| 1u64).is_empty());
        assert_eq!(arena.alloc_slice_fill(1_000, ()).len(), 1_000);
        assert!(arena.alloc_str("").is_empty());
        assert!(arena.frame_vec_with_capacity::<u8>(0).is_empty());
        let mut units = arena.frame_vec();
        units.extend([(); 100]);
        assert_eq!(units.into_slice().len(), 100);
    }
    arena.reset();
    assert_eq!(arena.used(), 0);
    arena.alloc(1u8);
    let used = arena.used();
    arena.alloc(());
    assert_eq!(arena.used(), used);
}

#[test]
fn over_aligned_values_are_aligned_at_any_size() {
    let arena = Arena::new();
    for align in [1, 2, 4, 8, 16, 32, 64, 128, 4_096, 65_536] {
        for size in [0, 1, 7, 64, 5_000] {
            let layout = Layout::from_size_align(size, align).unwrap();
            assert_eq!(arena.alloc_layout(layout).addr().get() % align, 0);
            arena.alloc(1u8);
        }
    }
}

#[test]
fn growing_and_shrinking_keep_the_bytes() {
    let arena = Arena::new();
    let mut vec = arena.frame_vec();
    let mut other = arena.frame_vec();
    for i in 0..5_000u32 {
        vec.push(i);
        if i % 100 == 0 {
            // Makes `vec` move at its next growth.
            other.push(i);
        }
    }
    vec.truncate(3_000);
    vec.shrink_to_fit();
    vec.extend(3_000..4_000);
    assert!(vec.iter().copied().eq(0..4_000));
    assert!(other.iter().copied().eq((0..5_000).step_by(100)));
}

#[test]
fn the_youngest_vector_grows_in_place() {
    let arena = Arena::new();
    arena.reserve(4_096).unwrap();
    let mut vec = arena.frame_vec_with_capacity(1);
    vec.push(0u64);
    let place = vec.as_ptr();
    vec.extend(1..256);
    assert_eq!(vec.as_ptr(), place);
    assert_eq!(arena.used(), vec.capacity() * 8);
}

#[test]
fn a_refused_push_gives_the_item_back() {
    let arena = Arena::new();
    arena.set_budget(bywash_arena::Budget::hard(64));
    let mut vec = arena.frame_vec();
    let mut pushed = 0;
    let (error, item) = loop {
        match vec.try_push(pushed) {
            Ok(()) => pushed += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((pushed, item), (16, 16));
    assert!(error.to_string().contains("hard budget of 64"), "{error}");
    vec.truncate(10);
    let (_, item) = vec.try_extend(100..).unwrap_err();
    assert_eq!((item, vec.len(), vec[15]), (106, 16, 105));
}

#[test]
fn a_batch_holds_what_its_closure_made() {
    let arena = Arena::new();
    let batch = arena.alloc_batch(1_000, |i| (i as u64, 1u64));
    assert!(
        batch
            .iter()
            .enumerate()
            .all(|(i, item)| *item == (i as u64, 1))
    );
    let room = arena.alloc_batch_uninit::<u64>(1_000);
    room.iter_mut().for_each(|item| _ = item.write(7));
    assert_eq!(arena.try_alloc_batch(3, |i| i).unwrap(), [0, 1, 2]);
    assert_eq!(arena.try_alloc_batch_uninit::<u8>(3).unwrap().len(), 3);
    assert_eq!(batch[999].0, 999);
}

#[cfg(feature = "map")]
#[test]
fn a_frame_map_finds_and_drops_its_entries() {
    let drops = Cell::new(0);
    let mut arena = Arena::new();
    let frame = arena.begin_frame();
    let mut map = frame.frame_map();
    for key in 0..1_000 {
        map.insert(key, Dropped(&drops));
    }
    assert!(map.contains_key(&999) && !map.contains_key(&1_000));
    drop(map);
    assert_eq!(drops.get(), 1_000);
    frame.set_budget(bywash_arena::Budget::hard(frame.used()));
    assert!(frame.try_frame_map_with_capacity::<u64, u64>(100).is_err());
}
