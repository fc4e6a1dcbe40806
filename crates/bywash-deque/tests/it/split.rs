//! The split deque through its safe handles.

use std::sync::atomic::{AtomicUsize, Ordering};

use bywash_deque::split::{Steal, deque};

#[test]
fn the_owner_pops_newest_first_through_growth() {
    let (worker, _stealer) = deque::<Box<usize>>();
    for item in 0..10_000 {
        worker.push(Box::new(item));
    }
    for item in (0..10_000).rev() {
        assert_eq!(worker.pop().as_deref(), Some(&item));
    }
    assert_eq!(worker.pop(), None);
}

#[test]
fn each_item_is_taken_exactly_once_by_owner_or_thieves() {
    const ITEMS: usize = 200_000;
    let (worker, stealer) = deque::<Box<usize>>();
    let seen: Vec<AtomicUsize> = (0..ITEMS).map(|_| AtomicUsize::new(0)).collect();
    let taken = AtomicUsize::new(0);
    let take = |item: usize| {
        seen[item].fetch_add(1, Ordering::Relaxed);
        taken.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let stealer = stealer.clone();
            scope.spawn(|| {
                let stealer = stealer;
                let (mine, _) = deque::<Box<usize>>();
                while taken.load(Ordering::Relaxed) < ITEMS {
                    if let Steal::Taken(item) = mine.steal_batch_from(&stealer, 32) {
                        take(*item);
                        while let Some(item) = mine.pop() {
                            take(*item);
                        }
                    }
                }
            });
        }
        let mut next = 0;
        while next < ITEMS {
            for _ in 0..(next % 97) + 1 {
                if next < ITEMS {
                    worker.push(Box::new(next));
                    next += 1;
                }
            }
            for _ in 0..next % 61 {
                if let Some(item) = worker.pop() {
                    take(*item);
                }
            }
        }
        while let Some(item) = worker.pop() {
            take(*item);
        }
    });
    assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
}
