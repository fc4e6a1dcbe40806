//! One thread's place to sleep, with a token that a waker leaves.

use crate::atomic::{AtomicU32, Ordering};
use crate::{futex, mutant, ordering};

/// Nobody sleeps and no token was left.
const EMPTY: u32 = 0;
/// A token was left: the next park returns at once.
const TOKEN: u32 = 1;
/// The owner sleeps, or is about to.
const ASLEEP: u32 = 2;

/// A place where one thread sleeps until another leaves a token.
///
/// As in [`std::thread::park`], the token is one bit: any number of unparks before a park are one.
/// What was written before [`unpark`](Self::unpark) is seen after the [`park`](Self::park) that
/// takes its token. One word, no heap; neither call enters the kernel unless somebody sleeps.
///
/// One thread at a time may park; any number may unpark. Several parked threads are no unsoundness,
/// but one token wakes one of them.
#[derive(Debug, Default)]
pub struct Parker {
    word: AtomicU32,
}

impl Parker {
    /// A parker without a token.
    #[cfg(not(bywash_loom))]
    pub const fn new() -> Self {
        Self {
            word: AtomicU32::new(EMPTY),
        }
    }

    /// A parker without a token.
    #[cfg(bywash_loom)]
    pub fn new() -> Self {
        Self {
            word: AtomicU32::new(EMPTY),
        }
    }

    /// Takes the token if there is one; never blocks.
    #[inline]
    pub fn take_token(&self) -> bool {
        // Acquire: pairs with the Release in `unpark`, whose writes the owner now reads.
        self.word
            .compare_exchange(
                TOKEN,
                EMPTY,
                ordering!(Acquire, "parker.take.acquire" => Relaxed),
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Whether a token lies here that its owner has not taken yet. A look.
    #[inline]
    pub fn has_token(&self) -> bool {
        self.word.load(Ordering::Relaxed) == TOKEN
    }

    /// Sleeps until a token is there, and takes it. Never returns spuriously.
    pub fn park(&self) {
        loop {
            if self.take_token() {
                return;
            }
            // Relaxed: nothing is read before `take_token` succeeds. Failure means a token came,
            // or a spurious wake left the word at ASLEEP.
            let _ = self
                .word
                .compare_exchange(EMPTY, ASLEEP, Ordering::Relaxed, Ordering::Relaxed);
            futex::wait(&self.word, ASLEEP);
        }
    }

    /// Leaves a token, and wakes the owner if it sleeps.
    ///
    /// Never blocks; a system call only if the owner sleeps. The word is touched after the owner
    /// may have seen the token, so the parker must outlive the call.
    #[inline]
    pub fn unpark(&self) {
        // Release: pairs with the Acquire in `take_token`. A read-modify-write, because a plain
        // store could not tell whether the owner had gone to sleep just before.
        let before = self.word.swap(
            TOKEN,
            ordering!(Release, "parker.unpark.release" => Relaxed),
        );
        if before == ASLEEP && !mutant("parker.unpark.no_wake") {
            futex::wake_one(&self.word);
        }
    }
}
