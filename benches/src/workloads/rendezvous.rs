//! A meeting of threads inside an otherwise empty loop: who comes waits for the others, within reason.

use crate::harness::clock::wait_until;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long who comes waits for the others.
pub(crate) const PATIENCE: Duration = Duration::from_millis(2);

/// A meeting for a fixed number of threads, which can be held again and again.
pub(crate) struct Rendezvous {
    needed: usize,
    arrived: AtomicUsize,
}

impl Rendezvous {
    /// A meeting of `needed` threads.
    pub(crate) fn new(needed: usize) -> Self {
        Self {
            needed,
            arrived: AtomicUsize::new(0),
        }
    }

    /// Arrives and waits for the others of this meeting: spins shortly, then yields.
    ///
    /// A library may run a whole loop on one thread, which would wait for itself; so nobody waits
    /// longer than [`PATIENCE`], which such a library pays as latency.
    #[inline]
    pub(crate) fn meet(&self) {
        // AcqRel: what each did before it arrived is seen by all who leave, which read the last
        // arrival with Acquire.
        let number = self.arrived.fetch_add(1, Ordering::AcqRel) + 1;
        let all = number.div_ceil(self.needed) * self.needed;
        if number < all {
            let mut turns = 0_u32;
            let start = Instant::now();
            wait_until(|| {
                turns += 1;
                let is_late = turns.is_multiple_of(256) && start.elapsed() > PATIENCE;
                is_late || self.arrived.load(Ordering::Acquire) >= all
            });
        }
    }

    /// How many arrivals there were in all.
    pub(crate) fn arrivals(&self) -> usize {
        self.arrived.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_arrivals_are_counted_and_a_lonely_one_does_not_wait_for_ever() {
        let meeting = Rendezvous::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..10).for_each(|_| meeting.meet()));
            }
        });
        assert_eq!(meeting.arrivals(), 30);
        meeting.meet();
        assert_eq!(meeting.arrivals(), 31);
    }
}
