//! Which blocks of a pool are alive, and who allocated them, in builds with debug assertions.
//!
//! A map behind a lock, which every allocation and every free takes: exact, and slow. In other
//! builds it stays empty, and nothing looks at it.

use core::fmt;
use core::panic::Location;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// Whether anything is traced.
const IS_ON: bool = cfg!(all(debug_assertions, not(bywash_loom)));

/// The blocks of one pool that are alive, on all threads.
#[derive(Debug, Default)]
pub struct Trace(Mutex<BTreeMap<usize, &'static Location<'static>>>);

impl Trace {
    /// A block was handed out.
    #[inline(always)]
    #[track_caller]
    pub(super) fn made(&self, block: NonNull<u8>) {
        if IS_ON {
            self.alive().insert(block.addr().get(), Location::caller());
        }
    }

    /// A block is about to be freed.
    ///
    /// # Panics
    /// When it is not alive.
    #[inline(always)]
    pub(super) fn freed(&self, block: NonNull<u8>) {
        if IS_ON {
            let known = self.alive().remove(&block.addr().get());
            assert!(
                known.is_some(),
                "a pool's block was freed twice: {block:?} holds no value"
            );
        }
    }

    /// What is alive now, if anything is.
    pub(super) fn leaks(&self) -> Option<Leaks> {
        let mut places: Vec<(&'static Location<'static>, usize)> = Vec::new();
        let alive = self.alive();
        for &place in alive.values() {
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count += 1,
                None => places.push((place, 1)),
            }
        }
        let count = alive.len();
        (count > 0).then_some(Leaks { count, places })
    }

    fn alive(&self) -> MutexGuard<'_, BTreeMap<usize, &'static Location<'static>>> {
        // Nothing that can panic runs under the lock, so a poisoned one is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values that were alive when their pool's last handle went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leaks {
    /// How many.
    pub count: usize,
    /// How many of them were allocated where.
    pub places: Vec<(&'static Location<'static>, usize)>,
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values outlive their pool, allocated at", self.count)?;
        for (index, (place, count)) in self.places.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {place} ({count})")?;
        }
        Ok(())
    }
}
