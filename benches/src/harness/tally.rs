//! A sum that any thread of any library can add to for about a nanosecond, so that jobs are checked and not bent.
//!
//! Each thread owns a padded cell; only its owner writes it, with a plain load and store. The
//! libraries' own completion makes the writes visible to whoever asks for the total.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Two cache lines: adjacent-line prefetch would otherwise couple neighbours.
#[repr(align(128))]
struct Share(AtomicU64);

static SHARES: Mutex<Vec<&'static Share>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Cell<Option<&'static Share>> = const { Cell::new(None) };
}

/// Adds to this thread's share.
#[inline(always)]
pub fn add(value: u64) {
    let share = match OWN.get() {
        Some(share) => share,
        None => register(),
    };
    share
        .0
        .store(share.0.load(Relaxed).wrapping_add(value), Relaxed);
}

/// A thread's first addition. Shares are never freed: a thread may end between an addition and
/// the total.
#[cold]
#[inline(never)]
fn register() -> &'static Share {
    let share: &'static Share = Box::leak(Box::new(Share(AtomicU64::new(0))));
    SHARES
        .lock()
        .expect("registering a share cannot panic")
        .push(share);
    OWN.set(Some(share));
    share
}

/// The sum of all additions since the last call, which it takes back to zero.
///
/// Call it only when no addition is under way.
pub fn take() -> u64 {
    let shares = SHARES.lock().expect("registering a share cannot panic");
    shares
        .iter()
        .map(|share| share.0.swap(0, Relaxed))
        .fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_counts_threads_that_have_ended() {
        take();
        std::thread::scope(|scope| {
            for thread in 1..=4_u64 {
                scope.spawn(move || (0..100).for_each(|_| add(thread)));
            }
        });
        add(5);
        assert_eq!(take(), 1_005);
        assert_eq!(take(), 0);
    }
}
