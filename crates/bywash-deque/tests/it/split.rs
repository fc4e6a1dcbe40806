//! The split deque through its safe handles.

use std::sync::atomic::{AtomicUsize, Ordering};

use bywash_deque::split::{
    Core, Item, Owner, RING_SLOTS, Sharing, Steal, Stealer, TakeBack, Worker, deque,
};

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

#[test]
fn thieves_take_oldest_first() {
    let (worker, stealer) = deque::<Box<usize>>();
    for item in 0..100 {
        worker.push(Box::new(item));
    }
    let mut expected = 0;
    while let Steal::Taken(item) = stealer.steal() {
        assert_eq!(*item, expected);
        expected += 1;
    }
    assert!(expected > 0, "some were public");
    while let Some(item) = worker.pop() {
        assert!(*item >= expected);
    }
}

#[test]
fn both_handles_count_the_items() {
    let (worker, stealer) = deque::<Box<usize>>();
    assert!(worker.is_empty() && stealer.is_empty());
    for item in 0..1_000 {
        worker.push(Box::new(item));
        assert_eq!(worker.len(), item + 1);
        assert!(stealer.len() <= worker.len());
    }
    let Steal::Taken(_) = stealer.steal() else {
        panic!("nothing was public")
    };
    worker.pop();
    assert_eq!(worker.len(), 998);
}

/// Simple numbers without a pattern, the same in each run.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn an_owner_that_exposes_before_it_works_leaves_no_thief_empty_handed() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let (worker, stealer) = deque::<Box<usize>>();
    for _ in 0..50_000 {
        match random(&mut state) % 4 {
            0 | 1 => worker.push(Box::new(0)),
            2 => drop(worker.pop()),
            _ => drop(stealer.steal()),
        }
        worker.expose();
        assert_eq!(
            stealer.is_empty(),
            worker.is_empty(),
            "an empty ring hides {} items",
            worker.len()
        );
    }
}

#[test]
fn an_eager_owner_that_answers_before_each_item_hides_none_from_a_hungry_thief() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let core = Core::<Box<usize>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    owner.set_sharing(Sharing::Eager);
    for _ in 0..50_000 {
        match random(&mut state) % 4 {
            0 | 1 => drop(owner.push(Box::new(0))),
            2 => {
                if owner.is_asked() {
                    owner.answer();
                }
                drop(owner.pop(0));
                assert!(
                    !core.is_empty() || owner.is_asked() || owner.is_empty(),
                    "while the owner is busy, {} items are hidden and nobody was told",
                    owner.len()
                );
            }
            _ => drop(core.steal()),
        }
    }
}

#[test]
fn a_stream_of_pushes_shows_more_every_64_and_hides_at_most_half_and_64_while_the_ring_has_room() {
    let (worker, stealer) = deque::<Box<usize>>();
    let (mut public, mut pushes) = (0, 0);
    while public < RING_SLOTS {
        worker.push(Box::new(0));
        pushes += 1;
        if stealer.len() != public {
            (public, pushes) = (stealer.len(), 0);
        }
        assert!(pushes < 64, "{pushes} pushes have shown nothing new");
        let hidden = worker.len() - public;
        assert!(
            hidden <= worker.len().div_ceil(2) + 64,
            "{hidden} of {} items are hidden",
            worker.len()
        );
    }
}

#[test]
fn a_thief_that_finds_nothing_asks() {
    let core = Core::<Box<usize>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    assert!(!owner.is_asked());
    assert_eq!(core.steal(), Steal::Empty);
    assert!(owner.is_asked());
}

#[test]
fn an_owner_that_is_asked_exposes_at_its_next_push() {
    let (worker, stealer) = deque::<Box<usize>>();
    for item in 0..40 {
        worker.push(Box::new(item));
    }
    while let Steal::Taken(_) = stealer.steal() {}
    assert!(stealer.is_empty() && !worker.is_empty());
    // The last, empty-handed attempt asked.
    worker.push(Box::new(40));
    assert!(!stealer.is_empty());
}

