//! Who sleeps, who searches, and whom a publication wakes.
//!
//! A seat whose bit is set in `free` has no occupant: its thread sleeps. Clearing the bit takes the
//! seat, either for a calling thread or, by a waker, on behalf of the seat's own thread, which then
//! gets a token. So a seat never has two occupants, and a sleeper is woken by one waker only.
//!
//! The protocol against lost wake-ups, both sides with a full fence between their write and their
//! reads (Dekker's way):
//! ```text
//!   sleeper:   free |= bit;  fence;  look at every queue once more;  park
//!   publisher: publish;      fence;  searching == 0?  free != 0?     take a bit, give a token
//! ```
//! A searching worker stops counting as one *before* that last look, so a publisher that relied on
//! it is seen. `helpers` holds those who wait for something particular and sleep; they keep their
//! seats.

use crate::prefetch::prefetch_to_read;
use bywash_sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use bywash_sync::{CachePadded, Parker, mutant, ordering};

/// One bit a seat, in words of 64.
struct Bits(Box<[CachePadded<AtomicU64>]>);

impl Bits {
    fn new(seats: usize) -> Self {
        Self(
            (0..seats.div_ceil(64))
                .map(|_| CachePadded::new(AtomicU64::new(0)))
                .collect(),
        )
    }

    fn set(&self, seat: usize) {
        // AcqRel: what the occupant did happens before the next one takes the seat.
        let order = ordering!(AcqRel, "idle.set.order" => Relaxed);
        self.0[seat / 64].fetch_or(1 << (seat % 64), order);
    }

    /// Clears the bit; whether it was this call that did.
    fn take(&self, seat: usize) -> bool {
        let bit = 1 << (seat % 64);
        let word = &self.0[seat / 64];
        // AcqRel: pairs with `set`, see there.
        let order = ordering!(AcqRel, "idle.take.order" => Relaxed);
        let seen = word.load(Ordering::Relaxed) & bit != 0;
        seen && (word.fetch_and(!bit, order) & bit != 0 || mutant("idle.take.claim"))
    }

    fn has(&self, seat: usize) -> bool {
        let word = self.0.get(seat / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (seat % 64)) != 0)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            // Acquire: pairs with `set`: what a seat's occupant said before is then readable.
            let mut bits = word.load(ordering!(Acquire, "idle.look.order" => Relaxed));
            std::iter::from_fn(move || {
                let seat = (bits != 0).then(|| index * 64 + bits.trailing_zeros() as usize);
                bits &= bits.wrapping_sub(1);
                seat
            })
        })
    }
}

/// The system's books on who is idle.
pub struct Idle {
    free: Bits,
    helpers: Bits,
    searching: CachePadded<AtomicUsize>,
    stopping: AtomicBool,
}

/// Where somebody is who was called.
#[derive(PartialEq, Eq)]
pub enum Called {
    /// Up: it looks once more before it sleeps.
    Up,
    /// Its seat was free, and is now taken for its thread, which needs a token.
    InBed,
    /// In a wait, from whose list it was taken: it needs a token.
    InWait,
}

impl Idle {
    /// All seats that have a thread are free at first; those of guests never are.
    pub fn new(seats: usize, guests: usize) -> Self {
        let free = Bits::new(seats);
        (0..seats).for_each(|seat| free.set(seat));
        Self {
            free,
            helpers: Bits::new(seats + guests),
            searching: CachePadded::new(AtomicUsize::new(0)),
            stopping: AtomicBool::new(false),
        }
    }

    /// Takes a free seat, for the caller or for the seat's thread.
    pub fn take_seat(&self, seat: usize) -> bool {
        self.free.take(seat)
    }

    /// Whether nobody sits there. A look; a guest's seat is never free.
    pub fn is_free(&self, seat: usize) -> bool {
        self.free.has(seat)
    }

    /// Whether the occupant sleeps in a wait. A look.
    pub fn is_waiting(&self, seat: usize) -> bool {
        self.helpers.has(seat)
    }

