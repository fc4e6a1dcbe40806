//! The door for threads that have no seat: `'static` jobs, in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bywash_sync::atomic::{AtomicUsize, Ordering};

use crate::context::Context;

/// A job from outside. It runs in a root frame of its own.
pub(crate) type Letter = Box<dyn for<'frame> FnOnce(&Context<'frame>) + Send>;

/// First in, first out.
pub(crate) struct Inbox {
    letters: Mutex<VecDeque<Letter>>,
    count: AtomicUsize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            letters: Mutex::new(VecDeque::new()),
            count: AtomicUsize::new(0),
        }
    }

    pub(crate) fn post(&self, letter: Letter) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push_back(letter);
        self.count.store(letters.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> Option<Letter> {
        if self.is_empty() {
            return None;
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let letter = letters.pop_front();
        self.count.store(letters.len(), Ordering::Relaxed);
        letter
    }
}
