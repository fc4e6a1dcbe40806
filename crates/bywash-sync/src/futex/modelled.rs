//! The kernel's part of a futex, for loom and shuttle: a list of sleepers behind a lock.

use crate::atomic::{AtomicU32, Ordering};
use crate::lock::{Mutex, MutexGuard};
use crate::thread::{self, Thread};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

#[cfg(bywash_loom)]
use loom::lazy_static;

#[cfg(bywash_shuttle)]
use shuttle::lazy_static;

/// One thread asleep on the word at `address`.
struct Sleeper {
    address: usize,
    thread: Thread,
    /// The sleeper's ticket: a plain flag that the checker does not see, set under the lock.
    woken: Arc<AtomicBool>,
}

lazy_static! {
    static ref SLEEPERS: Mutex<Vec<Sleeper>> = Mutex::new(Vec::new());
}

/// No panic happens under this lock. It may count as poisoned all the same: shuttle's threads are one
/// to the standard library, so that one which is unwinding seems to panic in all of them.
fn sleepers() -> MutexGuard<'static, Vec<Sleeper>> {
    SLEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn wait(word: &AtomicU32, expected: u32) {
    let woken = Arc::new(AtomicBool::new(false));
    {
        let mut sleepers = sleepers();
        // Relaxed: the lock orders this load after every store whose wake has looked at the list.
        if word.load(Ordering::Relaxed) != expected {
            return;
        }
        sleepers.push(Sleeper {
            address: address_of(word),
            thread: thread::current(),
            woken: Arc::clone(&woken),
        });
    }
    // A stray token of the code under test must not end the sleep: only the ticket does.
    while !woken.load(Ordering::Relaxed) {
        thread::park();
    }
}

pub(super) fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

pub(super) fn wake_all(word: &AtomicU32) {
    wake(word, usize::MAX);
}

/// Wakes the `limit` sleepers that have waited longest.
fn wake(word: &AtomicU32, limit: usize) {
    let mut sleepers = sleepers();
    let address = address_of(word);
    let mut woken = 0;
    sleepers.retain(|sleeper| {
        if sleeper.address != address || woken == limit {
            return true;
        }
        woken += 1;
        sleeper.woken.store(true, Ordering::Relaxed);
        sleeper.thread.unpark();
        false
    });
}

fn address_of(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}
