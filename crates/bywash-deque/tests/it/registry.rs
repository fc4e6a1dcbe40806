//! The registry through its public handles: joins, leaves, readings.

use bywash_deque::chase_lev::{Steal, Worker};
use bywash_deque::registry::{Membership, Registry};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[test]
fn members_are_read_in_the_order_of_joining_until_they_leave() {
    let registry = Registry::new();
    let [one, two, three] = [1, 2, 3].map(|number| registry.join(number));
    let numbers = |registry: &Registry<i32>| registry.read().iter().copied().collect::<Vec<_>>();
    assert_eq!(numbers(&registry), [1, 2, 3]);
    drop(two);
    assert_eq!(numbers(&registry), [1, 3]);
    let four = registry.join(4);
    assert_eq!(numbers(&registry), [1, 3, 4]);
    drop((one, three, four));
    assert!(registry.read().is_empty());
}

#[test]
fn a_reading_keeps_the_members_it_began_with() {
    let registry = Registry::new();
    let membership = registry.join(String::from("worker"));
    let reading = registry.read();
    drop(membership);
    assert_eq!(reading.get(0).map(String::as_str), Some("worker"));
    assert_eq!(reading.get(1), None);
    assert!(registry.read().is_empty());
}

#[test]
fn a_membership_that_is_never_dropped_stays() {
    // Forgotten, but still reachable: a leak checker need not mind it.
    static FORGOTTEN: OnceLock<Membership<i32>> = OnceLock::new();
    let registry = Registry::new();
    FORGOTTEN.get_or_init(|| registry.join(7));
    assert_eq!(registry.read().len(), 1);
}

#[test]
fn guests_come_and_go_while_thieves_search() {
    const GUESTS: usize = 200;
    const ITEMS: usize = 20;
    let registry = Registry::new();
    let done = AtomicBool::new(false);
    let taken = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for stealer in registry.read().iter() {
                        let stealer: &bywash_deque::chase_lev::Stealer<Box<usize>> = stealer;
                        if let Steal::Taken(_) = stealer.steal() {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    thread::yield_now();
                }
            });
        }
        for _ in 0..GUESTS {
            let worker = Worker::lifo();
            let membership = registry.join(worker.stealer());
            for item in 0..ITEMS {
                worker.push(Box::new(item)).expect("no maximum was set");
            }
            thread::yield_now();
            while worker.pop().is_some() {
                taken.fetch_add(1, Ordering::Relaxed);
            }
            drop(membership);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(taken.load(Ordering::Relaxed), GUESTS * ITEMS);
}
