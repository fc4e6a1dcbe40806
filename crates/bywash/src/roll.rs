//! Which seats have a thread: all, unless the operating system has refused to start one.
//!
//! A token may be left for a seat whose thread will never come for it. Whoever leaves one looks here
//! afterwards, and whoever strikes seats off looks for tokens afterwards, both with a full fence between
//! (Dekker's way): one of the two takes the token back.

use bywash_sync::atomic::{AtomicUsize, Ordering, fence};
use bywash_sync::mutant;

/// So many seats, from the first on, have a thread, or will.
pub struct Roll(AtomicUsize);

impl Roll {
    /// All seats will have one.
    pub fn new(seats: usize) -> Self {
        Self(AtomicUsize::new(seats))
    }

    /// How many have one, or will, as far as is known now.
    pub fn with_threads(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A thread could not be started: strikes off all seats from `first` on, once. Tokens that lie there
    /// have to be taken back.
    pub fn refuse_from(&self, first: usize) {
        self.0.store(first, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `will_come`.
        if !mutant("roll.refuse.fence") {
            fence(Ordering::SeqCst);
        }
    }

    /// After a token was left for `seat`'s thread: whether that will come for it. Else the token has to
    /// be taken back, if it still lies there.
    pub fn will_come(&self, seat: usize) -> bool {
        // SeqCst: pairs with the fence in `refuse_from`: either this sees that the thread was refused, or
        // whoever struck the seat off sees the token.
        if !mutant("roll.token.fence") {
            fence(Ordering::SeqCst);
        }
        seat < self.with_threads()
    }
}
