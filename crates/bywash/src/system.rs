//! The system: its seats, its idle, its inbox; and how a thread comes to sit on a seat.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use bywash_sync::{hint, thread};

use crate::builder::Settings;
use crate::current;
use crate::idle::Idle;
use crate::inbox::Inbox;
use crate::patience::WaitPolicy;
use crate::record::FrameRecord;
use crate::worker::{Seat, Worker};

/// Seats for calling threads beyond the system's own.
pub(crate) const GUESTS: usize = 256;

/// The most items that one steal takes.
const HAUL: usize = 32;

/// How long a caller waits for a searching worker to make room before it becomes a guest.
const ROOM_SOON: Duration = Duration::from_micros(20);

thread_local! {
    /// Where this thread sat last: its caches may still be warm there.
    static LAST_SEAT: Cell<usize> = const { Cell::new(0) };
}

/// What all workers of one job system share.
pub(crate) struct System {
    seats: Box<[Seat]>,
    guests: Guests,
    idle: Idle,
    inbox: Inbox,
    stopping: AtomicBool,
    /// Callers who wait for a searching worker to leave its seat.
    callers: CachePadded<AtomicUsize>,
    pub(crate) settings: Settings,
    pub(crate) threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

/// Seats without threads, made when the first guest needs one and kept for the next.
struct Guests {
    seats: Box<[OnceLock<Box<Seat>>]>,
    made: AtomicUsize,
    free: Mutex<Vec<usize>>,
}

impl System {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        let workers = settings.workers;
        let system = Arc::new(Self {
            seats: (0..workers)
                .map(|seat| Seat::new(seat, ring_from(seat, workers)))
                .collect(),
            guests: Guests {
                seats: (0..GUESTS).map(|_| OnceLock::new()).collect(),
                made: AtomicUsize::new(0),
                free: Mutex::new(Vec::new()),
            },
            idle: Idle::new(workers, GUESTS),
            inbox: Inbox::new(),
            stopping: AtomicBool::new(false),
            callers: CachePadded::new(AtomicUsize::new(0)),
            settings,
            threads: Mutex::new(Vec::new()),
        });
        for seat in &system.seats {
            // SAFETY: nobody has sat yet, and the seats are the system's own.
            unsafe { seat.install(NonNull::from(&*system), workers > 1) };
        }
        system
    }

    pub(crate) fn idle(&self) -> &Idle {
        &self.idle
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(crate) fn haul(&self) -> usize {
        HAUL
    }

    pub(crate) fn wait_policy(&self) -> WaitPolicy {
        self.settings.wait_policy
    }

    fn seat(&self, index: usize) -> &Seat {
        match self.seats.get(index) {
            Some(seat) => seat,
            None => self.guests.seats[index - self.seats.len()]
                .get()
                .expect("bywash: a guest's seat is made before its index is known"),
        }
    }

    fn guest_seats(&self) -> impl Iterator<Item = &Seat> {
        // Acquire: pairs with the Release in `take_guest_seat`.
        let made = self.guests.made.load(Ordering::Acquire);
        self.guests.seats[..made]
            .iter()
            .filter_map(OnceLock::get)
            .map(|seat| &**seat)
    }

    /// Whom `worker` may steal from, nearest first.
    pub(crate) fn seats_to_rob(&self, worker: &Worker) -> impl Iterator<Item = &Seat> {
        let own = worker.seat();
        // A random start keeps hungry workers from queueing up at the same victim.
        let victims = worker.victims();
        let start = worker.random() as usize % victims.len().max(1);
        let (behind, ahead) = victims.split_at(start);
        let victims = ahead
            .iter()
            .chain(behind)
            .map(|&seat| &self.seats[seat as usize]);
        let guests = self
            .guest_seats()
            .filter(move |&guest| !std::ptr::eq(guest, own));
        victims.chain(guests)
    }

    /// Runs `body` as a worker of this system: the one this thread already is, or one on a seat that
    /// it takes for the time.
    pub(crate) fn enter<R>(&self, body: impl FnOnce(&Worker) -> R) -> R {
        if let Some(worker) = current::worker_in(self) {
            return body(worker);
        }
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
        let last = LAST_SEAT.get();
        if last < self.seats.len() && self.idle.take_seat(last) {
            return last;
        }
        let index = self
            .take_any_seat()
            .unwrap_or_else(|| self.take_guest_seat());
        LAST_SEAT.set(index);
        index
    }

    fn take_any_seat(&self) -> Option<usize> {
        let free = || {
            self.idle
                .free_seats()
                .find(|&seat| self.idle.take_seat(seat))
        };
        if let Some(seat) = free() {
            return Some(seat);
        }
        if !self.idle.is_anyone_searching() {
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
                let index = self.seats.len() + made;
                let victims = (0..self.seats.len() as u32).collect();
                let seat =
                    self.guests.seats[made].get_or_init(|| Box::new(Seat::new(index, victims)));
                // SAFETY: nobody has sat there yet, and the seat is the system's own.
                unsafe { seat.install(NonNull::from(self), true) };
                // Release: pairs with the Acquire in `guest_seats`.
                self.guests.made.store(made + 1, Ordering::Release);
                return index;
            }
            drop(free);
            thread::yield_now();
        }
    }

