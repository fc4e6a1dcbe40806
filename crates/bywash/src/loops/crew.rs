//! One running loop: its slices, its body, and the workers who come to it.
//!
//! A loop that is worth sharing puts *tickets* on its caller's deque: the same job's address, once
//! for each worker that could come. A ticket's run takes part in the loop; one that comes late finds
//! nothing to claim and goes. So the descriptor belongs to its tickets as well as to the caller, and
//! only a claimed unit is leave to touch the body, which lies on the caller's stack: the caller stays
//! until every unit is done.

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null};
use std::sync::{Mutex, PoisonError};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use super::pace::{Pace, Partitioner};
use super::slice::Slice;
use crate::context::Context;
use crate::job::{Header, JobRef};
use crate::wait::{Awaited, drop_quietly};

/// The most slices of one loop.
const MOST_SLICES: usize = 64;

/// Runs these units of a body whose type was erased.
pub(super) type RunUnits = unsafe fn(*const (), &Context<'_>, Range<u32>);

/// A loop's descriptor. Lies in the frame's job memory.
#[repr(C)]
pub(super) struct Crew {
    header: Header,
    body: *const (),
    run_units: RunUnits,
    partitioner: Partitioner,
    units: u64,
    /// The caller and the tickets that have not gone yet.
    holders: AtomicU32,
    waited: AtomicBool,
    cancelled: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    done: CachePadded<AtomicU64>,
    slices: [CachePadded<Slice>; MOST_SLICES],
    slice_count: usize,
    _body: PhantomData<*const ()>,
}

/// What a loop is made of, before it is shared.
pub(super) struct Plan {
    pub(super) body: *const (),
    pub(super) run_units: RunUnits,
    pub(super) partitioner: Partitioner,
    pub(super) units: Range<u32>,
    pub(super) first_chunk: u32,
}

/// Shares a loop with the system's workers, takes part, and returns when every unit is done.
/// The panic of a body comes back after that.
///
/// # Safety
/// `plan.body` stays valid, and may be used by several threads at once, until this returns.
pub(super) unsafe fn share(context: &Context<'_>, plan: &Plan) -> Result<(), Box<dyn Any + Send>> {
    let worker = context.worker();
    let seats = worker.system().seats().len();
    let wanted = seats.min(plan.units.len()).min(MOST_SLICES);
    let crew = context.share().take::<Crew>();
    Crew::write(crew, context, plan, wanted);
    // SAFETY: just written; in place until the last holder goes, which the caller's hold prevents.
    let here = unsafe { crew.as_ref() };
    let position = worker.deque().position();
    context.share().count_spawned(wanted as u64 - 1);
    for _ in 1..wanted {
        // SAFETY: the descriptor stays until its last ticket has run. Each address on the deque is
        // one ticket, and a ticket's run only reads what is shared.
        worker.push(unsafe { JobRef::new(crew.cast()) });
    }
    here.take_part(context, plan.first_chunk);
    // Tickets that nobody took are still here: they go, so that they do not pile up.
    worker.drain(context, position, || false);
    context.wait_for(here);
    let panic = here
        .panic
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // SAFETY: this is the caller's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    panic.map_or(Ok(()), Err)
}

impl Crew {
    fn write(crew: NonNull<Self>, context: &Context<'_>, plan: &Plan, wanted: usize) {
        let units = &plan.units;
        let len = units.end - units.start;
        // Slice borders are even in the number of units; the caller's own slice comes first.
        let border =
            |index: usize| units.start + (u64::from(len) * index as u64 / wanted as u64) as u32;
        let first = context.worker().index() % wanted;
        let slices = std::array::from_fn(|index| {
            let units = if index < wanted {
                let nth = (index + wanted - first) % wanted;
                border(nth)..border(nth + 1)
            } else {
                0..0
            };
            CachePadded::new(Slice::new(units))
        });
        let header = Header {
            run: run_ticket,
            frame: context.share().record(),
        };
        let value = Self {
            header,
            body: plan.body,
            run_units: plan.run_units,
            partitioner: plan.partitioner,
            units: u64::from(len),
            holders: AtomicU32::new(wanted as u32),
            waited: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            panic: Mutex::new(None),
            done: CachePadded::new(AtomicU64::new(0)),
            slices,
            slice_count: wanted,
            _body: PhantomData,
        };
        // SAFETY: `take` gave room for exactly this.
        unsafe { crew.write(value) };
    }

    fn slices(&self) -> &[CachePadded<Slice>] {
        &self.slices[..self.slice_count]
    }

    /// Claims and runs units until none are left to claim.
    fn take_part(&self, context: &Context<'_>, first_chunk: u32) {
        let own = context.worker().index() % self.slice_count;
        let claimed = Cell::new(0_u64);
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let mut pace = Pace::new(self.partitioner, first_chunk);
            loop {
                while let Some(units) = self.slices()[own].take_front(|left| pace.want(left)) {
                    self.run(context, units, &claimed);
                    pace.step();
                }
                let Some(units) = self.rob(own) else { return };
                if !self.slices()[own].put(&units) {
                    // A guest shares this slice: what was claimed is run as it is.
                    self.run(context, units, &claimed);
                }
            }
        }));
        if let Err(payload) = worked {
            claimed.set(claimed.get() + self.cancel(payload));
        }
        self.count_done(context, claimed.get());
    }

    fn run(&self, context: &Context<'_>, units: Range<u32>, claimed: &Cell<u64>) {
        // Counted before it runs: a chunk that panics was started, so it is not seen again.
        claimed.set(claimed.get() + u64::from(units.end - units.start));
        // SAFETY: these units are claimed and not yet counted as done, so the caller, with the body
        // on its stack, is still there.
        unsafe { (self.run_units)(self.body, context, units) };
    }

    /// The back half of the nearest slice that has any.
    fn rob(&self, own: usize) -> Option<Range<u32>> {
        (1..self.slice_count)
            .map(|step| &self.slices()[(own + step) % self.slice_count])
            .find_map(|slice| slice.take_back_half())
    }

    /// Keeps the first panic and claims all that is left, unrun. Returns how much that was.
    fn cancel(&self, payload: Box<dyn Any + Send>) -> u64 {
        let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
        let later = match &*first {
            None => first.replace(payload),
            Some(_) => Some(payload),
        };
        drop(first);
        later.into_iter().for_each(drop_quietly);
        self.cancelled.store(true, Ordering::Relaxed);
        let mut unrun = 0;
        for slice in self.slices() {
            while let Some(units) = slice.take_front(|left| left) {
                unrun += u64::from(units.end - units.start);
            }
        }
        unrun
    }

    fn count_done(&self, context: &Context<'_>, units: u64) {
        if units == 0 {
            return;
        }
        // AcqRel: pairs with the Acquire in `is_over`; the caller then sees what the bodies did.
        let done = self.done.fetch_add(units, Ordering::AcqRel) + units;
        if done == self.units {
            // SeqCst: pairs with the fence in `Idle::start_waiting`.
            fence(Ordering::SeqCst);
            if self.waited.load(Ordering::Relaxed) {
                context.worker().system().wake_who_waits_for(self.address());
            }
        }
    }

    /// Gives one hold up; the last gives the descriptor's memory back.
    ///
    /// # Safety
    /// The caller has a hold, and uses the descriptor no more.
    unsafe fn leave(crew: NonNull<Self>, context: &Context<'_>) {
        // SAFETY: in place until the last hold is given up.
        let holders = unsafe { &(*crew.as_ptr()).holders };
        // AcqRel: all use of the descriptor by other holders comes before its end here.
        if holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: nobody else holds it.
            unsafe { crew.drop_in_place() };
            // SAFETY: it came from `take::<Crew>` in this frame.
            unsafe { context.share().give(crew) };
        }
    }
}

impl Awaited for Crew {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn is_over(&self) -> bool {
        // Acquire: pairs with the AcqRel in `count_done`.
        self.done.load(Ordering::Acquire) == self.units
    }

    fn add_waiter(&self) {
        self.waited.store(true, Ordering::Relaxed);
    }
}

/// Takes part in the loop once.
///
/// # Safety
/// As [`Run`](crate::job::Run) demands; `job` is one ticket of a `Crew`.
unsafe fn run_ticket(job: JobRef, context: &Context<'_>) -> u64 {
    context.worker().tally().turn_to(null(), context);
    let crew = job.cast::<Crew>();
    // SAFETY: in place until its last holder goes, and this ticket is one.
    unsafe { crew.as_ref() }.take_part(context, 1);
    // SAFETY: this ticket's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    1
}
