//! One running loop: its slices, its body, and the workers who come to it.
//!
//! A loop that is worth sharing puts *tickets* on its caller's deque: the same job's address, two at
//! first. A ticket's run puts up two more, until there was one for each worker that could come, and
//! takes part in the loop; one that comes late finds nothing to claim and goes. So the descriptor
//! belongs to its tickets as well as to the caller, and only a claimed unit is leave to touch the body,
//! which lies on the caller's stack: the caller stays until every unit is done.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bywash_sync::atomic::{AtomicBool, Ordering};

use super::field::{Apart, Field, MOST_SLICES};
use super::hints::Partitioner;
use super::latch::{LoopLatch, Tickets};
use super::pace::Pace;
use crate::context::Context;
use crate::deque::{Deque, Owner};
use crate::job::{Header, JobRef, Ran};
use crate::memory::class_of;
use crate::payload::drop_quietly;
use crate::prefetch::{prefetch_to_read, prefetch_to_write};
use crate::wait::Awaited;

/// How long a caller looks on while others end their last chunks, before it helps with other jobs.
const LAST_CHUNKS: Duration = Duration::from_micros(5);

/// Runs these units of a body whose type was erased.
pub(super) type RunUnits = unsafe fn(*const (), &Context<'_>, Range<u32>);

/// A loop's descriptor. Lies in the frame's job memory.
#[repr(C)]
pub(super) struct Crew {
    head: Head,
    books: Apart<Books>,
    field: Field,
}

/// What does not change: one cache line.
#[repr(C)]
struct Head {
    header: Header,
    body: *const (),
    run_units: RunUnits,
    partitioner: Partitioner,
    first_chunk: u32,
}

/// What each participant writes when it comes and when it goes: another line, once there and once back.
struct Books {
    tickets: Tickets,
    latch: LoopLatch,
    cancelled: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
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
    call_two(crew, context);
    here.take_part(context);
    // Tickets that nobody took are still here: they go, so that they do not pile up.
    worker.drain(context, position, || false);
    here.wait_out(context);
    let hands = here.books.latch.hands();
    let panic = here
        .books
        .panic
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // SAFETY: this is the caller's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    (hands, panic.map_or(Ok(()), Err))
}

/// Gives out two tickets, if they are left. Whoever takes one calls two more: so all are called within
/// a few wake-ups' time, and none by a caller who is busy with a long body.
fn call_two(crew: NonNull<Crew>, context: &Context<'_>) {
    // SAFETY: in place while somebody holds it, as whoever calls this does.
    let here = unsafe { crew.as_ref() };
    let worker = context.worker();
    // Tickets that came in the same haul must not wait behind this one's body either.
    if worker.deque().expose_all() {
        worker.announce();
    }
    for _ in 0..2 {
        if !here.books.tickets.give_out() {
            return;
        }
        context.share().count_spawned(1);
        // Shown at once, however little this worker's deque shows unasked.
        worker.seat().deque.ask();
        // SAFETY: the descriptor stays until its last ticket has run. Each address on a deque is one
        // ticket, and a ticket's run only reads what is shared.
        worker.push(unsafe { JobRef::new(crew.cast()) });
    }
}

impl Crew {
    fn write(crew: NonNull<Self>, context: &Context<'_>, plan: &Plan, wanted: usize) {
        let units = &plan.units;
        let head = Head {
            header: context.header(run_ticket),
            body: plan.body,
            run_units: plan.run_units,
            partitioner: plan.partitioner,
            first_chunk: plan.first_chunk,
        };
        let books = Apart::new(Books {
            tickets: Tickets::new(wanted as u32 - 1),
            latch: LoopLatch::new(units.end - units.start),
            cancelled: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        // SAFETY: `take` gave room for a `Crew`, whose first field this is.
        unsafe { crew.cast::<Head>().write(head) };
        // SAFETY: as above; the books lie within it.
        let place = unsafe { crew.byte_add(std::mem::offset_of!(Self, books)) }.cast();
        // SAFETY: as above.
        unsafe { place.write(books) };
        // SAFETY: as above; the field lies within it.
        let field = unsafe { crew.byte_add(std::mem::offset_of!(Self, field)) }.cast();
        // SAFETY: as above; nobody else has the descriptor yet.
        unsafe { Field::write(field, units, wanted.min(MOST_SLICES)) };
    }

    /// Claims and runs units until none are left to claim.
    fn take_part(&self, context: &Context<'_>) {
        let worker = context.worker();
        let (places, slices) = (worker.system().places(), self.field.count());
        let own = places.slice_of(worker.index(), slices);
        let near = || places.slices_near(worker.rings(), slices);
        let claimed = Cell::new(0);
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let mut pace = Pace::new(self.head.partitioner, self.head.first_chunk);
            self.field.work(own, near, &mut pace, &claimed, |units| {
                self.run(context, units);
                // Others may be hungry, and what this worker has besides the loop waits for its end.
                if worker.deque().is_asked() && worker.deque().expose() {
                    worker.announce();
                }
            });
        }));
        self.books.tickets.close();
        if let Err(payload) = worked {
            claimed.set(claimed.get() + self.cancel(payload));
        }
        self.count_done(context, claimed.get());
    }

    /// Runs claimed units. Who claims counts them first: a chunk that panics was started, so it is
    /// not seen again.
    fn run(&self, context: &Context<'_>, units: Range<u32>) {
        if self.books.cancelled.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: these units are claimed and not yet counted as done, so the caller, with the body
        // on its stack, is still there.
        unsafe { (self.head.run_units)(self.head.body, context, units) };
    }

    /// Keeps the first panic and claims all that is left, unrun. Returns how much that was.
    fn cancel(&self, payload: Box<dyn Any + Send>) -> u64 {
        // What is on its way between two slices now is skipped where it arrives.
        self.books.cancelled.store(true, Ordering::Relaxed);
        let mut first = self
            .books
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let later = match &*first {
            None => first.replace(payload),
            Some(_) => Some(payload),
        };
        drop(first);
        later.into_iter().for_each(drop_quietly);
        self.field.clear()
    }

    /// Fetches at once, not one after another, what a newcomer is about to touch.
    fn fetch(&self, context: &Context<'_>) {
        prefetch_to_write(&raw const self.books);
        prefetch_to_read(self.head.body);
        self.field.fetch(context.worker().index());
    }

    fn count_done(&self, context: &Context<'_>, units: u64) {
        if units != 0 && self.books.latch.count_done(units) {
            context.worker().system().wake_who_waits_for(self.address());
        }
    }

    /// Nothing is left to claim: others end what they have claimed.
    fn wait_out(&self, context: &Context<'_>) {
        if self.is_over() {
            return;
        }
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
        let here = unsafe { crew.as_ref() };
        // SAFETY: a crew is no fork.
        let home = unsafe { here.head.header.home.get() };
        if here.books.tickets.let_go() {
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
        self.books.latch.is_over()
    }

    fn add_waiter(&self) {
        self.books.latch.expect_sleep();
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
    here.fetch(context);
    context.worker().say_took_part();
    if !here.is_over() {
        call_two(crew, context);
        here.take_part(context);
    }
    // SAFETY: this ticket's hold, given up once.
    unsafe { Crew::leave(crew, context) };
    Ran::JOB
}
