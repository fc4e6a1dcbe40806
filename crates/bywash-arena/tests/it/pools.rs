//! Pools: values that outlive frames, threads and the pool itself.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use bywash_arena::{Budget, ClassPool, Overrun, Pool, PoolBox};

use crate::pages;

/// Counts its drops, over all threads.
#[derive(Clone)]
struct Dropped(Arc<AtomicUsize>, [u64; 3]);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_freed_block_is_the_next_one_handed_out() {
    let pool = Pool::new();
    let first = pool.alloc([1u64; 4]);
    let place = std::ptr::from_ref(&*first);
    drop(first);
    let second = pool.alloc([2u64; 4]);
    assert_eq!(std::ptr::from_ref(&*second), place);
    assert_eq!(*second, [2; 4]);
}

#[test]
fn values_never_overlap_and_keep_their_bytes() {
    let pool = Pool::new();
    let mut boxes: Vec<PoolBox<[u32; 6]>> = Vec::new();
    for round in 0..10_000u32 {
        boxes.push(pool.alloc([round; 6]));
        if round % 3 == 0 {
            let taken = boxes.swap_remove((round as usize * 7) % boxes.len());
            assert!(taken.iter().all(|item| *item == taken[0]));
        }
    }
    let mut places: Vec<_> = boxes
        .iter()
        .map(|item| std::ptr::from_ref(&**item).addr())
        .collect();
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 24));
    assert!(
        boxes
            .iter()
            .all(|item| item.iter().all(|part| *part == item[0]))
    );
}

#[test]
fn each_class_is_large_and_aligned_enough() {
    #[repr(align(1024))]
    struct Aligned(u8);
    let pool = ClassPool::new();
    let small: Vec<_> = (0..100u8).map(|i| pool.alloc(i)).collect();
    let middle: Vec<_> = (0..100u8).map(|i| pool.alloc([i; 100])).collect();
    let large: Vec<_> = (0..100u8).map(|i| pool.alloc([i; 4096])).collect();
    let aligned: Vec<_> = (0..100u8).map(|i| pool.alloc(Aligned(i))).collect();
    for i in 0..100u8 {
        assert_eq!(*small[usize::from(i)], i);
        assert_eq!(*middle[usize::from(i)], [i; 100]);
        assert_eq!(*large[usize::from(i)], [i; 4096]);
        assert_eq!(aligned[usize::from(i)].0, i);
        assert_eq!(
            std::ptr::from_ref(&*aligned[usize::from(i)]).addr() % 1024,
            0
        );
    }
    assert_eq!(pool.usage().alive, 400);
}

#[test]
fn zero_sized_values_have_blocks_and_are_dropped() {
    struct Unit;
    thread_local!(static DROPS: Cell<usize> = const { Cell::new(0) });
    impl Drop for Unit {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    let pool = Pool::new();
    drop([pool.alloc(Unit), pool.alloc(Unit)]);
    assert_eq!(DROPS.get(), 2);
}

#[test]
fn a_value_freed_on_another_thread_returns_to_its_owner() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = Pool::new();
    let (send, receive) = mpsc::sync_channel::<PoolBox<Dropped>>(64);
    let freer = thread::spawn(move || receive.into_iter().for_each(drop));
    for _ in 0..20_000 {
        send.send(pool.alloc(Dropped(Arc::clone(&drops), [0; 3])))
            .unwrap();
    }
    drop(send);
    freer.join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 20_000);
    let usage = pool.usage();
    assert_eq!(usage.alive, 0);
    // The blocks were used over and over: 20,000 at once would take 10 pages.
    assert!(usage.pages <= 3, "{usage:?}");
    assert_eq!(pool.trim(), usage.pages * 64 * 1024);
    assert_eq!(pool.usage().pages, 0);
}

#[test]
fn a_box_outlives_its_thread_and_its_pool() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = Pool::new();
    let theirs = pool.clone();
    let count = Arc::clone(&drops);
    let boxes: Vec<_> = thread::spawn(move || {
        (0..3_000)
            .map(|_| theirs.alloc(Dropped(Arc::clone(&count), [7; 3])))
            .collect()
    })
    .join()
    .unwrap();
    drop(pool);
    assert!(boxes.iter().all(|item| item.1 == [7; 3]));
    let (one, other) = boxes
        .into_iter()
        .fold((Vec::new(), Vec::new()), |(mut a, mut b), item| {
            if a.len() <= b.len() {
                a.push(item)
            } else {
                b.push(item)
            }
            (a, b)
        });
    let threads = [one, other].map(|half| thread::spawn(move || drop(half)));
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(drops.load(Ordering::SeqCst), 3_000);
}