fn fill(owner: Owner<'_, Box<usize>>, items: usize) {
    for item in 0..items {
        owner.push(Box::new(item));
    }
}

#[test]
fn an_owner_that_comes_back_for_what_is_public_offers_the_older_half_of_it_again() {
    let (worker, stealer) = deque::<Box<usize>>();
    for item in 0..8 {
        worker.push(Box::new(item));
    }
    let public = stealer.len();
    for _ in public..=8 {
        worker.pop();
    }
    assert_eq!(worker.len(), public - 1);
    assert_eq!(stealer.len(), public / 2);
}

#[test]
fn an_owner_that_takes_one_item_back_offers_what_lies_below_it() {
    static ITEMS: [usize; 2] = [0, 1];
    let core = Core::<&usize>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    owner.push(&ITEMS[0]);
    owner.push(&ITEMS[1]);
    assert_eq!(core.len(), 2);
    assert_eq!(owner.take_back((&ITEMS[1]).into_raw()), TakeBack::Mine);
    assert_eq!(core.len(), 1);
}

#[test]
fn an_owner_that_comes_back_for_an_item_learns_what_lies_above_it() {
    static ITEMS: [usize; 3] = [0, 1, 2];
    let core = Core::<&usize>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    ITEMS.iter().for_each(|item| _ = owner.push(item));
    let middle = (&ITEMS[1]).into_raw();
    assert_eq!(owner.take_back(middle), TakeBack::Below(2));
    assert_eq!(owner.pop(2), Some(&ITEMS[2]));
    assert_eq!(owner.take_back(middle), TakeBack::Mine);
    assert_eq!(owner.pop(0), Some(&ITEMS[0]));
    assert_eq!(owner.take_back(middle), TakeBack::Stolen);
}

#[test]
fn a_thief_that_leaves_more_than_it_took_asks_for_nothing() {
    let core = Core::<Box<usize>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    fill(owner, 8);
    while core.len() > 2 {
        assert!(!owner.is_asked());
        drop(core.steal());
    }
    // The last of three left as many as it took, or fewer: the owner hears of it in time.
    drop(core.steal());
    assert!(owner.is_asked() && !core.is_empty());
}

#[test]
fn an_eager_owner_shows_what_it_pushes_onto_an_empty_deque() {
    let core = Core::<Box<usize>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    owner.set_sharing(Sharing::Eager);
    for _ in 0..10 {
        owner.push(Box::new(0));
        assert_eq!(core.len(), 1);
        owner.pop(0);
    }
}

#[test]
fn an_owner_whom_nobody_could_rob_shows_nothing_unasked() {
    let core = Core::<Box<usize>>::new();
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    owner.set_sharing(Sharing::Off);
    fill(owner, 1_000);
    assert!(!owner.expose() && core.is_empty());
    core.ask();
    owner.push(Box::new(1_000));
    assert!(!core.is_empty());
}

#[test]
fn a_question_stands_until_something_was_published_for_it() {
    let (core, victim) = (Core::<Box<usize>>::new(), Core::new());
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    // SAFETY: as above.
    let other = unsafe { victim.owner() };
    core.ask();
    assert!(owner.pop(0).is_none() && owner.is_asked());
    other.push(Box::new(0));
    assert!(matches!(
        owner.steal_from(&victim, 8, |_| true),
        Steal::Taken(_)
    ));
    assert!(owner.is_asked(), "one item is not shared");
    assert!(!owner.answer() && owner.is_asked());
    owner.push(Box::new(1));
    assert!(!owner.is_asked() && !core.is_empty());
    fill(owner, 8);
    while let Steal::Taken(_) = core.steal() {}
    assert!(owner.is_asked() && owner.answer());
    assert!(!owner.is_asked() && !core.is_empty());
}

