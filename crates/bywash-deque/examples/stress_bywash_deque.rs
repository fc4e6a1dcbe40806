//! A stress program for sanitizers: both deques and the registry, without a test harness.
//!
//! Every item is a box that its maker writes and its taker reads, so that a missing release or
//! acquire is a data race that ThreadSanitizer reports. Exits with an error if an item is lost or
//! taken twice. Which fences are missing it cannot tell: that is the model checker's business.

use bywash_deque::chase_lev::{Flavor, Options, Steal, Stealer, Worker};
use bywash_deque::registry::Registry;
use bywash_deque::split;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

const ITEMS: usize = 100_000;
const THIEVES: usize = 3;

/// What all threads of one run took. Relaxed throughout: it must not order what is tested.
struct Tally {
    items: AtomicUsize,
    sum: AtomicU64,
}

impl Tally {
    const fn new() -> Self {
        Self {
            items: AtomicUsize::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn take(&self, number: u64) {
        self.sum.fetch_add(number, Ordering::Relaxed);
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    fn is_complete(&self) -> bool {
        self.items.load(Ordering::Relaxed) >= ITEMS
    }

    fn check(&self, what: &str) {
        let expected = (ITEMS as u64 * (ITEMS as u64 - 1)) / 2;
        assert_eq!(self.items.load(Ordering::Relaxed), ITEMS, "{what}: count");
        assert_eq!(self.sum.load(Ordering::Relaxed), expected, "{what}: sum");
    }
}

fn main() {
    static LIFO: Tally = Tally::new();
    static FIFO: Tally = Tally::new();
    static SPLIT: Tally = Tally::new();
    chase_lev(Flavor::Lifo, &LIFO);
    LIFO.check("chase_lev, LIFO");
    chase_lev(Flavor::Fifo, &FIFO);
    FIFO.check("chase_lev, FIFO");
    split(&SPLIT);
    SPLIT.check("split");
    println!(
        "{} items through three deques, {THIEVES} thieves each",
        3 * ITEMS
    );
}

/// Bursts of pushes with pops between them, under thieves that find the deque by its registry.
fn chase_lev(flavor: Flavor, tally: &'static Tally) {
    let worker: Worker<Box<u64>> = Options::of(flavor)
        .initial_capacity(4)
        .build()
        .expect("4 slots are allowed");
    let registry: Registry<Stealer<Box<u64>>> = Registry::new();
    let membership = registry.join(worker.stealer());
    let thieves: Vec<JoinHandle<()>> = (0..THIEVES)
        .map(|place| {
            let registry = registry.clone();
            thread::spawn(move || {
                let own = Worker::lifo();
                while !tally.is_complete() {
                    for stealer in registry.read().iter() {
                        if let Steal::Taken(item) = stealer.steal_batch_and_pop(&own, 1 + 4 * place)
                        {
                            tally.take(*item);
                        }
                    }
                    while let Some(item) = own.pop() {
                        tally.take(*item);
                    }
                    thread::yield_now();
                }
            })
        })
        .collect();
    for number in 0..ITEMS {
        worker
            .push(Box::new(number as u64))
            .expect("no maximum was set");
        if number % 5 == 0 {
            worker.pop().into_iter().for_each(|item| tally.take(*item));
        }
    }
    while let Some(item) = worker.pop() {
        tally.take(*item);
    }
    for thief in thieves {
        thief.join().expect("a thief does not panic");
    }
    drop(membership);
}

/// The same through the split deque's public ring.
fn split(tally: &'static Tally) {
    let (worker, stealer) = split::deque::<Box<u64>>();
    let thieves: Vec<JoinHandle<()>> = (0..THIEVES)
        .map(|place| {
            let stealer = stealer.clone();
            thread::spawn(move || {
                let (own, _) = split::deque();
                while !tally.is_complete() {
                    if let split::Steal::Taken(item) = own.steal_batch_from(&stealer, 1 + 4 * place)
                    {
                        tally.take(*item);
                    }
                    while let Some(item) = own.pop() {
                        tally.take(*item);
                    }
                    thread::yield_now();
                }
            })
        })
        .collect();
    for number in 0..ITEMS {
        worker.push(Box::new(number as u64));
        if number % 5 == 0 {
            worker.pop().into_iter().for_each(|item| tally.take(*item));
        }
    }
    while let Some(item) = worker.pop() {
        tally.take(*item);
    }
    for thief in thieves {
        thief.join().expect("a thief does not panic");
    }
}
