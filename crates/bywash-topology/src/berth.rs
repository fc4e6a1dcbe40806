//! Where a thread sleeps, and how its waker sees to it that it wakes elsewhere.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

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
/// once such a wake-up was seen in this process, the thread is kept off the waker's PU until it lies down.
///
/// ```
/// use bywash_topology::Berth;
///
/// let berth = Berth::new();
/// // The thread that is about to sleep:
/// berth.lie_down();
/// // Its waker, before it wakes it, if it goes on working:
/// berth.clear_the_way();
/// // The thread, once it is up:
/// berth.get_up();
/// ```
#[derive(Debug, Default)]
pub struct Berth {
    // Taken by one at a time: the waker while the thread sleeps, the thread when it is up.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    thread: Option<u32>,
    /// The PU that the thread lay down on.
    pu: Option<PuId>,
    /// The PU of the waker, if it goes on.
    waker: Option<PuId>,
    /// The PU that the thread is kept off.
    forbidden: Option<PuId>,
}

/// Set once a thread of this process was seen to wake on the PU of a waker that went on.
static CROWDS: OnceLock<()> = OnceLock::new();

impl Berth {
    /// Nobody's yet.
    pub const fn new() -> Self {
        let state = State {
            thread: None,
            pu: None,
            waker: None,
            forbidden: None,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// The calling thread is about to sleep here: it may use all it could before it was last woken. Costs
    /// about as much as reading the clock, and two system calls if it was kept off something.
    pub fn lie_down(&self) {
        let mut state = self.state();
        if let Some(pu) = state.forbidden.take() {
            system::permit(pu);
        }
        state.thread = state.thread.or_else(system::thread);
        state.pu = system::pu();
    }

    /// The waker, before it wakes the thread and goes on working: the thread is to wake elsewhere. Returns
    /// whether it is made to.
    ///
    /// Two system calls if need be, else none; allocates nothing. A thread that may use one PU alone stays.
    pub fn clear_the_way(&self) -> bool {
        let mut state = self.state();
        state.waker = system::pu();
        let Some(thread) = state.thread else {
            return false;
        };
        let is_risky = state.pu == state.waker || CROWDS.get().is_some();
        let here = state
            .waker
            .filter(|_| is_risky && state.forbidden.is_none());
        let is_kept_off = here.is_some_and(|here| system::forbid(thread, here));
        if is_kept_off {
            state.forbidden = here;
        }
        is_kept_off
    }

    /// Whether the thread has lain down here before. One that was called and has not may still wait for a
    /// processor, be it its caller's.
    pub fn is_known(&self) -> bool {
        self.state().thread.is_some()
    }

    /// The thread is up. If it finds itself on the PU of a waker that goes on, it goes elsewhere now, by
    /// four system calls; else it makes none.
    pub fn get_up(&self) {
        let waker = self.state().waker.take();
        if let Some(here) = waker.filter(|_| waker == system::pu()) {
            CROWDS.get_or_init(|| ());
            if system::forbid(0, here) {
                system::permit(here);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
                berth.lie_down();
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