    /// The free seats, lowest first. A look, not a promise.
    pub fn free_seats(&self) -> impl Iterator<Item = usize> + '_ {
        self.free.iter()
    }

    /// Leaves a seat. What was visible before may have nobody left to see it: look once more.
    pub fn leave_seat(&self, seat: usize) {
        self.free.set(seat);
        // SeqCst: pairs with the fence in `has_sleepers`, as the module's protocol says.
        if !mutant("idle.leave.fence") {
            fence(Ordering::SeqCst);
        }
    }

    /// Counts the caller among those who search.
    pub fn start_searching(&self) {
        self.searching.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether this was the last who searched.
    pub fn stop_searching(&self) -> bool {
        let was_last = self.searching.fetch_sub(1, Ordering::Relaxed) == 1;
        // SeqCst: pairs with the fence in `has_sleepers`: either the publisher sees that nobody
        // searches any more, or the look that follows sees what it published.
        if !mutant("idle.searching.fence") {
            fence(Ordering::SeqCst);
        }
        was_last
    }

    /// Fetches what the next look at who searches reads.
    #[inline]
    pub fn fetch(&self) {
        prefetch_to_read(&raw const self.searching);
    }

    /// How many search. A look.
    pub fn searchers(&self) -> usize {
        self.searching.load(Ordering::Relaxed)
    }

    /// Whether somebody searches. A look.
    pub fn is_anyone_searching(&self) -> bool {
        self.searchers() != 0
    }

    /// After a publication: whether somebody who sleeps should be told of it.
    pub fn has_sleepers(&self) -> bool {
        // SeqCst: pairs with the fences in `leave_seat` and `start_waiting`.
        if !mutant("idle.publish.fence") {
            fence(Ordering::SeqCst);
        }
        self.searching.load(Ordering::Relaxed) == 0
            && !(self.free.is_empty() && self.helpers.is_empty())
    }

    /// Says that `seat`'s occupant is about to sleep until something particular has happened.
    pub fn start_waiting(&self, seat: usize) {
        self.helpers.set(seat);
        // SeqCst: pairs with the fence in `has_sleepers` and with those of the finishing side.
        if !mutant("idle.wait.fence") {
            fence(Ordering::SeqCst);
        }
    }

    /// Takes the seat off the list of those who wait; whether this call did.
    pub fn stop_waiting(&self, seat: usize) -> bool {
        self.helpers.take(seat)
    }

    /// Sleeps in a wait until somebody takes the seat off the list; not at all if `must_stay_up`, the
    /// last look at all that could end the wait or feed it. Returns whether it slept.
    pub fn sleep_in_wait(
        &self,
        seat: usize,
        parker: &Parker,
        must_stay_up: impl FnOnce() -> bool,
    ) -> bool {
        self.start_waiting(seat);
        let must_stay_up = !mutant("idle.wait.last_look") && must_stay_up();
        // Whoever takes the seat off the list gives a token, and a token must be taken.
        let sleeps = !(must_stay_up && self.stop_waiting(seat));
        if sleeps && !(must_stay_up && mutant("idle.wait.token")) {
            parker.park();
        }
        sleeps
    }

    /// After something came to its end: wakes those who sleep in a wait for it, as `parker_of` knows
    /// them by their seats.
    pub fn wake_waiting<'a>(&self, parker_of: impl Fn(usize) -> Option<&'a Parker>) {
        // SeqCst: pairs with the fence in `start_waiting`: either the sleeper is on the list, or its
        // last look sees that the wait is over.
        if !mutant("idle.wake.fence") {
            fence(Ordering::SeqCst);
        }
        for seat in self.waiting_seats() {
            if let Some(parker) = parker_of(seat)
                && self.stop_waiting(seat)
            {
                parker.unpark();
            }
        }
    }

    /// After something was left for `seat`'s occupant alone, whoever that is to be.
    pub fn call(&self, seat: usize) -> Called {
        // SeqCst: pairs with the fences in `leave_seat` and `start_waiting`: either the occupant's last
        // look sees what was left, or this sees that it sleeps.
        if !mutant("idle.call.fence") {
            fence(Ordering::SeqCst);
        }
        if self.take_seat(seat) {
            Called::InBed
        } else if self.stop_waiting(seat) {
            Called::InWait
        } else {
            Called::Up
        }
    }

    /// Everybody is to end when nothing is left to do; `rouse` gives tokens to those who sleep.
    pub fn stop(&self, rouse: impl FnMut(usize)) {
        // Release: pairs with the Acquire in `is_stopping`.
        let order = ordering!(Release, "idle.stop" => Relaxed);
        self.stopping.store(true, order);
        // SeqCst: pairs with the fence in `leave_seat`: either the thread's seat is free here, or its
        // last look sees that the system stops.
        if !mutant("idle.stop.fence") {
            fence(Ordering::SeqCst);
        }
        let taken = self.free_seats().filter(|&seat| self.take_seat(seat));
        taken.for_each(rouse);
    }

    /// Whether everybody is to end. Whoever looks around afterwards sees all that was posted before.
    pub fn is_stopping(&self) -> bool {
        // Acquire: pairs with the Release in `stop`.
        let order = ordering!(Acquire, "idle.is_stopping" => Relaxed);
        self.stopping.load(order)
    }

    /// Seats whose occupants sleep in a wait.
    pub fn waiting_seats(&self) -> impl Iterator<Item = usize> + '_ {
        self.helpers.iter()
    }
}
