//! Pinning the calling thread to a PU, and saying truly whether that worked.

use std::cell::RefCell;

#[cfg(target_os = "linux")]
use crate::affinity as system;
#[cfg(windows)]
use crate::groups as system;
use crate::model::{PuId, Topology};
use crate::pu_set::PuSet;
#[cfg(not(any(target_os = "linux", windows)))]
use crate::unpinned as system;

/// `EINVAL`, by which Linux refuses PUs that it does not have.
const INVALID: i32 = 22;

/// What became of a request to pin a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a thread that could not be pinned runs unbound"]
pub enum Binding {
    /// The thread runs on this PU alone: the mask was read back and is as asked.
    Bound,
    /// The system cannot pin threads, or the topology is not of this machine.
    Unsupported,
    /// The system refused, with this error number; 0 when it accepted and did something else.
    Refused(i32),
}

thread_local! {
    /// The mask this thread had before it was first bound: what its process may use.
    static BEFORE: RefCell<Option<PuSet>> = const { RefCell::new(None) };
}

/// Pins the calling thread to `pu` alone, and verifies it by reading the mask back.
///
/// The PU must be listed in `topology`, which must describe this machine. Four system calls
/// at most and a few small allocations. Where pinning is not possible the thread's mask stays
/// as it was.
pub fn bind_current_thread(topology: &Topology, pu: PuId) -> Binding {
    if !topology.is_this_system() {
        return Binding::Unsupported;
    }
    if topology.pu(pu).is_none() {
        return Binding::Refused(INVALID);
    }
    bind(pu)
}

/// Gives the calling thread back the mask it had before [`bind_current_thread`] first
/// changed it. Does nothing to a thread that was never bound; says whether the thread is
/// now as it was.
pub fn unbind_current_thread() -> bool {
    let Some(before) = BEFORE.with_borrow(Clone::clone) else {
        return true;
    };
    let is_restored = system::restrict(&before).is_ok();
    if is_restored {
        BEFORE.set(None);
    }
    is_restored
}

/// The PUs this thread may use, as it was before this crate pinned it.
pub(crate) fn allowed_to_thread() -> Option<PuSet> {
    if cfg!(windows) {
        // There the process is asked, and pinning one thread does not change the answer.
        return system::usable().ok();
    }
    BEFORE
        .with_borrow(Clone::clone)
        .or_else(|| system::usable().ok())
}

fn bind(pu: PuId) -> Binding {
    let Ok(before) = system::current() else {
        return Binding::Unsupported;
    };
    let wanted: PuSet = [pu].into_iter().collect();
    let outcome = match system::restrict(&wanted) {
        Err(error) => Binding::Refused(error.raw_os_error().unwrap_or(INVALID)),
        Ok(()) if system::current().is_ok_and(|mask| mask == wanted) => Binding::Bound,
        Ok(()) => {
            // The system said yes and did something else: the old mask is the honest state.
            let _unbound = system::restrict(&before);
            Binding::Refused(0)
        }
    };
    if outcome == Binding::Bound {
        BEFORE.with_borrow_mut(|kept| {
            kept.get_or_insert(before);
        });
    }
    outcome
}
