//! One running loop: its slices, its body, and the workers who come to it.
//!
//! A loop that is worth sharing puts *tickets* on its caller's deque: the same job's address, once
//! for each worker that could come. A ticket's run takes part in the loop; one that comes late finds
//! nothing to claim and goes. So the descriptor belongs to its tickets as well as to the caller, and
//! only a claimed unit is leave to touch the body, which lies on the caller's stack: the caller stays
//! until every unit is done.

use std::any::Any;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use super::hints::Partitioner;
use super::pace::Pace;
use super::slice::Slice;
use crate::context::Context;
use crate::job::{Header, JobRef, Ran};
use crate::memory::class_of;
use crate::wait::{Awaited, drop_quietly};

/// The most slices of one loop; more workers than that share slices.
const MOST_SLICES: usize = 64;

/// How long a caller looks on while others end their last chunks, before it helps with other jobs.
const LAST_CHUNKS: Duration = Duration::from_micros(5);

/// One participant, in the count of units done; the units are below it.
const HAND: u64 = 1 << 40;

/// Runs these units of a body whose type was erased.
pub(super) type RunUnits = unsafe fn(*const (), &Context<'_>, Range<u32>);

/// A loop's descriptor. Lies in the frame's job memory.
#[repr(C)]
pub(super) struct Crew {
    head: Head,
    /// Written up to `slice_count`, so that a loop among few costs few lines.
    slices: [MaybeUninit<CachePadded<Slice>>; MOST_SLICES],
}

/// All of it but the slices.
#[repr(C)]
struct Head {
    header: Header,
    body: *const (),
    run_units: RunUnits,
    partitioner: Partitioner,
    first_chunk: u32,
    units: u32,
    /// The caller and the tickets that have not gone yet.
    holders: AtomicU32,
    waited: AtomicBool,
    cancelled: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Units done, and in the upper bits how many took part.
    done: CachePadded<AtomicU64>,
    slice_count: usize,
}

/// What a loop is made of, before it is shared.
pub(super) struct Plan {
    pub(super) body: *const (),
    pub(super) run_units: RunUnits,
    pub(super) partitioner: Partitioner,
    /// Not empty, and at most 2^31.
    pub(super) units: Range<u32>,
    pub(super) first_chunk: u32,
}

/// Shares a loop with the system's workers, takes part, and returns when every unit is done: how
/// many took part, and the panic of a body.
///
/// # Safety
/// `plan.body` stays valid, and may be used by several threads at once, until this returns.
pub(super) unsafe fn share(
    context: &Context<'_>,
    plan: &Plan,
) -> (u64, Result<(), Box<dyn Any + Send>>) {
    let worker = context.worker();
    let wanted = worker.system().seats().len().min(plan.units.len());
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
    here.take_part(context);
    // Tickets that nobody took are still here: they go, so that they do not pile up.
    worker.drain(context, position, || false);
    here.wait_out(context);
    let hands = here.head.done.load(Ordering::Relaxed) / HAND;
    let panic = here
        .head
        .panic
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // SAFETY: this is the caller's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    (hands, panic.map_or(Ok(()), Err))
}

impl Crew {
    fn write(crew: NonNull<Self>, context: &Context<'_>, plan: &Plan, wanted: usize) {
        let units = &plan.units;
        let len = units.end - units.start;
        let slice_count = wanted.min(MOST_SLICES);
        // Slices are even in the number of units, and the same for the same worker each time.
        let border = |index: usize| {
            units.start + (u64::from(len) * index as u64 / slice_count as u64) as u32
        };
        let head = Head {
            header: context.header(run_ticket),
            body: plan.body,
            run_units: plan.run_units,
            partitioner: plan.partitioner,
            first_chunk: plan.first_chunk,
            units: len,
            holders: AtomicU32::new(wanted as u32),
            waited: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            panic: Mutex::new(None),
            done: CachePadded::new(AtomicU64::new(0)),
            slice_count,
        };
        // SAFETY: `take` gave room for a `Crew`, whose first field this is.
        unsafe { crew.cast::<Head>().write(head) };
        // SAFETY: slices may be uninitialised, and nobody else has the descriptor yet.
        let slices = unsafe { &mut (*crew.as_ptr()).slices };
        for (index, slice) in slices[..slice_count].iter_mut().enumerate() {
            slice.write(CachePadded::new(Slice::new(
                border(index)..border(index + 1),
            )));
        }
    }

    fn slice(&self, index: usize) -> &Slice {
        // SAFETY: `write` wrote all that `slice_count` counts, and every caller stays below it.
        unsafe { self.slices[..self.head.slice_count][index].assume_init_ref() }
    }

    /// Claims and runs units until none are left to claim.
    fn take_part(&self, context: &Context<'_>) {
        let own = context.worker().index() % self.head.slice_count;
        let claimed = Cell::new(0);
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let mut pace = Pace::new(self.head.partitioner, self.head.first_chunk, Instant::now());
            loop {
                while let Some(units) = self.slice(own).take_front(|left| pace.want(left)) {
                    claimed.set(claimed.get() + u64::from(units.end - units.start));
                    self.run(context, units);
                    pace.step();
                }
                let Some(mut units) = self.rob(own) else {
                    return;
                };
                if self.slice(own).put(&units) {
                    continue;
                }
                // Another worker shares this slice and was faster: what was claimed is run from here.
                claimed.set(claimed.get() + u64::from(units.end - units.start));
                while !units.is_empty() {
                    let cut = units.start + pace.want(units.end - units.start);
                    self.run(context, units.start..cut);
                    units.start = cut;
                    pace.step();
                }
            }
        }));
        if let Err(payload) = worked {
            claimed.set(claimed.get() + self.cancel(payload));
        }
        self.count_done(context, claimed.get());
    }

    /// Runs claimed units. Who claims counts them first: a chunk that panics was started, so it is
    /// not seen again.
    fn run(&self, context: &Context<'_>, units: Range<u32>) {
        if self.head.cancelled.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: these units are claimed and not yet counted as done, so the caller, with the body
        // on its stack, is still there.
        unsafe { (self.head.run_units)(self.head.body, context, units) };
    }

    /// The back half of the nearest slice that has any.
    fn rob(&self, own: usize) -> Option<Range<u32>> {
        (1..self.head.slice_count)
            .map(|step| self.slice((own + step) % self.head.slice_count))
            .find_map(Slice::take_back_half)
    }

    /// Keeps the first panic and claims all that is left, unrun. Returns how much that was.
    fn cancel(&self, payload: Box<dyn Any + Send>) -> u64 {
        // What is on its way between two slices now is skipped where it arrives.
        self.head.cancelled.store(true, Ordering::Relaxed);
        let mut first = self
            .head
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let later = match &*first {
            None => first.replace(payload),
            Some(_) => Some(payload),
        };
        drop(first);
        later.into_iter().for_each(drop_quietly);
        let mut unrun = 0;
        for index in 0..self.head.slice_count {
            while let Some(units) = self.slice(index).take_front(|left| left) {
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
        let done = self.head.done.fetch_add(units + HAND, Ordering::AcqRel) + units;
        if done % HAND == u64::from(self.head.units) {
            // SeqCst: pairs with the fence in `Idle::start_waiting`.
            fence(Ordering::SeqCst);
            if self.head.waited.load(Ordering::Relaxed) {
                context.worker().system().wake_who_waits_for(self.address());
            }
        }
    }

    /// Nothing is left to claim: others end what they have claimed.
    fn wait_out(&self, context: &Context<'_>) {
        let since = Instant::now();
        while !self.is_over() {
            if since.elapsed() > LAST_CHUNKS {
                return context.wait_for(self);
            }
            bywash_sync::hint::spin_loop();
        }
    }

    /// Gives one hold up; the last gives the descriptor's memory back.
    ///
    /// # Safety
    /// The caller has a hold, and uses the descriptor no more.
    unsafe fn leave(crew: NonNull<Self>, context: &Context<'_>) {
        // SAFETY: in place until the last hold is given up.
        let head = unsafe { &(*crew.as_ptr()).head };
        let home = head.header.home;
        // AcqRel: all use of the descriptor by other holders comes before its end here.
        if head.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: nobody else holds it.
            unsafe { crew.drop_in_place() };
            // SAFETY: it came from `take::<Crew>` of its home.
            unsafe {
                context
                    .share()
                    .give_home(crew.cast(), class_of::<Crew>(), home)
            };
        }
    }
}

impl Awaited for Crew {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn is_over(&self) -> bool {
        // Acquire: pairs with the AcqRel in `count_done`.
        self.head.done.load(Ordering::Acquire) % HAND == u64::from(self.head.units)
    }

    fn add_waiter(&self) {
        self.head.waited.store(true, Ordering::Relaxed);
    }
}

/// Takes part in the loop once.
///
/// # Safety
/// As [`Run`](crate::job::Run) demands; `job` is one ticket of a `Crew`.
unsafe fn run_ticket(job: JobRef, context: &Context<'_>) -> Ran {
    let crew = job.cast::<Crew>();
    // SAFETY: in place until its last holder goes, and this ticket is one.
    let here = unsafe { crew.as_ref() };
    if !here.is_over() {
        here.take_part(context);
    }
    // SAFETY: this ticket's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    Ran::JOB
}
