//! A wait helps: own jobs first, then what others made public, and only of the frame it waits in.
//!
//! The loop ends with sleep, never before a last look at everything that could end the wait or feed
//! it. It never waits for one particular worker to be scheduled while there is work it may run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::counter::Counter;
use crate::deque::{Haul, Owner, Position, Steal};
use crate::job::{JobRef, Ran};
use crate::patience::{Patience, Pause};
use crate::prefetch::prefetch_to_write;
use crate::record::FrameRecord;
use crate::stats::Did;
use crate::trace::What;
use crate::worker::{Seat, Worker};

/// The most jobs that one steal takes.
const HAUL: usize = 64;

/// So many jobs at once are worth being timed.
const LONG_RUN: usize = 256;

/// So often a wait looks whether it is over before it turns to other work.
const LOOKS: u32 = if cfg!(bywash_shuttle) { 1 } else { 8 };

/// Something that a job can wait for.
pub(crate) trait Awaited {
    /// What a sleeper is known by to whoever ends its wait.
    fn address(&self) -> *mut ();

    /// Whether the wait is over. Acquires what ended it.
    fn is_over(&self) -> bool;

    /// A cheap form of [`Awaited::is_over`], asked by `worker` after each job; it may say no too often.
    #[inline(always)]
    fn is_over_already(&self, _worker: &Worker) -> bool {
        self.is_over()
    }

    /// Says that somebody is about to sleep. Whoever ends the wait from now on wakes those who wait
    /// for this address; a full fence and a last look follow before the sleep.
    fn add_waiter(&self);

    /// The sleeper is up again.
    fn remove_waiter(&self) {}
}

impl<'frame> Context<'frame> {
    /// Returns when every job that `counter` counts has ended; runs jobs of this frame meanwhile,
    /// and sleeps when there are none. A job's panic is not rethrown here: it comes out at the
    /// frame's end.
    ///
    /// Jobs that are run meanwhile run on top of this one, on the same stack. So a job may wait for what
    /// it spawned, but chains of jobs that wait for one another side by side can come to lie on top of
    /// the one they wait for: let such a chain continue by [`Context::spawn_after`] instead.
    ///
    /// # Panics
    /// If this job, or one below it on this stack, is counted by `counter`: it would wait for ever.
    #[inline]
    pub fn wait(&self, counter: &'frame Counter) {
        if counter.is_zero() {
            return self.wait_for(counter);
        }
        assert!(
            !self.worker().tally().is_within(counter),
            "a job waits for the counter that counts it, which cannot become zero before the job ends: \
             use spawn_after, or another counter for what it spawned"
        );
        if std::ptr::eq(counter.frame(), self.share().record()) {
            self.wait_for(counter);
        } else {
            self.wait_around(counter);
        }
    }

    /// Waits for a counter of a frame around this one: helps with that frame's jobs, some of which may
    /// lie below this one's on the stack.
    #[cold]
    fn wait_around(&self, counter: &'frame Counter) {
        let worker = self.worker();
        let share = worker.share_of(counter.frame());
        // SAFETY: the counter is borrowed for longer than this call, so its frame is open.
        let context = unsafe { worker.context_in(share) };
        context.wait_for(counter);
    }

    /// Runs a job of this frame, if there is one that has not begun: an own one, or one that others
    /// made public. Returns whether there was. Else yields the processor.
    pub fn yield_now(&self) -> bool {
        let worker = self.worker();
        if let Some(job) = worker.pop(worker.floor()) {
            worker.run_apart(job);
            return true;
        }
        let helped = worker.help(self);
        if !helped {
            bywash_sync::thread::yield_now();
        }
        helped
    }

    /// Helps until `awaited` is over.
    pub(crate) fn wait_for(&self, awaited: &impl Awaited) {
        let worker = self.worker();
        let floor = worker.floor();
        if !awaited.is_over_already(worker) {
            worker.drain(self, floor, || awaited.is_over_already(worker));
            if !is_over_soon(awaited) {
                self.wait_long(awaited);
            }
        }
        worker.deque().settle(floor);
    }

    #[cold]
    fn wait_long(&self, awaited: &impl Awaited) {
        let worker = self.worker();
        let system = worker.system();
        let mut patience = Patience::new(system.wait_policy());
        let frame = self.share().record();
        while !awaited.is_over() {
            if worker.deque().expose() {
                worker.announce();
            }
            worker.read_mail();
            if worker.deque().position() > worker.lowest_floor_in(frame) || worker.help(self) {
                patience.reset();
            } else if patience.pause(system.stretches().is_any()) == Pause::Sleep {
                self.sleep_for(awaited);
                patience.reset();
            }
            // What this wait may run can lie below what an inner frame's body may: nobody else would
            // come for it.
            worker.drain(self, worker.lowest_floor_in(frame), || {
                awaited.is_over_already(worker)
            });
            worker.lower_floors();
        }
    }

