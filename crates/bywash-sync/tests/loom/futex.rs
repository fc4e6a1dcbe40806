//! The modelled futex keeps the kernel's promise: no wake is lost between compare and sleep.

use bywash_sync::atomic::{AtomicU32, Ordering};
use bywash_sync::model::{BOUND, model};
use bywash_sync::{futex, mutant, thread};
use std::sync::Arc;

#[test]
fn a_wake_after_the_store_is_never_lost() {
    model("futex::no_lost_wake", BOUND, 4, || {
        let word = Arc::new(AtomicU32::new(0));
        let sleeper = {
            let word = Arc::clone(&word);
            thread::spawn(move || {
                while word.load(Ordering::Acquire) == 0 {
                    futex::wait(&word, 0);
                }
            })
        };
        word.store(1, Ordering::Release);
        if !mutant("canary.futex.no_wake") {
            futex::wake_one(&word);
        }
        sleeper.join().unwrap();
    });
}

#[test]
fn wake_all_wakes_every_sleeper_and_no_other_word() {
    model("futex::wake_all", 2, 10, || {
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let sleepers: Vec<_> = (0..2)
            .map(|_| {
                let words = Arc::clone(&words);
                thread::spawn(move || {
                    while words[0].load(Ordering::Acquire) == 0 {
                        futex::wait(&words[0], 0);
                    }
                })
            })
            .collect();
        words[0].store(1, Ordering::Release);
        if mutant("canary.futex.wake_one_of_two") {
            futex::wake_one(&words[0]);
        } else if mutant("canary.futex.wake_other_word") {
            futex::wake_all(&words[1]);
        } else {
            futex::wake_all(&words[0]);
        }
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
    });
}
