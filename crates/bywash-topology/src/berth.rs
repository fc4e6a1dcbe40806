//! Where a thread sleeps, and how its waker sees to it that it wakes elsewhere.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[cfg(target_os = "linux")]
use crate::affinity as system;
use crate::model::PuId;
#[cfg(not(target_os = "linux"))]
use crate::unmoved as system;

/// Where one thread sleeps.
///
/// Some systems, virtual machines above all, put a thread that is woken onto the PU of its waker, though
/// others are idle. If the waker does not stop, the one then waits for the other's time slice, which is
/// milliseconds. So a waker that goes on working says so: if the thread lay down where the waker runs, or
/// once such a wake-up was seen in this process, the thread is kept off the waker's PU until it is up.
///
/// ```
/// use bywash_topology::Berth;
///
/// let berth = Berth::new();
/// // The thread that is about to sleep:
/// berth.lie_down();
/// // Its waker, before it wakes it, if it goes on working:
/// berth.clear_the_way();
/// // The thread, once it is up: it may run everywhere again.
/// berth.get_up();
/// ```
#[derive(Debug, Default)]
pub struct Berth {
    // Each one more than the number, 0 where there is none.
    thread: AtomicU32,
    /// The PU that the thread lay down on.
    pu: AtomicU32,
    /// The PU of the waker, if it goes on.
    waker: AtomicU32,
    /// The PU that the thread is kept off.
    forbidden: AtomicU32,
}

/// Whether a thread of this process was seen to wake on the PU of a waker that went on.
static CROWDS: AtomicBool = AtomicBool::new(false);

// Relaxed throughout: whatever wakes the thread orders what its waker did before.
impl Berth {
    /// Nobody's yet.
    pub const fn new() -> Self {
        Self {
            thread: AtomicU32::new(0),
            pu: AtomicU32::new(0),
            waker: AtomicU32::new(0),
            forbidden: AtomicU32::new(0),
        }
    }

    /// The calling thread is about to sleep here. Costs about as much as reading the clock.
    pub fn lie_down(&self) {
        if self.thread.load(Ordering::Relaxed) == 0 {
            let thread = system::thread().map_or(0, |thread| thread + 1);
            self.thread.store(thread, Ordering::Relaxed);
        }
        self.pu.store(place(), Ordering::Relaxed);
    }

    /// The waker, before it wakes the thread and goes on working: the thread is to wake elsewhere. Returns
    /// whether it is made to.
    ///
    /// Two system calls if need be, else none; allocates nothing. A thread that may use one PU alone stays.
    pub fn clear_the_way(&self) -> bool {
        let (thread, here) = (self.thread.load(Ordering::Relaxed), place());
        self.waker.store(here, Ordering::Relaxed);
        let is_risky = self.pu.load(Ordering::Relaxed) == here || CROWDS.load(Ordering::Relaxed);
        let is_kept_off = is_risky
            && thread != 0
            && here != 0
            && self.forbidden.load(Ordering::Relaxed) == 0
            && system::forbid(thread - 1, PuId(here - 1));
        if is_kept_off {
            self.forbidden.store(here, Ordering::Relaxed);
        }
        is_kept_off
    }

    /// The thread is up: it may use all it could before. Two system calls if it was kept off something,
    /// else none.
    pub fn get_up(&self) {
        let waker = self.waker.swap(0, Ordering::Relaxed);
        let forbidden = self.forbidden.swap(0, Ordering::Relaxed);
        if forbidden != 0 {
            system::permit(PuId(forbidden - 1));
        } else if waker != 0 && waker == place() {
            CROWDS.store(true, Ordering::Relaxed);
        }
    }
}

/// The PU that the calling thread runs on, one more than its number; 0 where it is not known.
fn place() -> u32 {
    system::pu().map_or(0, |pu| pu.0 + 1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::affinity;
    use std::sync::Barrier;

    #[test]
    fn a_thread_that_lies_where_its_waker_runs_wakes_elsewhere_and_may_come_back() {
        let before = affinity::current().unwrap();
        let (berth, woken) = (Berth::new(), Barrier::new(2));
        let here = before.lowest().unwrap();
        // Both on one PU: the sleeper is set free again once it has noted where it lies.
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                affinity::restrict(&[here].into_iter().collect()).unwrap();
                berth.lie_down();
                affinity::restrict(&before).unwrap();
                woken.wait();
                woken.wait();
                let away = affinity::current().unwrap();
                berth.get_up();
                (away, affinity::current().unwrap())
            });
            let is_off = scope.spawn(|| {
                affinity::restrict(&[here].into_iter().collect()).unwrap();
                woken.wait();
                let is_off = berth.clear_the_way();
                woken.wait();
                is_off
            });
            let (away, after) = sleeper.join().unwrap();
            let has_choice = before.len() > 1;
            assert_eq!(is_off.join().unwrap(), has_choice);
            assert_eq!(away.contains(here), !has_choice);
            assert_eq!(after, before);
        });
    }

    #[test]
    fn nobody_is_kept_off_who_never_lay_down() {
        assert!(!Berth::new().clear_the_way());
    }
}
