//! Which seat the present thread sits on, in each system it is in; and whether it is in any.

use std::cell::Cell;
use std::ptr::null;

use bywash_sync::thread::thread_local;

use crate::system::System;
use crate::worker::Worker;

thread_local! {
    static INNERMOST: Cell<*const Sitting> = const { Cell::new(null()) };
}

thread_local! {
    static IS_WORKERS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// A thread's stay on one seat; a link to the stay outside it, in another system.
pub(crate) struct Sitting {
    system: *const System,
    worker: *const Worker,
    outer: *const Sitting,
}

/// Runs `body` while this thread is known to sit on `worker`'s seat.
pub(crate) fn sit<R>(worker: &Worker, body: impl FnOnce() -> R) -> R {
    let outer = INNERMOST.with(Cell::get);
    let sitting = Sitting {
        system: worker.system(),
        worker,
        outer,
    };
    let _stand_up = StandUp(outer);
    INNERMOST.with(|innermost| innermost.set(&raw const sitting));
    body()
}

struct StandUp(*const Sitting);

impl Drop for StandUp {
    fn drop(&mut self) {
        INNERMOST.with(|innermost| innermost.set(self.0));
    }
}

/// The worker that this thread is in `system`, if it is one.
#[inline]
pub(crate) fn worker_in(system: &System) -> Option<&Worker> {
    let mut sitting = INNERMOST.with(Cell::get);
    while !sitting.is_null() {
        // SAFETY: a sitting is taken off the list before `sit` returns, so those listed are alive.
        let here = unsafe { &*sitting };
        if std::ptr::eq(here.system, system) {
            // SAFETY: this thread occupies the seat until `sit` returns; the caller, deeper on the
            // same stack, is done with it before.
            return Some(unsafe { &*here.worker });
        }
        sitting = here.outer;
    }
    None
}

/// From now on this thread is a system's own, also while it sits nowhere.
pub(crate) fn belong() {
    IS_WORKERS_OWN.with(|own| own.set(true));
}

/// Whether some system may wait for what this thread does: it is a system's own, or sits on a seat.
pub(crate) fn is_in_any_system() -> bool {
    IS_WORKERS_OWN.with(Cell::get) || !INNERMOST.with(Cell::get).is_null()
}
