//! Whether a root frame of forks is worth waking anybody for.
//!
//! A `join` that is over before a sleeper could be up gains nothing from it and pays for the wake-up. So
//! a seat remembers, for each kind of fork that a root frame began with, how the last such frames went:
//! after two in a row that were over within a wake-up's time, the next one holds its wake-ups back for as
//! long. If it lasts longer, it wakes; and the two after it do so at once.
//!
//! For jobs somebody is woken at once: the body that spawned one may block until it has run.

use std::cell::Cell;
use std::time::Duration;

use bywash_sync::time::Instant;

use crate::job::Kind;

/// About what passes between a wake-up and the sleeper's first job.
const WAKE_UP: Duration = Duration::from_micros(5);

/// So many short frames in a row make the next one likely to be short.
const STREAK: u32 = 2;

/// So many kinds of forks are remembered at once; more take each other's places.
const KINDS: usize = 16;

/// One seat's root frames.
pub(crate) struct Session {
    state: Cell<State>,
    streaks: Streaks,
}

#[derive(Clone, Copy)]
enum State {
    /// No root frame of this seat is open: its occupant helps others.
    Closed,
    /// Nothing was published yet.
    Open,
    /// Something was, a fork of this kind first, at this time.
    Published(Kind, Instant),
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            state: Cell::new(State::Closed),
            streaks: Streaks::new(),
        }
    }

    /// A root frame begins.
    pub(crate) fn open(&self) {
        self.state.set(State::Open);
    }

    /// Runs `wake`, whose time the frame is not charged for: how long it lasts would otherwise decide that
    /// the next one wakes too.
    pub(crate) fn uncharged(&self, wake: impl FnOnce()) {
        let State::Published(first, since) = self.state.get() else {
            return wake();
        };
        let begun = Instant::now();
        wake();
        let since = since + begun.elapsed();
        self.state.set(State::Published(first, since));
    }

    /// A job was published, for which nobody comes if nobody is woken: no wake-up is held back from now on,
    /// and how long this frame lasts tells nothing of forks.
    pub(crate) fn waits_for_others(&self) {
        self.state.set(State::Closed);
    }

    /// The root frame is over.
    pub(crate) fn close(&self) {
        if let State::Published(first, since) = self.state.replace(State::Closed) {
            self.streaks.add(first, since.elapsed() < WAKE_UP);
        }
    }

    /// A fork of this kind was published and somebody sleeps: whether to wait a little before waking.
    pub(crate) fn holds_back(&self, fork: Kind) -> bool {
        match self.state.get() {
            State::Closed => false,
            State::Open => {
                self.state.set(State::Published(fork, Instant::now()));
                self.streaks.promise_short(fork)
            }
            State::Published(first, since) => {
                self.streaks.promise_short(first) && since.elapsed() < WAKE_UP
            }
        }
    }
}

/// How many frames in a row were short, for each kind of fork that they began with.
struct Streaks([Cell<(Option<Kind>, u32)>; KINDS]);

impl Streaks {
    fn new() -> Self {
        Self([const { Cell::new((None, 0)) }; KINDS])
    }

    /// A frame that began with `first` is over.
    fn add(&self, first: Kind, was_short: bool) {
        let short_ones = if was_short {
            self.short_ones(first).saturating_add(1)
        } else {
            0
        };
        self.place(first).set((Some(first), short_ones));
    }

    /// Whether the next frame that begins with `first` is likely to be short.
    fn promise_short(&self, first: Kind) -> bool {
        self.short_ones(first) >= STREAK
    }

    fn short_ones(&self, first: Kind) -> u32 {
        let (kind, short_ones) = self.place(first).get();
        if kind == Some(first) { short_ones } else { 0 }
    }

    fn place(&self, kind: Kind) -> &Cell<(Option<Kind>, u32)> {
        &self.0[kind.hash() % KINDS]
    }
}

#[cfg(test)]
mod tests {
    use super::{STREAK, Streaks};
    use crate::job::Kind;

    #[test]
    fn frames_of_one_kind_promise_nothing_about_another() {
        let (streaks, [kind, other]) = (Streaks::new(), Kind::two());
        (0..STREAK).for_each(|_| streaks.add(kind, true));
        assert!(streaks.promise_short(kind));
        assert!(!streaks.promise_short(other));
    }

    #[test]
    fn a_long_frame_ends_the_streak_of_its_kind_alone() {
        let (streaks, [kind, other]) = (Streaks::new(), Kind::two());
        (0..STREAK).for_each(|_| streaks.add(kind, true));
        streaks.add(other, false);
        assert!(streaks.promise_short(kind));
        streaks.add(kind, false);
        assert!(!streaks.promise_short(kind));
    }
}
