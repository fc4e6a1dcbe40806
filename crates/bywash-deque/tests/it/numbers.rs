//! Chase-Lev deques of boxed numbers, and the count of who took which.

use bywash_deque::chase_lev::{Flavor, Options, Steal, Stealer, Worker};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(crate) const FLAVORS: [Flavor; 2] = [Flavor::Lifo, Flavor::Fifo];

/// The deque of `options`, which the caller knows to be valid.
pub(crate) fn built(options: Options) -> Worker<Box<usize>> {
    options.build().expect("the capacities are valid")
}

pub(crate) fn deque(flavor: Flavor) -> Worker<Box<usize>> {
    built(Options::of(flavor))
}

pub(crate) fn push(worker: &Worker<Box<usize>>, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        worker.push(Box::new(number)).expect("no maximum was set");
    }
}

pub(crate) fn pop_all(worker: &Worker<Box<usize>>) -> Vec<usize> {
    std::iter::from_fn(|| worker.pop())
        .map(|item| *item)
        .collect()
}

/// Steals until something was taken or nothing is there.
pub(crate) fn steal(thief: &Stealer<Box<usize>>) -> Option<usize> {
    loop {
        match thief.steal() {
            Steal::Taken(item) => return Some(*item),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

/// How often each number was taken, by whomever.
pub(crate) struct Tally {
    taken: Vec<AtomicUsize>,
    total: AtomicUsize,
}

impl Tally {
    pub(crate) fn of(items: usize) -> Self {
        Self {
            taken: (0..items).map(|_| AtomicUsize::new(0)).collect(),
            total: AtomicUsize::new(0),
        }
    }

    pub(crate) fn take(&self, number: usize) {
        self.taken[number].fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn take_all(&self, numbers: impl IntoIterator<Item = usize>) {
        numbers.into_iter().for_each(|number| self.take(number));
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.total.load(Ordering::Relaxed) >= self.taken.len()
    }

    /// Lets `owner` work beside thieves until every number was taken, and looks that each was taken
    /// once. A thief calls `rob` with its place, the deque and a deque of its own, which it then empties.
    pub(crate) fn among_thieves(
        &self,
        worker: &Worker<Box<usize>>,
        thieves: usize,
        rob: impl Fn(usize, &Stealer<Box<usize>>, &Worker<Box<usize>>) + Sync,
        owner: impl FnOnce(),
    ) {
        thread::scope(|scope| {
            for place in 0..thieves {
                let thief = worker.stealer();
                let rob = &rob;
                scope.spawn(move || {
                    let own = deque(FLAVORS[place % 2]);
                    while !self.is_complete() {
                        rob(place, &thief, &own);
                        let loot = pop_all(&own);
                        if loot.is_empty() {
                            thread::yield_now();
                        }
                        self.take_all(loot);
                    }
                });
            }
            owner();
        });
        self.check();
    }

    /// Looks that each number was taken once.
    pub(crate) fn check(&self) {
        for (number, taken) in self.taken.iter().enumerate() {
            assert_eq!(taken.load(Ordering::Relaxed), 1, "item {number}");
        }
    }
}