    fn sleep_for(&self, awaited: &impl Awaited) {
        let worker = self.worker();
        let (system, seat, frame) = (worker.system(), worker.index(), self.share().record());
        worker.say_waiting(awaited.address(), Some(frame));
        awaited.add_waiter();
        let _span = worker.seat().trace.span(What::Sleep);
        system
            .idle()
            .sleep_in_wait(seat, &worker.seat().parker, || {
                let stays_up = awaited.is_over()
                    || system.has_work_for(frame)
                    || !worker.seat().mail.is_empty();
                worker.count(Did::Sleep, u64::from(!stays_up));
                stays_up
            });
        awaited.remove_waiter();
    }
}

/// Looks on for a moment: who is about to end the wait would lose more by being looked at for work.
fn is_over_soon(awaited: &impl Awaited) -> bool {
    (0..LOOKS).any(|_| {
        let is_over = awaited.is_over();
        if !is_over {
            bywash_sync::hint::spin_loop();
        }
        is_over
    })
}

impl Worker {
    /// Takes this worker's newest job above `floor`. Who looked while what was public was taken back may have
    /// gone to sleep over it, and the job may block until another has run: so somebody is told again.
    #[inline(always)]
    fn pop(&self, floor: Position) -> Option<JobRef> {
        self.deque().pop(floor, || self.announce())
    }

    /// Makes a job runnable by anybody. If that made work public, somebody may have to be woken.
    #[inline(always)]
    pub(crate) fn push(&self, job: JobRef) {
        if self.deque().push(job) {
            self.announce();
        }
    }

    /// The same for a fork.
    #[inline(always)]
    pub(crate) fn push_fork(&self, fork: JobRef) {
        if self.deque().push(fork) {
            self.announce_fork(fork);
        }
    }

    /// Between two jobs of `frame`, when somebody has asked: a thief, a lane, or this worker itself.
    #[cold]
    #[inline(never)]
    fn answer(&self, frame: &FrameRecord) {
        self.deque().answer();
        self.look_at_lanes(frame);
        self.announce();
    }