#[test]
fn a_box_outlives_its_pool_on_its_own_thread() {
    let pool = Pool::new();
    let boxes: Vec<_> = (0..5_000u64).map(|i| pool.alloc(i)).collect();
    drop(pool);
    let other = Pool::new();
    let more: Vec<_> = (0..5_000u64).map(|i| other.alloc(!i)).collect();
    assert!(boxes.iter().zip(0..).all(|(item, i)| **item == i));
    assert!(more.iter().zip(0u64..).all(|(item, i)| **item == !i));
}

#[test]
fn trim_keeps_the_pages_of_live_values() {
    let pool = Pool::new();
    let mut boxes: Vec<_> = (0..20_000u64).map(|i| pool.alloc([i; 2])).collect();
    let pages = pool.usage().pages;
    assert!(pages > 4);
    assert_eq!(pool.trim(), 0);
    boxes.truncate(10);
    assert_eq!(pool.trim(), (pages - 1) * 64 * 1024);
    assert!(boxes.iter().zip(0..).all(|(item, i)| **item == [i; 2]));
    boxes.extend((10..20_000).map(|i| pool.alloc([i; 2])));
    assert!(boxes.iter().zip(0..).all(|(item, i)| **item == [i; 2]));
}

#[test]
fn a_value_whose_drop_panics_is_dropped_once_and_its_block_freed() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let pool = Pool::new();
    let boxed = pool.alloc(Bomb);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(boxed))).is_err());
    assert_eq!(pool.usage().alive, 0);
}

#[test]
fn into_inner_moves_the_value_out() {
    let pool = Pool::new();
    let text = PoolBox::into_inner(pool.alloc(String::from("kept")));
    assert_eq!((text.as_str(), pool.usage().alive), ("kept", 0));
}

#[test]
fn a_forgotten_box_only_leaks() {
    if cfg!(bywash_asan) {
        // It does leak, and the sanitizer would say so.
        return;
    }
    let pool = Pool::new();
    mem::forget(pool.alloc(1u64));
    assert_eq!(*pool.alloc(2u64), 2);
    assert_eq!(pool.usage().alive, 1);
    mem::forget(pool);
}

#[test]
fn a_thread_locals_destructor_may_free_and_is_refused_a_new_block() {
    static RAN: AtomicUsize = AtomicUsize::new(0);
    struct Late(RefCell<Option<(Pool<u64>, PoolBox<u64>)>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let (pool, kept) = self.0.get_mut().take().unwrap();
            assert_eq!(*kept, 7);
            drop(kept);
            if let Err((_, value)) = pool.try_alloc(8) {
                assert_eq!(value, 8);
                RAN.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    thread_local!(static LATE: Late = const { Late(RefCell::new(None)) });
    thread::spawn(|| {
        LATE.with(|_| ());
        let pool = Pool::new();
        let kept = pool.alloc(7);
        LATE.with(|late| late.0.replace(Some((pool, kept))));
    })
    .join()
    .unwrap();
    assert_eq!(RAN.load(Ordering::SeqCst), 1);
}

#[cfg(debug_assertions)]
#[test]
fn a_block_freed_twice_is_reported() {
    let pool = Pool::new();
    let boxed = pool.alloc(1u64);
    // SAFETY: not sound at all: the point of the test. Debug builds must notice.
    let twin = unsafe { std::ptr::read(&raw const boxed) };
    drop(boxed);
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(twin)));
    let message = *panicked.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("freed twice"), "{message}");
}

#[test]
fn a_heap_box_counts_against_its_pools_budget_until_it_is_dropped() {
    let drops = Arc::new(AtomicUsize::new(0));
    let pool = ClassPool::new();
    pool.set_heap_budget(Budget::hard(100_000));
    let first = pool.heap_box([1u8; 60_000]);
    let (error, back) = pool.try_heap_box([2u8; 60_000]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("40000 are left of a hard budget of 100000"),
        "{error}"
    );
    assert_eq!((back[0], pool.heap_bytes()), (2, 60_000));
    let theirs = pool.heap_box(Dropped(Arc::clone(&drops), [0; 3]));
    thread::spawn(move || drop(theirs)).join().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(bywash_arena::HeapBox::into_inner(first)[0], 1);
    assert_eq!(pool.heap_bytes(), 0);
    assert!(pool.try_heap_box(back).is_ok());
}

