//! A seat in the system, and the worker who sits on it.
//!
//! Every thread sees a [`Seat`]; only its occupant has a [`Worker`], the same memory with the
//! rights to the private part. A worker is neither `Send` nor `Sync`, so the rights stay on the
//! thread that took the seat.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use bywash_sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use bywash_sync::time::Instant;
use bywash_sync::{CachePadded, Parker};

use bywash_topology::Berth;

use crate::chunks::Chunks;
use crate::context::Context;
use crate::counter::Tally;
use crate::deque::{Deque, JobDeque, Owner, Position, Sharing};
use crate::inbox::Inbox;
use crate::loops::LoopCosts;
use crate::record::FrameRecord;
use crate::rings::Rings;
use crate::session::Session;
use crate::share::Share;
use crate::stall::Mark;
use crate::stats::{Counters, Did};
use crate::system::System;
use crate::trace::Recorder;

/// Nanoseconds: less than a core needs to fetch a line from another's cache.
const TINY: u32 = 14;

/// One place to work: its deque, its sleeper's word, and what its occupant alone may touch.
#[repr(C)]
pub(crate) struct Seat {
    pub(crate) deque: JobDeque,
    own: Own,
    /// For this seat's occupant in particular.
    pub(crate) mail: Inbox,
    pub(crate) counters: CachePadded<Counters>,
    pub(crate) trace: Recorder,
    pub(crate) mark: Mark,
    /// Where the seat's own thread sleeps while it does not occupy the seat.
    pub(crate) bed: CachePadded<Parker>,
    /// Where that thread lies while it sleeps there.
    pub(crate) berth: Berth,
    /// Where the occupant, whoever it is, sleeps in a wait.
    pub(crate) parker: CachePadded<Parker>,
    /// Nanoseconds that each job of the occupant's last long run of jobs took; 0 before the first.
    pace: AtomicU32,
    /// In which frame the occupant sleeps, so that new work of that frame can wake it.
    waits_in: AtomicPtr<FrameRecord>,
}

/// The occupant's own.
struct Own {
    index: usize,
    system: Cell<Option<NonNull<System>>>,
    /// Where the jobs of the frame that runs now begin on the stack.
    floor: Cell<Position>,
    frame: Cell<Option<&'static FrameRecord>>,
    /// The same two of what runs around it, outermost first.
    outer: UnsafeCell<Vec<(Position, Option<&'static FrameRecord>)>>,
    tally: Tally,
    shares: UnsafeCell<Vec<&'static Share>>,
    records: UnsafeCell<Vec<&'static FrameRecord>>,
    free_records: UnsafeCell<Vec<&'static FrameRecord>>,
    rings: Rings,
    chunks: Chunks,
    random: Cell<u64>,
    loop_costs: LoopCosts,
    session: Session,
    /// Jobs since the last low one.
    low_turn: Cell<u32>,
    /// The seat whose thread was called before it had begun, and when.
    called: Cell<Option<(usize, Instant)>>,
    /// Whether one of the last haul's jobs was a loop's ticket.
    took_part: Cell<bool>,
}

// SAFETY: `own` is touched through `Worker` alone, of which there is one a seat at a time, and a
// seat changes hands through an acquire-release exchange (`Idle`). The rest is atomic.
unsafe impl Sync for Seat {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Seat {}

impl Seat {
    pub(crate) fn new(index: usize, rings: Rings, chunks: Chunks) -> Self {
        let own = Own {
            index,
            system: Cell::new(None),
            floor: Cell::new(0),
            frame: Cell::new(None),
            outer: UnsafeCell::new(Vec::new()),
            tally: Tally::new(),
            shares: UnsafeCell::new(Vec::new()),
            records: UnsafeCell::new(Vec::new()),
            free_records: UnsafeCell::new(Vec::new()),
            rings,
            chunks,
            random: Cell::new(0x9E37_79B9_7F4A_7C15 ^ (index as u64 + 1)),
            loop_costs: LoopCosts::new(),
            session: Session::new(),
            low_turn: Cell::new(0),
            called: Cell::new(None),
            took_part: Cell::new(false),
        };
        Self {
            deque: JobDeque::default(),
            own,
            mail: Inbox::new(),
            counters: CachePadded::new(Counters::new()),
            trace: Recorder::new(index),
            mark: Mark::new(),
            bed: CachePadded::new(Parker::new()),
            berth: Berth::new(),
            parker: CachePadded::new(Parker::new()),
            pace: AtomicU32::new(0),
            waits_in: AtomicPtr::new(null_mut()),
        }
    }

    /// Tells the seat which system it is in.
    ///
    /// # Safety
    /// Called once by whoever has the seat before its first occupant; the system outlives the seat.
    pub(crate) unsafe fn install(&self, system: NonNull<System>, watched: bool) {
        let sharing = if watched {
            Sharing::Eager
        } else {
            Sharing::Off
        };
        self.own.system.set(Some(system));
        // SAFETY: no occupant yet, so this is the only view.
        unsafe { self.deque.owner() }.set_sharing(sharing);
    }

