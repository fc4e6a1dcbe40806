//! Systems on which a sleeping thread cannot be sent elsewhere.

use crate::model::PuId;

/// Not needed.
pub(crate) fn thread() -> Option<u32> {
    None
}

/// Not known.
pub(crate) fn pu() -> Option<PuId> {
    None
}

/// Not possible.
pub(crate) fn forbid(_: u32, _: PuId) -> bool {
    false
}

/// Nothing was forbidden.
pub(crate) fn permit(_: PuId) {}
