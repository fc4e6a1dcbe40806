//! Systems whose threads cannot be pinned: macOS and whatever else there is.

use std::io;

use crate::pu_set::PuSet;

/// Not known.
pub(crate) fn usable() -> io::Result<PuSet> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not known.
pub(crate) fn current() -> io::Result<PuSet> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not possible.
pub(crate) fn restrict(_: &PuSet) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