#[test]
fn the_older_half_of_a_haul_is_public_at_once() {
    let (core, victim) = (Core::<Box<usize>>::new(), Core::new());
    // SAFETY: the only view there is.
    let owner = unsafe { core.owner() };
    // SAFETY: as above.
    let other = unsafe { victim.owner() };
    fill(other, 16);
    let Steal::Taken(haul) = owner.steal_from(&victim, 8, |_| true) else {
        panic!("there is only one thief")
    };
    assert!(haul.len > 1);
    assert_eq!((owner.len(), core.len()), (haul.len, haul.len / 2));
    for expected in (0..haul.len).rev() {
        assert_eq!(owner.pop(0).as_deref(), Some(&expected));
    }
}

#[test]
fn the_stack_is_at_most_twice_its_high_water_and_is_given_back_after_a_burst() {
    let (worker, _stealer) = deque::<Box<usize>>();
    let first = worker.capacity();
    for item in 0..100_000 {
        worker.push(Box::new(item));
        assert!(worker.capacity() <= (2 * worker.len()).max(first));
    }
    while worker.pop().is_some() {}
    for _ in 0..10_000 {
        assert!(worker.pop().is_none());
    }
    assert_eq!(worker.capacity(), first);
    worker.push(Box::new(7));
    assert_eq!(worker.pop(), Some(Box::new(7)));
}

#[test]
fn bursts_that_come_again_keep_their_stack() {
    let (worker, _stealer) = deque::<Box<usize>>();
    let mut largest = 0;
    for round in 0..2_000 {
        for item in 0..700 {
            worker.push(Box::new(item));
        }
        while worker.pop().is_some() {}
        if round == 0 {
            largest = worker.capacity();
        }
        assert_eq!(worker.capacity(), largest, "round {round}");
    }
}

#[test]
fn each_remaining_item_is_dropped_once_public_or_private() {
    struct Counted<'a>(&'a AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = AtomicUsize::new(0);
    let (worker, stealer) = deque();
    for _ in 0..1_000 {
        worker.push(Box::new(Counted(&drops)));
    }
    drop(stealer.steal());
    drop(worker.pop());
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    drop(worker);
    assert_eq!(drops.load(Ordering::Relaxed), 2, "a stealer is left");
    drop(stealer);
    assert_eq!(drops.load(Ordering::Relaxed), 1_000);
}

#[test]
fn public_positions_wrap_at_the_integers_end() {
    for before_the_end in 0..6 {
        let core = Core::<Box<usize>>::starting_at(u64::MAX - before_the_end);
        // SAFETY: the only view there is.
        let owner = unsafe { core.owner() };
        let mut taken = Vec::new();
        for item in 0..20 {
            owner.push(Box::new(item));
            owner.expose();
            if let Steal::Taken(item) = core.steal() {
                taken.push(*item);
            }
        }
        assert!(core.len() <= RING_SLOTS);
        taken.extend(std::iter::from_fn(|| owner.pop(0)).map(|item| *item));
        taken.sort_unstable();
        assert_eq!(taken, (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn no_thief_starves() {
    fn wait_for_one(stealer: Stealer<Box<usize>>, got: &AtomicUsize) {
        while !matches!(stealer.steal(), Steal::Taken(_)) {
            std::thread::yield_now();
        }
        got.fetch_add(1, Ordering::Relaxed);
    }
    fn feed(worker: &Worker<Box<usize>>) {
        for item in 0..4 {
            worker.push(Box::new(item));
        }
        worker.pop();
        std::thread::yield_now();
    }
    let (worker, stealer) = deque();
    let got = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let stealer = stealer.clone();
            scope.spawn(|| wait_for_one(stealer, &got));
        }
        while got.load(Ordering::Relaxed) < 3 {
            feed(&worker);
        }
    });
}

#[test]
fn a_batch_from_its_own_deque_loses_nothing() {
    let (worker, stealer) = deque::<Box<usize>>();
    for item in 0..20 {
        worker.push(Box::new(item));
    }
    let mut taken = Vec::new();
    while let Steal::Taken(item) = worker.steal_batch_from(&stealer, 8) {
        taken.push(*item);
    }
    taken.extend(std::iter::from_fn(|| worker.pop()).map(|item| *item));
    taken.sort_unstable();
    assert_eq!(taken, (0..20).collect::<Vec<_>>());
}
