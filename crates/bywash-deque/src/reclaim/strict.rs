//! Frees a replaced buffer the moment nobody is pinned: catches a use after free within milliseconds.

use super::Reclaim;
use crate::chase_lev::Buffer;
use bywash_sync::atomic::{AtomicUsize, Ordering};
use bywash_sync::mutant;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

/// Counts who is pinned, in a lock that the model checker does not see.
///
/// What is freed is marked, and touching it then panics; its memory stays until the end, so that
/// the touch itself is defined.
///
/// As with real epochs, whoever pins after a buffer was freed knows that it was unlinked. Nothing
/// else is ordered: before the first free a pin is no barrier at all.
#[derive(Debug, Default)]
pub struct Strict {
    state: Mutex<State>,
    /// Counts retired buffers; its read-modify-writes carry that one promise.
    retired: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    pinned: usize,
    waiting: Vec<NonNull<Buffer>>,
    freed: Vec<NonNull<Buffer>>,
}

// SAFETY: a buffer holds atomics and owns plain memory; the pointers are the only ones to them.
unsafe impl Send for State {}

impl Strict {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a model's first panic ends it")
    }

    /// Frees what waits, if nobody is pinned.
    fn free_waiting(&self) {
        let mut state = self.state();
        if state.pinned > 0 {
            return;
        }
        let freed = std::mem::take(&mut state.waiting);
        for buffer in &freed {
            // SAFETY: the memory lives until `Strict` is dropped.
            unsafe { buffer.as_ref() }.mark_freed();
        }
        state.freed.extend(freed);
    }
}

/// Holds back all freeing.
#[derive(Debug)]
pub struct Pinned<'a>(&'a Strict);

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.0.state().pinned -= usize::from(!mutant("canary.strict.pin"));
        self.0.free_waiting();
    }
}

// SAFETY: `free_waiting` frees nothing while anybody is pinned.
unsafe impl Reclaim for Strict {
    type Pin<'a> = Pinned<'a>;

    fn pin(&self) -> Pinned<'_> {
        let mut state = self.state();
        state.pinned += usize::from(!mutant("canary.strict.pin"));
        let any_freed = !state.freed.is_empty();
        drop(state);
        if any_freed {
            // Acquire: pairs with the Release in `retire`.
            self.retired.fetch_add(0, Ordering::Acquire);
        }
        Pinned(self)
    }

    unsafe fn retire(&self, buffer: NonNull<Buffer>) {
        // Release: pairs with the Acquire in `pin`. Before the buffer can be freed by anybody.
        self.retired.fetch_add(1, Ordering::Release);
        self.state().waiting.push(buffer);
        self.free_waiting();
    }
}

impl Drop for Strict {
    fn drop(&mut self) {
        let Ok(state) = self.state.get_mut() else {
            return;
        };
        for buffer in state.waiting.drain(..).chain(state.freed.drain(..)) {
            // SAFETY: `retire` was promised a pointer from `Box::into_raw`, once.
            drop(unsafe { Box::from_raw(buffer.as_ptr()) });
        }
    }
}
