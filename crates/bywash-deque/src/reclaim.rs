//! When a replaced buffer is freed: the one thing about thieves that their deque cannot know.
//!
//! Production code uses [`Epoch`]. The model checker also drives the deque with two others, since
//! the fence inside an epoch's pin could stand in for one that the deque forgot.

use crate::chase_lev::Buffer;
use bywash_sync::mutant;
use std::ptr::NonNull;

#[cfg(bywash_loom)]
mod leak;
#[cfg(bywash_loom)]
mod strict;

#[cfg(bywash_loom)]
pub use {leak::Leak, strict::Strict};

/// Frees buffers once no thief can hold them.
///
/// # Safety
///
/// A buffer that was retired is not freed while a pin lives that was made before.
pub unsafe trait Reclaim: Default + Send + Sync + 'static {
    /// While one of these lives, no buffer is freed that was reachable when it was made.
    type Pin<'a>;

    /// Holds back all freeing of what is reachable from now on.
    fn pin(&self) -> Self::Pin<'_>;

    /// Frees `buffer` once nobody is pinned who could have reached it.
    ///
    /// # Safety
    ///
    /// `buffer` came from `Box::into_raw`, is retired once, and can no longer be reached by
    /// whoever pins from now on.
    unsafe fn retire(&self, buffer: NonNull<Buffer>);
}

/// Buffers above this many slots are handed to the collector at once, not when it is due.
const LARGE: usize = 1024;

/// The epochs of crossbeam-epoch. A pin costs a full barrier.
#[derive(Debug, Default)]
pub struct Epoch;

// SAFETY: crossbeam-epoch runs what is deferred after all guards that were there have gone.
unsafe impl Reclaim for Epoch {
    type Pin<'a> = crossbeam_epoch::Guard;

    #[inline]
    fn pin(&self) -> Self::Pin<'_> {
        crossbeam_epoch::pin()
    }

    unsafe fn retire(&self, buffer: NonNull<Buffer>) {
        let guard = crossbeam_epoch::pin();
        // SAFETY: the caller says that it came from a box and is retired once.
        let is_large = unsafe { buffer.as_ref() }.capacity() >= LARGE;
        let address = Retired(buffer);
        if mutant("reclaim.epoch.no_wait") {
            address.free();
            return;
        }
        // SAFETY: it can be freed on any thread (it holds atomics and frees plain memory), and by
        // the caller's word nobody can reach it who pins after this guard.
        unsafe {
            guard.defer_unchecked(move || address.free());
        }
        if is_large {
            guard.flush();
        }
    }
}

/// How many buffers the epochs have freed in this process.
#[cfg(bywash_loom)]
pub fn freed_by_epochs() -> usize {
    FREED.load(std::sync::atomic::Ordering::Relaxed)
}

#[cfg(bywash_loom)]
static FREED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// A buffer on its way to be freed, on whichever thread collects.
struct Retired(NonNull<Buffer>);

impl Retired {
    /// Under loom the buffer is marked and stays, so that touching it afterwards is defined.
    #[cfg(bywash_loom)]
    fn free(self) {
        FREED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // SAFETY: nobody ever frees it in such a build.
        unsafe { self.0.as_ref() }.mark_freed();
    }

    #[cfg(not(bywash_loom))]
    fn free(self) {
        // SAFETY: `Reclaim::retire` was promised a pointer from `Box::into_raw`, once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
