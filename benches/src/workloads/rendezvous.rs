//! A meeting of threads inside an otherwise empty loop: nobody leaves before all have come.

use crate::harness::clock::wait_until;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A meeting for a fixed number of threads, which can be held again and again.
pub struct Rendezvous {
    needed: usize,
    arrived: AtomicUsize,
}

impl Rendezvous {
    /// A meeting of `needed` threads.
    pub fn new(needed: usize) -> Self {
        Self {
            needed,
            arrived: AtomicUsize::new(0),
        }
    }

    /// Arrives and waits for the others of this meeting: spins shortly, then yields.
    #[inline]
    pub fn meet(&self) {
        // AcqRel: what each did before it arrived is seen by all who leave, which read the last
        // arrival with Acquire.
        let number = self.arrived.fetch_add(1, Ordering::AcqRel) + 1;
        let all = number.div_ceil(self.needed) * self.needed;
        if number < all {
            wait_until(|| self.arrived.load(Ordering::Acquire) >= all);
        }
    }

    /// How many arrivals there were in all.
    pub fn arrivals(&self) -> usize {
        self.arrived.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_leaves_before_all_have_come() {
        let meeting = Rendezvous::new(3);
        let before = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 1..=10 {
                        before.fetch_add(1, Ordering::Relaxed);
                        meeting.meet();
                        assert!(before.load(Ordering::Relaxed) >= 3 * round);
                    }
                });
            }
        });
        assert_eq!(meeting.arrivals(), 30);
    }
}