    /// Runs this worker's jobs above `floor`, newest first, until there are none or `is_over`; then
    /// adds up what it ran.
    #[inline]
    pub(crate) fn drain(&self, context: &Context<'_>, floor: Position, is_over: impl Fn() -> bool) {
        let position = self.deque().position();
        if position <= floor {
            return self.deque().rest();
        }
        // One alone is about to be run.
        if position - floor > 1 && self.deque().expose() {
            self.announce();
        }
        let is_long = position - floor >= LONG_RUN;
        let begun = is_long.then(Instant::now);
        let mut executed = 0;
        // What was added up may have started a continuation here.
        while self.deque().position() > floor && !is_over() {
            self.tally().interrupt(context, || {
                // One landing pad for all the jobs: the loop is entered again after a panic.
                while let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
                    self.run_down(context, floor, &is_over, &mut executed);
                })) {
                    self.tally().add_panicked(context);
                    context.share().adopt_unknown();
                    context.share().record().keep_panic(payload);
                }
            });
        }
        if let Some(begun) = begun {
            self.say_pace(executed, begun.elapsed());
        }
        if executed != 0 {
            self.count(Did::Run, executed);
            context.share().count_executed(executed);
        }
    }

    #[inline(always)]
    fn run_down(
        &self,
        context: &Context<'_>,
        floor: Position,
        is_over: &impl Fn() -> bool,
        executed: &mut u64,
    ) {
        let share = context.share();
        let mut ended = Ended {
            jobs: 0,
            sum: executed,
        };
        loop {
            // Before a job is taken: what a lane's job waits for must not be in this one's hand.
            if self.deque().is_asked() {
                self.answer(share.record());
                // What was on top when the last job was tallied may have gone since.
                self.tally().turn_to(std::ptr::null(), context);
            }
            let Some(job) = self.pop(floor) else {
                return;
            };
            ended.jobs += 1;
            let ran = if std::ptr::eq(job.home(), share) {
                let _span = self.seat().trace.span(What::Job);
                // SAFETY: the job left the deque, so this is its one run, in its own frame.
                unsafe { job.run(context) }
            } else {
                self.run_foreign(job, context)
            };
            if !ran.is_plain() {
                ended.jobs -= 1 - ran.jobs();
                if ran.is_tallied() {
                    let next = self.deque().peek(floor);
                    self.tally().turn_towards(next, context);
                }
            }
            if is_over() {
                return;
            }
        }
    }

    /// Runs a job that was spawned on another worker, or into a frame around this one.
    #[inline(never)]
    fn run_foreign(&self, job: JobRef, context: &Context<'_>) -> Ran {
        let share = context.share();
        if !std::ptr::eq(job.frame(), share.record()) {
            self.run_apart(job);
            return Ran::UNCOUNTED;
        }
        let is_own = std::ptr::eq(job.home(), share);
        let _span = self.seat().trace.span(What::Job);
        // SAFETY: the job left the deque, so this is its one run, in its own frame.
        let ran = unsafe { job.run(context) };
        if let Some(class) = ran.class().filter(|_| !is_own) {
            share.adopt(class);
        }
        ran
    }

    /// Runs `job` at once if it lies uppermost and nobody is hungry; returns whether it did. What lies below
    /// the floor is left to a wait, which lowers it.
    ///
    /// # Safety
    /// A job of `context`'s frame that never unwinds, pushed on this worker or not.
    #[inline(always)]
    pub(crate) unsafe fn run_if_on_top(&self, job: JobRef, context: &Context<'_>) -> bool {
        let deque = self.deque();
        if deque.is_asked() || deque.position() <= self.floor() || !deque.pop_if(job.address()) {
            return false;
        }
        // SAFETY: the job left the deque, so this is its one run; in its own frame, as the caller says.
        let ran = self
            .tally()
            .interrupt(context, || unsafe { job.run(context) });
        self.count(Did::Run, 1);
        context.share().count_executed(ran.jobs());
        true
    }

    /// Runs one job that need not be of the frame that runs now: above a floor of its own.
    #[cold]
    pub(crate) fn run_apart(&self, job: JobRef) {
        let record = job.frame();
        self.enter(self.deque().position(), Some(record));
        let share = self.share_of(record);
        // SAFETY: a job's frame is open until the job is counted, which `run_one` does last.
        let context = unsafe { self.context_in(share) };
        self.run_one(job, &context);
        self.drain(&context, self.floor(), || false);
        self.leave_frame();
        self.tell_frame(record);
    }

    pub(crate) fn run_one(&self, job: JobRef, context: &Context<'_>) {
        let ran = self.tally().interrupt(context, || {
            catch_unwind(AssertUnwindSafe(|| self.run_foreign(job, context))).unwrap_or_else(
                |payload| {
                    self.tally().add_panicked(context);
                    context.share().adopt_unknown();
                    context.share().record().keep_panic(payload);
                    Ran::JOB
                },
            )
        });
        context.share().count_executed(ran.jobs());
    }

    /// Steals once around the ring for a wait in `context`'s frame, and runs what it gets.
    /// Returns whether it got anything.
    fn help(&self, context: &Context<'_>) -> bool {
        let frame = context.share().record();
        let wants = |label: *mut ()| {
            // SAFETY: labels are records, which are freed with the system.
            unsafe { &*label.cast::<FrameRecord>() }.is_within(frame)
        };
        if self.run_high(Some(frame)) {
            return true;
        }
        match self.steal(wants) {
            Some((haul, _)) => {
                self.work_off(haul);
                true
            }
            None => self.run_low(Some(frame)),
        }
    }

    /// Looks for public jobs, nearest victims first, and asks those who show none.
    pub(crate) fn steal(&self, wants: impl Fn(*mut ()) -> bool) -> Option<(Haul, &Seat)> {
        let system = self.system();
        for seat in system.seats_to_rob(self) {
            loop {
                match self.deque().steal_from(&seat.deque, HAUL, &wants) {
                    Steal::Taken(haul) => {
                        self.count(Did::Steal, 1);
                        self.count(Did::Stolen, haul.len as u64);
                        self.seat().trace.note(What::Steal {
                            victim: seat.index(),
                            jobs: haul.len,
                        });
                        if let Some(level) = self.rings().level_of(seat.index()) {
                            self.count(Did::StealAt(level), 1);
                        }
                        return Some((haul, seat));
                    }
                    Steal::Retry => bywash_sync::hint::spin_loop(),
                    Steal::Declined | Steal::Empty => break,
                }
            }
        }
        None
    }

    /// Runs the stolen jobs on top of the stack, and all they leave on this worker, above a floor of their
    /// own: a wait in one of them then sees their frame only. Returns how long the older half took, for
    /// whose memory nobody had to wait.
    pub(crate) fn work_off(&self, haul: Haul) -> Duration {
        // SAFETY: a label is the record of the jobs' frame; records are freed with the system.
        let record: &'static FrameRecord = unsafe { &*haul.label.cast::<FrameRecord>() };
        let floor = self.deque().position() - haul.len;
        // While the ones on top run; to write, since their memory is about to be used again here.
        self.deque()
            .above(floor)
            .for_each(|job| prefetch_to_write(job.as_ptr()));
        let share = self.share_of(record);
        // SAFETY: the frame is open until the haul's jobs are counted, which `drain` does last.
        let context = unsafe { self.context_in(share) };
        self.enter(floor, Some(record));
        self.announce();
        self.drain(&context, floor + haul.len.div_ceil(2), || false);
        let begun = Instant::now();
        self.drain(&context, floor, || false);
        let elapsed = begun.elapsed();
        self.leave_frame();
        self.tell_frame(record);
        elapsed
    }

    /// This worker has counted its last job of `record`'s frame for now: whoever sleeps until the
    /// frame is quiet looks again. Touches the record only, never the frame's memory.
    pub(crate) fn tell_frame(&self, record: &FrameRecord) {
        if record.is_waited() {
            self.system()
                .wake_who_waits_for(std::ptr::from_ref(record).cast_mut().cast());
        }
    }
}

/// A count of jobs that ended, added to the sum of a drain however it ends.
struct Ended<'drain> {
    jobs: u64,
    sum: &'drain mut u64,
}

impl Drop for Ended<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.sum += self.jobs;
    }
}
