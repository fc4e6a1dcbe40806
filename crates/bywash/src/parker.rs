//! One thread's place to sleep: a single word that holds at most one token.

use bywash_sync::atomic::{AtomicU32, Ordering};
use bywash_sync::futex;

const EMPTY: u32 = 0;
const TOKEN: u32 = 1;
const ASLEEP: u32 = 2;

/// Sleeps until a token is there, and takes it. A token given early is kept, a second one is lost.
pub(crate) struct Parker {
    state: AtomicU32,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU32::new(EMPTY),
        }
    }

    /// Blocks until a token is there. Only the seat's thread parks here.
    pub(crate) fn park(&self) {
        // Acquire: pairs with the Release in `unpark`, as does the other exchange.
        if self
            .state
            .compare_exchange(EMPTY, ASLEEP, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            while self.state.load(Ordering::Relaxed) == ASLEEP {
                futex::wait(&self.state, ASLEEP);
            }
        }
        self.state.swap(EMPTY, Ordering::Acquire);
    }

    /// Leaves a token; a system call only if the thread sleeps. Returns whether it did.
    pub(crate) fn unpark(&self) -> bool {
        // Release: pairs with the Acquire in `park`.
        let was_asleep = self.state.swap(TOKEN, Ordering::Release) == ASLEEP;
        if was_asleep {
            futex::wake_one(&self.state);
        }
        was_asleep
    }
}