    /// The occupant's view.
    ///
    /// # Safety
    /// The caller has taken the seat (`Idle::take_seat`, or a guest's seat from the guests' list),
    /// and uses the view on this thread, until it leaves the seat.
    pub(crate) unsafe fn occupy(&self) -> &Worker {
        // SAFETY: `Worker` is a transparent wrapper of `Seat`.
        unsafe { &*std::ptr::from_ref(self).cast::<Worker>() }
    }

    /// Whether the occupant's jobs were lately so short that moving one costs more than running it.
    pub(crate) fn has_tiny_jobs(&self) -> bool {
        (1..TINY).contains(&self.pace.load(Ordering::Relaxed))
    }

    pub(crate) fn index(&self) -> usize {
        self.own.index
    }

    /// Whether the occupant sleeps in a frame that would let it run a job of `frame`.
    pub(crate) fn would_help(&self, frame: &FrameRecord) -> bool {
        self.waits_in()
            .is_some_and(|waits_in| frame.is_within(waits_in))
    }

    /// In which frame the occupant sleeps, or slept last.
    pub(crate) fn waits_in(&self) -> Option<&FrameRecord> {
        let record = NonNull::new(self.waits_in.load(Ordering::Relaxed))?;
        // SAFETY: records are freed with their system, which outlives all who ask.
        Some(unsafe { record.as_ref() })
    }
}

/// The occupant of a seat.
#[repr(transparent)]
pub(crate) struct Worker {
    seat: Seat,
    _on_this_thread: PhantomData<*const ()>,
}

impl Worker {
    #[inline(always)]
    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }

    #[inline(always)]
    pub(crate) fn index(&self) -> usize {
        self.seat.own.index
    }

    #[inline(always)]
    pub(crate) fn system(&self) -> &System {
        let system = self.seat.own.system.get();
        let system = system.expect("bywash: a seat is installed before it is taken");
        // SAFETY: `install` was told that the system outlives the seat.
        unsafe { system.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn deque(&self) -> <JobDeque as Deque>::Owner<'_> {
        // SAFETY: `Worker` is the seat's one occupant and stays on its thread.
        unsafe { self.seat.deque.owner() }
    }

    #[inline(always)]
    pub(crate) fn floor(&self) -> Position {
        self.seat.own.floor.get()
    }

    /// The frame that runs now, if any.
    pub(crate) fn frame(&self) -> Option<&'static FrameRecord> {
        self.seat.own.frame.get()
    }

    /// Turns to the jobs of `frame`, which begin at `floor`, until [`Worker::leave_frame`].
    pub(crate) fn enter(&self, floor: Position, frame: Option<&'static FrameRecord>) {
        let own = &self.seat.own;
        let outer = (own.floor.replace(floor), own.frame.replace(frame));
        // SAFETY: the borrow ends with this statement.
        unsafe { &mut *own.outer.get() }.push(outer);
    }

    /// Turns back to what it was turned to before.
    pub(crate) fn leave_frame(&self) {
        let own = &self.seat.own;
        // SAFETY: the borrow ends with this statement.
        let outer = unsafe { &mut *own.outer.get() }.pop();
        let (floor, frame) = outer.expect("bywash: a worker leaves what it entered");
        own.floor.set(floor);
        own.frame.set(frame);
    }

    /// How far down a wait in `waiting` may go on this worker's stack: through every frame entered
    /// last that is `waiting` or nested in it.
    #[cold]
    pub(crate) fn lowest_floor_in(&self, waiting: &FrameRecord) -> Position {
        let own = &self.seat.own;
        // SAFETY: the borrow ends within this function, which calls nothing that comes back here.
        let outer = unsafe { &*own.outer.get() };
        let entered = outer.iter().rev().copied();
        std::iter::once((own.floor.get(), own.frame.get()))
            .chain(entered)
            .take_while(|(_, frame)| frame.is_some_and(|frame| frame.is_within(waiting)))
            .last()
            .map_or(own.floor.get(), |(floor, _)| floor)
    }

    /// After a wait that went below: what is pushed from now on lies above every floor again.
    #[cold]
    pub(crate) fn lower_floors(&self) {
        let own = &self.seat.own;
        let position = self.deque().position();
        own.floor.set(own.floor.get().min(position));
        // SAFETY: as above.
        let outer = unsafe { &mut *own.outer.get() };
        for (floor, _) in outer.iter_mut().rev() {
            if *floor <= position {
                break;
            }
            *floor = position;
        }
    }

    #[inline(always)]
    pub(crate) fn tally(&self) -> &Tally {
        &self.seat.own.tally
    }