    /// Gives a seat up. If work is left that only a sleeper can do, wakes one.
    pub(crate) fn leave(&self, index: usize) {
        if index >= self.seats.len() {
            self.guests
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(index);
            return;
        }
        self.idle.leave_seat(index);
        if self.has_work_for_anybody() && self.idle.take_seat(index) {
            self.seats[index].bed.unpark();
        }
    }

    /// Whether a searching worker should leave its seat to a caller.
    pub(crate) fn is_seat_wanted(&self) -> bool {
        self.callers.load(Ordering::Relaxed) != 0
    }

    /// Wakes the nearest sleeper for work that `worker` made public, unless somebody searches.
    pub(crate) fn wake_for(&self, worker: &Worker) {
        if !self.idle.has_sleepers() {
            return;
        }
        let free = worker.victims().iter().map(|&seat| seat as usize);
        for seat in free {
            if self.idle.take_seat(seat) {
                self.seats[seat].bed.unpark();
                return;
            }
        }
        let Some(label) = worker.seat().deque.front_label() else {
            return;
        };
        // SAFETY: labels are records, which are freed with the system.
        let frame: &FrameRecord = unsafe { &*label.cast() };
        for index in self.idle.waiting_seats() {
            let seat = self.seat(index);
            if seat.would_help(frame) && self.idle.stop_waiting(index) {
                seat.parker.unpark();
                return;
            }
        }
    }

    /// Wakes a sleeper for what came in from outside.
    pub(crate) fn wake_for_inbox(&self) {
        if self.idle.has_sleepers()
            && let Some(seat) = self
                .idle
                .free_seats()
                .find(|&seat| self.idle.take_seat(seat))
        {
            self.seats[seat].bed.unpark();
        }
    }

    /// Wakes those who sleep for what `address` stands for. The address is compared, never followed.
    #[cold]
    pub(crate) fn wake_who_waits_for(&self, address: *mut ()) {
        // SeqCst: pairs with the fence in `Idle::start_waiting`: either the sleeper is on the list,
        // or its last look sees that the wait is over.
        fence(Ordering::SeqCst);
        for index in self.idle.waiting_seats() {
            let seat = self.seat(index);
            if std::ptr::eq(seat.waits_for(), address) && self.idle.stop_waiting(index) {
                seat.parker.unpark();
            }
        }
    }

    /// Whether anything public waits that a wait in `frame` may run.
    pub(crate) fn has_work_for(&self, frame: &FrameRecord) -> bool {
        let is_wanted = |label: *mut ()| {
            // SAFETY: labels are records, which are freed with the system.
            unsafe { &*label.cast::<FrameRecord>() }.is_within(frame)
        };
        self.all_seats()
            .any(|seat| seat.deque.front_label().is_some_and(is_wanted))
    }

    pub(crate) fn has_work_for_anybody(&self) -> bool {
        self.is_stopping()
            || !self.inbox.is_empty()
            || self.all_seats().any(|seat| !seat.deque.is_empty())
    }

    /// The threads of these seats could not be started: nobody may wait for them. Callers can still
    /// sit there until the last handle goes.
    pub(crate) fn run_without_threads_from(&self, first: usize) {
        for index in first..self.seats.len() {
            // A waker may have taken the seat already for the thread that will never come.
            if !self.idle.take_seat(index) {
                self.wake_for_inbox();
            }
        }
    }

    fn all_seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().chain(self.guest_seats())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Tells every thread to end when nothing is left to do.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // SeqCst: pairs with the fence in `Idle::leave_seat`: either the thread's seat is free here,
        // or its last look sees that the system stops.
        fence(Ordering::SeqCst);
        for (index, seat) in self.seats.iter().enumerate() {
            if self.idle.take_seat(index) {
                seat.bed.unpark();
            }
        }
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

/// The other seats, starting behind `seat`.
fn ring_from(seat: usize, seats: usize) -> Box<[u32]> {
    (1..seats)
        .map(|step| ((seat + step) % seats) as u32)
        .collect()
}