#[test]
fn heap_boxes_count_under_their_tag_on_every_thread() {
    let pool = ClassPool::new();
    let untagged = pool.heap_box([0u8; 10]);
    let (kept, sent) = pool.with_tag("level", |pool| {
        let inner = pool.with_tag("sound", |pool| pool.heap_box([0u64; 100]));
        drop(inner);
        (pool.heap_box([0u64; 10]), pool.heap_box([0u64; 20]))
    });
    let level = pool.tag_use("level").unwrap();
    assert_eq!((level.count, level.bytes, level.live), (2, 240, 240));
    thread::spawn(move || drop(sent)).join().unwrap();
    let level = pool.tag_use("level").unwrap();
    assert_eq!(
        (level.count, level.bytes, level.live, level.peak),
        (2, 240, 80, 240)
    );
    let sound = pool.tag_use("sound").unwrap();
    assert_eq!((sound.count, sound.live, sound.peak), (1, 0, 800));
    assert_eq!((pool.tags().len(), pool.heap_bytes()), (2, 90));
    drop((kept, untagged));
    assert_eq!(pool.heap_bytes(), 0);
}

#[test]
fn a_soft_heap_budget_tells_once() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    fn tell(overrun: Overrun) {
        assert_eq!((overrun.limit, overrun.used), (100, 160));
        TOLD.fetch_add(1, Ordering::SeqCst);
    }
    let pool = ClassPool::new();
    pool.set_heap_budget(Budget::soft(100, tell));
    let boxes = [(); 4].map(|()| pool.heap_box([0u64; 10]));
    assert_eq!(TOLD.load(Ordering::SeqCst), 1);
    drop(boxes);
}

#[test]
fn the_pages_of_another_threads_heap_go_back_with_the_pool() {
    let pool = Pool::new();
    let (made, receive) = mpsc::channel();
    let (stay, until) = mpsc::channel::<()>();
    let theirs = pool.clone();
    let other = thread::spawn(move || {
        let boxes: Vec<_> = (0..5_000u64).map(|i| theirs.alloc([i; 2])).collect();
        let kept = theirs.alloc([7; 2]);
        drop(boxes);
        drop(theirs);
        made.send(kept).unwrap();
        let _ = until.recv();
    });
    let kept = receive.recv().unwrap();
    let before = pages::released_here();
    drop(pool);
    assert_eq!(pages::released_here(), before, "a value is alive");
    assert_eq!(*kept, [7; 2]);
    drop(kept);
    assert_eq!(
        pages::released_here() - before,
        2,
        "they wait for no thread's end"
    );
    drop(stay);
    other.join().unwrap();
}

#[test]
fn a_thread_frees_its_own_boxes_after_another_has_dropped_their_pool() {
    let pool = Pool::new();
    let boxes: Vec<_> = (0..5_000u64).map(|i| pool.alloc(i)).collect();
    thread::spawn(move || drop(pool)).join().unwrap();
    let before = pages::released_here();
    assert!(boxes.iter().zip(0..).all(|(item, i)| **item == i));
    drop(boxes);
    assert_eq!(pages::released_here() - before, 1);
    assert_eq!(*Pool::new().alloc(1u64), 1);
}

#[cfg(debug_assertions)]
#[test]
fn values_that_outlive_their_pool_are_reported_with_where_they_are_from() {
    thread_local!(static SAID: RefCell<String> = const { RefCell::new(String::new()) });
    let pool = Pool::new();
    pool.on_leak(|leaks| {
        assert_eq!((leaks.count, leaks.places.len()), (3, 2));
        SAID.set(leaks.to_string());
    });
    drop(pool.alloc(0u64));
    let boxes = [1, 2].map(|i| pool.alloc(i));
    let one = pool.alloc(3);
    drop(pool);
    let said = SAID.take();
    assert!(said.starts_with("3 values outlive their pool"), "{said}");
    assert!(said.contains("pools.rs:") && said.contains("(2)"), "{said}");
    drop((boxes, one));
    let pool = Pool::new();
    pool.on_leak(|leaks| unreachable!("{leaks}"));
    drop(pool.alloc(1u64));
}

#[test]
fn debug_output_says_whose_pool_it_is_and_what_is_in_it() {
    let pool = Pool::new();
    let _kept = pool.alloc(1u64);
    let text = format!("{pool:?}");
    assert!(
        text.contains("of: u64") && text.contains("alive: 1"),
        "{text}"
    );
    let pool = ClassPool::new();
    let boxed = pool.with_tag("sound", |pool| pool.heap_box([0u8; 100]));
    let text = format!("{pool:?}");
    assert!(
        text.contains("heap_bytes: 100") && text.contains("sound"),
        "{text}"
    );
    drop(boxed);
}
