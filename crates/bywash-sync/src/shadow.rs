//! A shadow beside a slot of atomics: shows a model checker the races that the atomics hide.
//!
//! A ring's slots are atomics, so that a thief may read one that its owner is about to write again:
//! the thief's compare-and-swap then fails, and what it read is forgotten. A reading that *is* kept
//! must have happened before the next writing, and after the writing it saw. Nothing in the
//! atomics themselves says so, and loom would stay silent about a compare-and-swap that is too weak.
//!
//! In any other build a shadow has no size and its functions do nothing.

#[cfg(bywash_loom)]
pub use checked::{Reading, Shadow};

#[cfg(not(bywash_loom))]
pub use absent::{Reading, Shadow};

#[cfg(not(bywash_loom))]
mod absent {
    /// The shadow of one slot.
    #[derive(Debug, Default)]
    pub struct Shadow(());

    /// One reading of a slot, kept or forgotten.
    #[derive(Debug)]
    pub struct Reading(());

    impl Shadow {
        /// The slot is written by its owner, now.
        #[inline(always)]
        pub const fn write(&self) {}

        /// The slot is read, now; whether that counts is known later.
        #[inline(always)]
        pub const fn read(&self) -> Reading {
            Reading(())
        }
    }

    impl Reading {
        /// What was read is used: call it right after the operation that made it so.
        #[inline(always)]
        pub const fn keep(self, _shadow: &Shadow) {}
    }
}

#[cfg(bywash_loom)]
mod checked {
    use loom::cell::UnsafeCell;
    use std::cell::RefCell;
    use std::fmt;
    use std::rc::Rc;

    /// A cell that is only touched for the clock that loom keeps of it.
    type Clock = Rc<UnsafeCell<()>>;

    /// The shadow of one slot.
    #[derive(Default)]
    pub struct Shadow {
        // Plain memory: loom runs one thread at a time, and must not see this, or it would order
        // what it is there to watch.
        state: RefCell<State>,
    }

    #[derive(Default)]
    struct State {
        /// Touched by the writing that is now in the slot.
        written: Option<Clock>,
        /// Touched by the readings of it that were kept.
        kept: Vec<Clock>,
    }

    /// One reading of a slot, kept or forgotten.
    pub struct Reading {
        clock: Clock,
    }

    impl Shadow {
        /// The slot is written by its owner, now.
        #[track_caller]
        pub fn write(&self) {
            let mut state = self.state.borrow_mut();
            for reading in state.kept.drain(..) {
                reading.with_mut(|_| ());
            }
            let clock = Clock::new(UnsafeCell::new(()));
            clock.with_mut(|_| ());
            state.written = Some(clock);
        }

        /// The slot is read, now; whether that counts is known later.
        #[track_caller]
        pub fn read(&self) -> Reading {
            let clock = Clock::new(UnsafeCell::new(()));
            clock.with(|_| ());
            Reading { clock }
        }
    }

    impl Reading {
        /// What was read is used: call it right after the operation that made it so.
        #[track_caller]
        pub fn keep(self, shadow: &Shadow) {
            let mut state = shadow.state.borrow_mut();
            if let Some(written) = &state.written {
                written.with(|_| ());
            }
            state.kept.push(self.clock);
        }
    }

    impl fmt::Debug for Shadow {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Shadow")
        }
    }

    impl fmt::Debug for Reading {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Reading")
        }
    }
}
