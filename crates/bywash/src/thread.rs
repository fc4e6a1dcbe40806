//! A worker thread's life: it sleeps until its seat is given to it, works, searches, leaves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use bywash_sync::thread;

use crate::current;
use crate::deque::Owner;
use crate::error::BuildError;
use crate::inbox::{Inbox, Letter};
use crate::patience::{Patience, Pause};
use crate::payload::drop_quietly;
use crate::stats::Did;
use crate::system::System;
use crate::trace::What;
use crate::worker::Worker;

/// Starts the thread of seat `index`, which starts those behind it if it `goes_on`: so a system is usable
/// as soon as its first thread runs, and nobody waits for the last.
pub(crate) fn start(system: &Arc<System>, index: usize, goes_on: bool) -> Result<(), BuildError> {
    let its = Arc::clone(system);
    let name = catch_unwind(AssertUnwindSafe(|| system.settings.thread_name(index)))
        .unwrap_or_else(|payload| {
            drop_quietly(payload);
            format!("bywash-{index}")
        });
    let mut builder = thread::Builder::new().name(name);
    if let Some(bytes) = system.settings.stack_size {
        builder = builder.stack_size(bytes);
    }
    // Held while the thread starts, so that a system that stops meanwhile waits for it.
    let mut threads = system
        .threads
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if system.is_stopping() {
        return Ok(());
    }
    let handle = builder
        .spawn(move || live(&its, index, goes_on))
        .map_err(|source| BuildError::Thread { index, source })?;
    threads.push(handle);
    if threads.len() == system.seats().len() {
        system.started.notify_all();
    }
    Ok(())
}

/// Starts the threads of the seats behind `index`, until this seat's own is called: then the next one that
/// is started goes on. One at a time: starting them side by side takes longer, since each start holds the
/// process's memory map.
fn start_others(system: &Arc<System>, index: usize) {
    for next in index + 1..system.seats().len() {
        let is_called = system.seats()[index].bed.has_token();
        if start(system, next, is_called).is_err() {
            return system.run_without_threads_from(next);
        }
        if is_called {
            return;
        }
    }
}

fn live(system: &Arc<System>, index: usize, goes_on: bool) {
    current::belong();
    if goes_on {
        start_others(system, index);
    }
    system.pin(index);
    // A callback's panic must not take the worker with it: jobs may already wait for this seat.
    system.guard(|| system.settings.on_start(index));
    let seat = &system.seats()[index];
    let mut is_over = false;
    while !is_over {
        {
            let _asleep = seat.trace.span(What::Park);
            seat.berth.lie_down();
            seat.bed.park();
            seat.berth.get_up();
        }
        // SAFETY: the token means that a waker took the seat on this thread's behalf.
        let worker = unsafe { seat.occupy() };
        worker.count(Did::Park, 1);
        is_over = current::sit(worker, || worker.work());
        system.leave(index);
    }
    system.guard(|| system.settings.on_exit(index));
}

impl Worker {
    /// Works and searches until there is nothing for long enough. Returns whether the system ends.
    fn work(&self) -> bool {
        let system = self.system();
        let mut patience = Patience::new(system.wait_policy());
        system.idle().start_searching();
        let is_over = loop {
            self.read_mail();
            if self.index() >= system.open_workers() && !system.is_stopping() {
                // This tier has closed. The worker holds nothing: it drained before it came here.
                break false;
            }
            system.tick(self);
            // Asked before the last look around: whatever was posted before the end is then seen.
            let is_stopping = system.is_stopping();
            if self.run_lanes() {
                // Back to looking; a lane's job is no sign of more.
            } else if let Some((haul, victim)) = self.steal(|_| true) {
                self.found();
                let elapsed = self.work_off(haul);
                if !self.took_part() && system.tunes_itself() {
                    // Much of what a tiny job takes here is its way here.
                    let divisor = if victim.has_tiny_jobs() { 4 } else { 1 };
                    patience.weigh(haul.len.div_ceil(2), elapsed / divisor);
                }
                system.idle().start_searching();
            } else if let Some(letter) = system.inbox().take() {
                self.found();
                self.read(letter, system.inbox());
                system.idle().start_searching();
            } else if is_stopping {
                break true;
            } else if system.is_seat_wanted()
                || patience.pause(system.stretches().is_any()) == Pause::Sleep
            {
                break false;
            } else {
                continue;
            }
            patience.reset();
        };
        system.idle().stop_searching();
        self.deque().rest();
        is_over
    }

    /// Runs a job of the lanes, high before low. A low one goes before stealing here: this worker
    /// has nothing of its own, and the next steal is a job away.
    fn run_lanes(&self) -> bool {
        let system = self.system();
        if system.lanes().is_empty() {
            return false;
        }
        self.found();
        let has_run = self.run_high(None) || self.run_low(None);
        system.idle().start_searching();
        has_run
    }

    /// Reads what came for this seat's occupant in particular.
    pub(crate) fn read_mail(&self) {
        while let Some(letter) = self.seat().mail.take() {
            self.read(letter, &self.seat().mail);
        }
    }

    /// The search is over. The last who searched sees to it that what is left is searched for too.
    fn found(&self) {
        let system = self.system();
        if system.idle().stop_searching() && system.has_work_for_anybody() {
            system.wake_for_what_is_left(self);
        }
    }

    /// Runs a job from outside, in a root frame of its own.
    fn read(&self, letter: Letter, inbox: &Inbox) {
        self.system()
            .guard(|| self.frame_in(|frame| letter.read(inbox, frame)));
    }
}

impl System {
    /// Runs `body`, which nobody waits for; its panic goes to the panic handler.
    fn guard(&self, body: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
            let handler = &self.settings.panic_handler;
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| handler(payload))) {
                drop_quietly(second);
            }
        }
    }
}
