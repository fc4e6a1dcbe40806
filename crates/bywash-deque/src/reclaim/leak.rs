//! Keeps every replaced buffer to the deque's end: leaves the indices alone with the checker.

use super::Reclaim;
use crate::chase_lev::Buffer;
use std::ptr::NonNull;
use std::sync::Mutex;

/// Frees at the end, and holds no barrier that could hide a missing one.
#[derive(Debug, Default)]
pub struct Leak {
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept(NonNull<Buffer>);

// SAFETY: a buffer holds atomics and owns plain memory; the pointer is the only one to it.
unsafe impl Send for Kept {}

// SAFETY: nothing is freed before the deque itself is.
unsafe impl Reclaim for Leak {
    type Pin<'a> = ();

    fn pin(&self) {}

    unsafe fn retire(&self, buffer: NonNull<Buffer>) {
        self.kept
            .lock()
            .expect("a model's first panic ends it")
            .push(Kept(buffer));
    }
}

impl Drop for Leak {
    fn drop(&mut self) {
        for kept in self.kept.get_mut().into_iter().flat_map(std::mem::take) {
            // SAFETY: `retire` was promised a pointer from `Box::into_raw`, once.
            drop(unsafe { Box::from_raw(kept.0.as_ptr()) });
        }
    }
}
