//! Whether a root frame of forks is worth waking anybody for.
//!
//! A `join` that is over before a sleeper could be up gains nothing from it and pays for the wake-up. So
//! a seat remembers how its last root frames with forks went: after two in a row that were over within a
//! wake-up's time, the next one holds its wake-ups back for as long. If it lasts longer, it wakes; and the
//! two after it do so at once.
//!
//! For jobs somebody is woken at once: the body that spawned one may block until it has run.

use std::cell::Cell;
use std::time::Duration;

use bywash_sync::time::Instant;

/// About what passes between a wake-up and the sleeper's first job.
const WAKE_UP: Duration = Duration::from_micros(5);

/// So many short frames in a row make the next one likely to be short.
const STREAK: u32 = 2;

/// One seat's root frames.
pub(crate) struct Session {
    state: Cell<State>,
    short_ones: Cell<u32>,
}

#[derive(Clone, Copy)]
enum State {
    /// No root frame of this seat is open: its occupant helps others.
    Closed,
    /// Nothing was published yet.
    Open,
    /// Something was, first at this time.
    Published(Instant),
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            state: Cell::new(State::Closed),
            short_ones: Cell::new(0),
        }
    }

    /// A root frame begins.
    pub(crate) fn open(&self) {
        self.state.set(State::Open);
    }

    /// Runs `wake`, whose time the frame is not charged for: how long it lasts would otherwise decide that
    /// the next one wakes too.
    pub(crate) fn uncharged(&self, wake: impl FnOnce()) {
        let State::Published(since) = self.state.get() else {
            return wake();
        };
        let begun = Instant::now();
        wake();
        self.state.set(State::Published(since + begun.elapsed()));
    }

    /// The root frame is over.
    pub(crate) fn close(&self) {
        if let State::Published(since) = self.state.replace(State::Closed) {
            let is_short = since.elapsed() < WAKE_UP;
            self.short_ones.set(if is_short {
                self.short_ones.get().saturating_add(1)
            } else {
                0
            });
        }
    }

    /// A fork was published and somebody sleeps: whether to wait a little before waking.
    pub(crate) fn holds_back(&self) -> bool {
        match self.state.get() {
            State::Closed => false,
            State::Open => {
                self.state.set(State::Published(Instant::now()));
                self.short_ones.get() >= STREAK
            }
            State::Published(since) => self.short_ones.get() >= STREAK && since.elapsed() < WAKE_UP,
        }
    }
}