    /// This worker's share of `record`'s frame, made at the first touch. Allocates only when more
    /// frames live on this worker than ever before.
    pub(crate) fn share_of(&self, record: &'static FrameRecord) -> &'static Share {
        // SAFETY: the borrow ends within this function, which calls nothing that comes back here.
        let shares = unsafe { &mut *self.seat.own.shares.get() };
        let mut outlived = None;
        for &share in shares.iter() {
            if share.serves(record) {
                return share;
            }
            if outlived.is_none() && share.is_outlived() {
                outlived = Some(share);
            }
        }
        let share = match outlived {
            Some(share) => {
                // SAFETY: it is outlived, as was just seen, and this is its worker.
                unsafe { share.turn_to(record) };
                share
            }
            None => {
                let chunks = self.seat.own.chunks.clone();
                let share = &*Box::leak(Box::new(Share::new(record, chunks)));
                shares.push(share);
                share
            }
        };
        record.enrol(share);
        share
    }

    /// A record for a new frame in `parent`. Allocates only when frames nest deeper than ever.
    pub(crate) fn open_record(&self, parent: Option<&'static FrameRecord>) -> &'static FrameRecord {
        // SAFETY: the borrow ends with this statement.
        let free = unsafe { &mut *self.seat.own.free_records.get() }.pop();
        let record = free.unwrap_or_else(|| {
            // SAFETY: the borrow ends within this block, which calls nothing that comes back here.
            let records = unsafe { &mut *self.seat.own.records.get() };
            let record = &*Box::leak(Box::new(FrameRecord::new()));
            records.push(record);
            record
        });
        record.open(parent);
        record
    }

    /// Ends the frame and keeps its record for the next one. Returns the panic nobody claimed.
    pub(crate) fn close_record(&self, record: &'static FrameRecord) -> Option<Box<dyn Any + Send>> {
        let panic = record.close();
        // SAFETY: the borrow ends with this statement.
        unsafe { &mut *self.seat.own.free_records.get() }.push(record);
        panic
    }

    /// A context of this worker in the frame that `record` stands for.
    ///
    /// # Safety
    /// The frame is open, and stays so while the context is in use.
    #[inline(always)]
    pub(crate) unsafe fn context_in<'frame>(&self, share: &'static Share) -> Context<'frame> {
        // SAFETY: seats outlive every frame of their system, so the worker may be lent for one.
        let worker = unsafe { &*std::ptr::from_ref(self) };
        Context::new(worker, share)
    }

    /// Whom this worker steals from, and wakes.
    pub(crate) fn rings(&self) -> &Rings {
        &self.seat.own.rings
    }

    /// Says how long a long run of this worker's jobs took.
    pub(crate) fn say_pace(&self, jobs: u64, elapsed: Duration) {
        let nanos = elapsed.as_nanos() as u64 / jobs.max(1);
        let nanos = u32::try_from(nanos).unwrap_or(u32::MAX);
        self.seat.pace.store(nanos.max(1), Ordering::Relaxed);
    }

    pub(crate) fn count(&self, what: Did, times: u64) {
        self.seat.counters.count(what, times);
    }

    /// Whether it is a low job's turn, which is once in `turns`.
    pub(crate) fn is_low_turn(&self, turns: u32) -> bool {
        let turn = self.seat.own.low_turn.get() + 1;
        self.seat.own.low_turn.set(turn % turns);
        turn == turns
    }

    /// The seat whose thread this worker called before it had begun, and when, if it is still to be looked at.
    pub(crate) fn called(&self) -> Option<(usize, Instant)> {
        self.seat.own.called.get()
    }

    pub(crate) fn set_called(&self, called: Option<(usize, Instant)>) {
        self.seat.own.called.set(called);
    }

    /// A loop's ticket runs: how soon its part is over tells nothing of what jobs cost here.
    pub(crate) fn say_took_part(&self) {
        self.seat.own.took_part.set(true);
    }

    /// Whether a loop's ticket ran since this was asked last.
    pub(crate) fn took_part(&self) -> bool {
        self.seat.own.took_part.take()
    }

    /// How this seat's root frames go.
    pub(crate) fn session(&self) -> &Session {
        &self.seat.own.session
    }

    /// What loops' bodies cost on this worker so far.
    pub(crate) fn loop_costs(&self) -> &LoopCosts {
        &self.seat.own.loop_costs
    }

    /// A cheap random number (xorshift64*; Vigna, *An experimental exploration of Marsaglia's
    /// xorshift generators*, 2016).
    pub(crate) fn random(&self) -> u64 {
        let mut state = self.seat.own.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.seat.own.random.set(state);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Says what this worker is about to sleep for.
    pub(crate) fn say_waiting(&self, what: *mut (), frame: Option<&FrameRecord>) {
        let frame = frame.map_or(null_mut(), |frame| std::ptr::from_ref(frame).cast_mut());
        self.system().say_awaited(self.index(), what);
        self.seat.waits_in.store(frame, Ordering::Relaxed);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        for &share in self.shares.get_mut().iter() {
            // SAFETY: leaked by `share_of`, once; the system has no occupant left, so nobody asks.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(share).cast_mut()) });
        }
        for &record in self.records.get_mut().iter() {
            // SAFETY: leaked by `open_record`, once; as above.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(record).cast_mut()) });
        }
    }
}
