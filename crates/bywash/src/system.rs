//! The system: its seats, its idle, its inbox, its plan of the machine; and its end.

use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, OnceLock, PoisonError};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use bywash_sync::lock::{Condvar, Mutex};
use bywash_sync::thread::JoinHandle;
use bywash_topology::{Pinned, Pinning};

use crate::builder::Settings;
use crate::chunks::Chunks;
use crate::critical::Stretches;
use crate::idle::Idle;
use crate::inbox::Inbox;
use crate::lanes::Lanes;
use crate::loops::Places;
use crate::patience::{Patience, Pause, WaitPolicy};
use crate::rings::Rings;
use crate::roll::Roll;
use crate::spill::Spillover;
use crate::worker::{Seat, Worker};

/// Seats for calling threads beyond the system's own.
pub(crate) const GUESTS: usize = 256;

/// What all workers of one job system share.
pub(crate) struct System {
    seats: Box<[Seat]>,
    pub(crate) guests: Guests,
    idle: Idle,
    /// What each seat's occupant sleeps for: the address of a frame's record, a counter, a job. Side by side,
    /// since whoever ends something looks through those of all who sleep.
    awaited: Box<[AtomicPtr<()>]>,
    inbox: Inbox,
    lanes: Lanes,
    stretches: Stretches,
    roll: Roll,
    /// Callers who wait for a searching worker to leave its seat.
    pub(crate) callers: CachePadded<AtomicUsize>,
    pub(crate) settings: Settings,
    places: Places,
    spillover: Option<Spillover>,
    pinning: Option<Pinning>,
    /// Where each worker's thread ended up, once it has begun.
    pinned: Box<[OnceLock<Pinned>]>,
    /// Those that have started, which are those of the first seats.
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Told when the last of `threads` has started, or the first was refused.
    pub(crate) started: Condvar,
}

/// Seats without threads, made when the first guest needs one and kept for the next.
pub(crate) struct Guests {
    pub(crate) seats: Box<[OnceLock<Box<Seat>>]>,
    pub(crate) made: AtomicUsize,
    pub(crate) free: Mutex<Vec<usize>>,
}

/// A seat for each worker, as near to the others and to memory as it was placed.
fn seats(pinning: Option<&Pinning>, workers: usize) -> Box<[Seat]> {
    let (plan, chunks) = (pinning.map(Pinning::plan), Chunks::of(pinning));
    let rings = |seat| match plan {
        Some(plan) => Rings::of(plan, seat),
        None => Rings::flat(seat, workers),
    };
    (0..workers)
        .map(|seat| Seat::new(seat, rings(seat), chunks(seat)))
        .collect()
}

