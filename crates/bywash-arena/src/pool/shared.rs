//! What the clones of a pool's handle share.

use core::alloc::Layout;
use std::vec::Vec;

use super::local;

/// A pool without its type: the layouts of its classes.
#[derive(Debug)]
pub(super) struct Shared {
    classes: Vec<Layout>,
}

impl Shared {
    pub(super) fn new(classes: Vec<Layout>) -> Self {
        Self { classes }
    }

    pub(super) fn classes(&self) -> &[Layout] {
        &self.classes
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        local::forget(self);
    }
}
