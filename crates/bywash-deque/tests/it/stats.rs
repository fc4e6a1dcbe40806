//! What the feature `stats` counts.

use bywash_deque::chase_lev::{Options, Steal, Worker};
use bywash_deque::split;

#[test]
fn a_chase_lev_deque_counts_what_happened_to_it() {
    for options in [Options::lifo(), Options::fifo()] {
        let worker: Worker<Box<u32>> = options.build().expect("the defaults are valid");
        let mine: Worker<Box<u32>> = options.build().expect("the defaults are valid");
        let thief = worker.stealer();
        for item in 0..10 {
            worker.push(Box::new(item)).expect("no maximum was set");
        }
        assert!(worker.pop().is_some());
        assert!(thief.steal().taken().is_some());
        assert_eq!(thief.steal_batch(&mine, 3), Steal::Taken(3));
        assert!(thief.steal_batch_and_pop(&mine, 2).taken().is_some());
        let stats = worker.stats();
        assert_eq!((stats.pushes, stats.pops, stats.publications), (10, 1, 10));
        assert_eq!((stats.steals, stats.retries), (6, 0));
        assert_eq!(mine.stats().pushes, 4);
        assert_eq!(
            mine.stats().publications,
            2,
            "a batch is made visible at once"
        );
    }
}

#[test]
fn a_split_deque_counts_what_happened_to_it() {
    let (worker, stealer) = split::deque::<Box<u32>>();
    for item in 0..3 {
        worker.push(Box::new(item));
    }
    assert!(matches!(stealer.steal(), split::Steal::Taken(_)));
    while worker.pop().is_some() {}
    let stats = stealer.stats();
    assert_eq!((stats.pushes, stats.pops), (3, 2));
    assert_eq!((stats.steals, stats.publications), (1, 2));
}

/// A binary tree of jobs, each of which pushes its two children when it is popped.
#[test]
fn a_spawn_tree_that_nobody_robs_is_seldom_published() {
    const DEPTH: u32 = 15;
    let core = split::Core::<Box<u32>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    owner.set_sharing(split::Sharing::Eager);
    owner.push(Box::new(DEPTH));
    while let Some(depth) = owner.pop(0) {
        for _ in 0..if *depth == 0 { 0 } else { 2 } {
            owner.push(Box::new(*depth - 1));
        }
    }
    let stats = core.stats();
    assert_eq!(stats.pops, (2 << DEPTH) - 1);
    assert!(
        (1..200).contains(&stats.publications),
        "{} publications",
        stats.publications
    );
}