impl System {
    pub(crate) fn new(settings: Settings, pinning: Option<Pinning>) -> Arc<Self> {
        let workers = settings.workers;
        let plan = pinning.as_ref().map(Pinning::plan);
        let spillover = plan
            .filter(|plan| plan.tiers().len() > 1)
            .map(|plan| Spillover::new(plan, settings.thresholds(plan)));
        let system = Arc::new(Self {
            seats: seats(pinning.as_ref(), workers),
            guests: Guests {
                seats: (0..GUESTS).map(|_| OnceLock::new()).collect(),
                made: AtomicUsize::new(0),
                free: Mutex::new(Vec::new()),
            },
            idle: Idle::new(workers, GUESTS),
            awaited: (0..workers + GUESTS)
                .map(|_| AtomicPtr::new(null_mut()))
                .collect(),
            inbox: Inbox::new(),
            lanes: Lanes::new(),
            stretches: Stretches::default(),
            roll: Roll::new(workers),
            callers: CachePadded::new(AtomicUsize::new(0)),
            settings,
            places: Places::of(plan, workers),
            spillover,
            pinned: (0..workers).map(|_| OnceLock::new()).collect(),
            pinning,
            threads: Mutex::new(Vec::new()),
            started: Condvar::new(),
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

    /// What the occupant of seat `index` sleeps for, or slept for last.
    pub(crate) fn awaited(&self, index: usize) -> *mut () {
        self.awaited[index].load(Ordering::Relaxed)
    }

    pub(crate) fn say_awaited(&self, index: usize, address: *mut ()) {
        self.awaited[index].store(address, Ordering::Relaxed);
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) fn stretches(&self) -> &Stretches {
        &self.stretches
    }

    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Where each worker begins a loop.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn wait_policy(&self) -> WaitPolicy {
        self.settings.wait_policy
    }

    /// Whether workers learn from what they see.
    pub(crate) fn tunes_itself(&self) -> bool {
        self.settings.auto_tuning
    }

    pub(crate) fn seat(&self, index: usize) -> &Seat {
        match self.seats.get(index) {
            Some(seat) => seat,
            None => self.guests.seats[index - self.seats.len()]
                .get()
                .expect("bywash: a guest's seat is made before its index is known"),
        }
    }

    pub(crate) fn guest_seats(&self) -> impl Iterator<Item = &Seat> {
        // Relaxed: a seat is published by the cell that it is in.
        let made = self.guests.made.load(Ordering::Relaxed);
        self.guests.seats[..made]
            .iter()
            .filter_map(OnceLock::get)
            .map(|seat| &**seat)
    }

    /// Whom `worker` may steal from, nearest first.
    pub(crate) fn seats_to_rob(&self, worker: &Worker) -> impl Iterator<Item = &Seat> {
        let own = worker.seat();
        let victims = worker
            .rings()
            .shuffled(worker.random())
            .map(|seat| &self.seats[seat]);
        let guests = self
            .guest_seats()
            .filter(move |&guest| !std::ptr::eq(guest, own));
        victims.chain(guests)
    }

    /// The thread of seat `first` could not be started, and none behind it was: nobody is to be woken there.
    /// Callers can sit on these seats all the same.
    pub(crate) fn run_without_threads_from(&self, first: usize) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.roll.refuse_from(first);
        drop(threads);
        self.started.notify_all();
        for index in first..self.seats.len() {
            if self.take_back(index) {
                self.wake_for_inbox();
            }
        }
    }

    /// Wakes the thread of seat `index`, which was just taken for it. Returns whether it has one; if
    /// not, the seat is free again.
    pub(crate) fn rouse(&self, index: usize) -> bool {
        self.seats[index].bed.unpark();
        self.roll.will_come(index) || !self.take_back(index)
    }

    /// Frees a seat where nobody is to be woken, if it was taken for its thread; whether it was.
    fn take_back(&self, index: usize) -> bool {
        let bed = &self.seats[index].bed;
        let was_taken = bed.take_token();
        if was_taken {
            self.idle.leave_seat(index);
        }
        was_taken
    }

    /// Waits until all threads have started that will: how many.
    pub(crate) fn settle(&self) -> usize {
        // A few have started sooner than a sleeper wakes.
        let mut patience = Patience::new(self.wait_policy());
        while patience.pause(false) == Pause::LookAgain {
            if let Ok(threads) = self.threads.try_lock()
                && threads.len() >= self.seats_with_threads()
            {
                return threads.len();
            }
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < self.seats_with_threads() {
            threads = self
                .started
                .wait(threads)
                .unwrap_or_else(PoisonError::into_inner);
        }
        threads.len()
    }

    pub(crate) fn all_seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().chain(self.guest_seats())
    }

    pub(crate) fn spillover(&self) -> Option<&Spillover> {
        self.spillover.as_ref()
    }

    /// How many workers, from the first on, may be awake now.
    pub(crate) fn open_workers(&self) -> usize {
        let threads = self.seats_with_threads();
        self.spillover
            .as_ref()
            .map_or(threads, |spillover| spillover.open_workers().min(threads))
    }

    /// How many seats have a thread, or will: all, unless the operating system has refused one by now.
    pub(crate) fn seats_with_threads(&self) -> usize {
        self.roll.with_threads()
    }

    /// Binds the calling thread where the plan says, and keeps what came of it.
    pub(crate) fn pin(&self, index: usize) {
        if let Some(pinning) = &self.pinning {
            // Set once: each worker's thread begins once.
            let _ = self.pinned[index].set(pinning.bind(index));
        }
    }

    pub(crate) fn pinned(&self, index: usize) -> Option<Pinned> {
        self.pinned[index].get().copied()
    }

    pub(crate) fn pinning(&self) -> Option<&Pinning> {
        self.pinning.as_ref()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.idle.is_stopping()
    }

    /// Tells every thread to end when nothing is left to do.
    pub(crate) fn stop(&self) {
        self.idle.stop(|index| self.seats[index].bed.unpark());
    }
}
