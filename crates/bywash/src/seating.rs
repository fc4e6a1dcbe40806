//! How a calling thread comes to sit on a seat, and leaves it.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::PoisonError;
use std::time::Duration;

use bywash_sync::atomic::Ordering;
use bywash_sync::thread::thread_local;
use bywash_sync::time::Instant;
use bywash_sync::{hint, thread};

use crate::chunks::Chunks;
use crate::current;
use crate::rings::Rings;
use crate::system::{GUESTS, System};
use crate::worker::{Seat, Worker};

/// How long a caller waits for a searching worker to make room before it becomes a guest.
const ROOM_SOON: Duration = Duration::from_micros(20);

thread_local! {
    /// Where this thread sat last, if it did: its caches may still be warm there.
    static LAST_SEAT: Cell<Option<usize>> = const { Cell::new(None) };
}

impl System {
    /// Runs `body` as a worker of this system: the one this thread already is, or one on a seat that
    /// it takes for the time.
    pub(crate) fn enter<R>(&self, body: impl FnOnce(&Worker) -> R) -> R {
        if let Some(worker) = current::worker_in(self) {
            return body(worker);
        }
        self.idle().fetch();
        let index = self.take_seat();
        let _leave = Leave {
            system: self,
            index,
        };
        // SAFETY: the seat was just taken, and is left when `body` has returned or unwound.
        let worker = unsafe { self.seat(index).occupy() };
        current::sit(worker, || body(worker))
    }

    fn take_seat(&self) -> usize {
        let open = self.open_workers();
        // At first the one whose thread started last: those that started first are on processors of their
        // own, and are woken first.
        let wanted = LAST_SEAT.with(Cell::get).unwrap_or(open.saturating_sub(1));
        // Not one of a closed tier, whose memory may lie far from those who are awake.
        if wanted < open && self.idle().take_seat(wanted) {
            return wanted;
        }
        let index = self
            .take_any_seat()
            .unwrap_or_else(|| self.take_guest_seat());
        LAST_SEAT.with(|last| last.set(Some(index)));
        index
    }

    fn take_any_seat(&self) -> Option<usize> {
        let free = || {
            self.idle()
                .free_seats()
                .find(|&seat| self.idle().take_seat(seat))
        };
        if let Some(seat) = free() {
            return Some(seat);
        }
        if !self.idle().is_anyone_searching() {
            return None;
        }
        self.callers.fetch_add(1, Ordering::Relaxed);
        let since = Instant::now();
        let mut found = None;
        while found.is_none() && since.elapsed() < ROOM_SOON {
            hint::spin_loop();
            found = free();
        }
        self.callers.fetch_sub(1, Ordering::Relaxed);
        found
    }

    /// A seat beyond the system's own. Waits when all guests' seats are taken.
    fn take_guest_seat(&self) -> usize {
        loop {
            let mut free = self
                .guests
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(seat) = free.pop() {
                return seat;
            }
            let made = self.guests.made.load(Ordering::Relaxed);
            if made < GUESTS {
                let index = self.seats().len() + made;
                let seat = self.guests.seats[made].get_or_init(|| {
                    let rings = Rings::guest(self.seats().len());
                    Box::new(Seat::new(index, rings, Chunks::default()))
                });
                // SAFETY: nobody has sat there yet, and the seat is the system's own.
                unsafe { seat.install(NonNull::from(self), true) };
                self.guests.made.store(made + 1, Ordering::Relaxed);
                return index;
            }
            drop(free);
            thread::yield_now();
        }
    }

    /// Gives a seat up. If work is left that only a sleeper can do, wakes one.
    pub(crate) fn leave(&self, index: usize) {
        if index >= self.seats().len() {
            self.guests
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(index);
            return;
        }
        self.idle().leave_seat(index);
        if !self.seats()[index].mail.is_empty() {
            if self.idle().take_seat(index) {
                self.rouse(index);
            }
            return;
        }
        let stays_up = self.stretches().is_any() && !self.is_seat_wanted();
        if !stays_up && !self.has_work_for_anybody() {
            return;
        }
        if index >= self.open_workers() && !self.is_stopping() {
            // A closed tier's seat stays free; what is left is for an open one.
            self.wake_for_inbox();
        } else if self.idle().take_seat(index) {
            self.rouse(index);
        }
    }

    /// Whether a searching worker should leave its seat to a caller.
    pub(crate) fn is_seat_wanted(&self) -> bool {
        self.callers.load(Ordering::Relaxed) != 0
    }
}

struct Leave<'system> {
    system: &'system System,
    index: usize,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.system.leave(self.index);
    }
}
