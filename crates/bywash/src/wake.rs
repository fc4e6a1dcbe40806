//! Whom a publication, a message or the end of something wakes.

use std::time::Duration;

use bywash_sync::thread;
use bywash_sync::time::Instant;

use crate::context::Context;
use crate::deque::Deque;
use crate::idle::Called;
use crate::job::JobRef;
use crate::record::FrameRecord;
use crate::spill::Sight;
use crate::stats::Did;
use crate::system::System;
use crate::worker::{Seat, Worker};

/// A thread that has a processor has begun by then.
const BEGINNING: Duration = Duration::from_micros(20);

impl System {
    /// Wakes the nearest sleeper for work that `worker` made public, unless somebody searches.
    pub(crate) fn wake_for(&self, worker: &Worker) {
        if !self.idle().has_sleepers() {
            return;
        }
        if self.wake_free_seat_near(worker) {
            return;
        }
        let Some(label) = worker.seat().deque.front_label() else {
            return;
        };
        // SAFETY: labels are records, which are freed with the system.
        let frame: &FrameRecord = unsafe { &*label.cast() };
        self.wake_helper(worker, |seat| seat.would_help(frame));
    }

    /// Wakes a sleeper for whatever is public anywhere: `worker`, the last who searched, found
    /// something, and those who published meanwhile relied on it.
    #[cold]
    pub(crate) fn wake_for_what_is_left(&self, worker: &Worker) {
        if !self.idle().has_sleepers() || self.wake_free_seat_near(worker) {
            return;
        }
        self.wake_helper(worker, |seat| {
            seat.waits_in()
                .is_some_and(|frame| self.has_work_for(frame))
        });
    }

    fn wake_free_seat_near(&self, worker: &Worker) -> bool {
        let open = self.open_workers();
        let mut free = worker.rings().nearest_first().filter(|&seat| seat < open);
        let has_woken = free.any(|seat| {
            // This thread has work to go on with, so whom it wakes must not wait for its processor.
            self.idle().take_seat(seat) && {
                self.seats()[seat].berth.clear_the_way();
                let comes = self.rouse(seat);
                worker.look_after(seat);
                comes
            }
        });
        worker.count(Did::Wake, u64::from(has_woken));
        has_woken
    }

    /// Wakes one who sleeps in a wait, and would run what there is.
    fn wake_helper(&self, worker: &Worker, would_help: impl Fn(&Seat) -> bool) {
        for index in self.idle().waiting_seats() {
            let seat = self.seat(index);
            if would_help(seat) && self.idle().stop_waiting(index) {
                seat.parker.unpark();
                worker.count(Did::Wake, 1);
                return;
            }
        }
    }

    /// Whether there is a sleeper that may be woken now: not one of a closed tier. A look.
    pub(crate) fn could_wake_somebody(&self) -> bool {
        self.idle()
            .free_seats()
            .next()
            .is_some_and(|seat| seat < self.open_workers())
            || self.idle().waiting_seats().next().is_some()
    }

    /// Wakes every sleeper that may be up now, for a caller that goes on.
    pub(crate) fn rouse_all_open(&self) {
        let open = self.open_workers();
        for seat in self.idle().free_seats().take_while(|&seat| seat < open) {
            if self.idle().take_seat(seat) {
                self.seats()[seat].berth.clear_the_way();
                self.rouse(seat);
            }
        }
    }

    /// Wakes a sleeper for what came in from outside.
    pub(crate) fn wake_for_inbox(&self) {
        if !self.idle().has_sleepers() {
            return;
        }
        let open = self.open_workers();
        let mut free = self.idle().free_seats().take_while(|&seat| seat < open);
        let _ = free.any(|seat| self.idle().take_seat(seat) && self.rouse(seat));
    }

    /// Hands a job to one seat's occupant, and wakes whoever that is to be.
    ///
    /// # Safety
    /// What `body` borrows must live until it was run.
    pub(crate) unsafe fn deliver<F>(&self, index: usize, body: F)
    where
        F: for<'frame> FnOnce(&Context<'frame>) + Send,
    {
        let seat = self.seat(index);
        // SAFETY: as the caller says.
        unsafe { seat.mail.post_borrowing(body) };
        match self.idle().call(index) {
            Called::InBed => _ = self.rouse(index),
            Called::InWait => seat.parker.unpark(),
            Called::Up => {}
        }
    }

    /// Makes every worker look around after the job it runs.
    pub(crate) fn ask_everybody(&self) {
        self.all_seats().for_each(|seat| seat.deque.ask());
    }

    /// Wakes those who sleep for what `address` stands for. The address is compared, never followed.
    #[cold]
    pub(crate) fn wake_who_waits_for(&self, address: *mut ()) {
        self.idle().wake_waiting(|index| {
            std::ptr::eq(self.awaited(index), address).then(|| &*self.seat(index).parker)
        });
    }

    /// Lets the spillover's clock tick, if there is one and it is time. Whoever is up calls this when
    /// it publishes and when it searches.
    pub(crate) fn tick(&self, worker: &Worker) {
        let Some(spillover) = self.spillover() else {
            return;
        };
        if spillover.tick(|open| self.sight(open)) {
            self.wake_for(worker);
        }
    }

    /// What there is to do, and who does it, as far as one can see while nobody stands still. Who
    /// sleeps, searches, or was woken and has not begun to search, could take more.
    fn sight(&self, open: usize) -> Sight {
        let idle = self.idle();
        let up = self.seats().iter().enumerate().filter(|&(index, seat)| {
            !(idle.is_free(index) || idle.is_waiting(index) || seat.bed.has_token())
        });
        let public: usize = self.all_seats().map(|seat| seat.deque.len()).sum();
        Sight {
            busy: up.count().saturating_sub(idle.searchers()),
            waiting: public + self.inbox().len(),
            is_closed_one_up: !(open..self.seats().len()).all(|seat| idle.is_free(seat)),
        }
    }

    /// Whether anything public waits that a wait in `frame` may run.
    pub(crate) fn has_work_for(&self, frame: &FrameRecord) -> bool {
        let is_wanted = |label: *mut ()| {
            // SAFETY: labels are records, which are freed with the system.
            unsafe { &*label.cast::<FrameRecord>() }.is_within(frame)
        };
        self.lanes().has_work_for(frame)
            || self
                .all_seats()
                .any(|seat| seat.deque.front_label().is_some_and(is_wanted))
    }

    pub(crate) fn has_work_for_anybody(&self) -> bool {
        self.is_stopping()
            || !self.inbox().is_empty()
            || !self.lanes().is_empty()
            || self.all_seats().any(|seat| !seat.deque.is_empty())
    }
}

impl Worker {
    /// Jobs have become public: whoever spawned them may be about to block until one has run.
    #[cold]
    #[inline(never)]
    pub(crate) fn announce(&self) {
        if self.has_news() {
            self.session().waits_for_others();
            self.wake_somebody();
        }
    }

    /// `fork`, whose `join` is on this stack, has become public: its own worker comes for it, unless that
    /// takes longer than a wake-up.
    #[cold]
    #[inline(never)]
    pub(crate) fn announce_fork(&self, fork: JobRef) {
        if !self.has_news() {
            return;
        }
        if self.session().holds_back(fork.kind()) {
            // To be decided again at the next push, or before the next job.
            self.seat().deque.ask();
        } else {
            self.wake_somebody();
        }
    }

    /// A thread that was called before it has begun may wait for this very processor: to be looked at again.
    fn look_after(&self, called: usize) {
        if !self.system().seats()[called].berth.is_known() {
            self.set_called(Some((called, Instant::now())));
            self.seat().deque.ask();
        }
    }

    /// If the called thread has not begun by now, it is given what is left of this one's time slice.
    #[cold]
    #[inline(never)]
    fn look_again(&self) {
        let Some((called, since)) = self.called() else {
            return;
        };
        let has_begun = self.system().seats()[called].berth.is_known();
        if !has_begun && since.elapsed() < BEGINNING {
            return self.seat().deque.ask();
        }
        self.set_called(None);
        if !has_begun {
            thread::yield_now();
        }
    }

    /// Whether there is something public, and somebody who sleeps.
    fn has_news(&self) -> bool {
        self.seat().mark.answer();
        if self.called().is_some() {
            self.look_again();
        }
        if !self.system().lanes().is_empty() {
            // The slow way took the question that a lane had put; it is put again.
            self.seat().deque.ask();
        }
        !self.seat().deque.is_empty() && self.system().idle().has_sleepers()
    }

    fn wake_somebody(&self) {
        self.system().tick(self);
        self.session().uncharged(|| self.system().wake_for(self));
    }
}

#[cfg(test)]
mod tests {
    use crate::JobSystem;

    #[test]
    fn who_searches_or_sleeps_in_a_wait_is_no_load() {
        let jobs = JobSystem::builder().workers(3).build().unwrap();
        let system = jobs.system();
        let (idle, busy) = (system.idle(), || system.sight(1).busy);
        assert_eq!(busy(), 0);
        assert!(idle.take_seat(1), "nobody has anything to do");
        assert_eq!(busy(), 1);
        assert!(system.sight(1).is_closed_one_up);
        idle.start_searching();
        assert_eq!(busy(), 0);
        assert!(idle.stop_searching());
        idle.start_waiting(1);
        assert_eq!(busy(), 0);
        assert!(idle.stop_waiting(1));
        assert_eq!(busy(), 1);
        idle.leave_seat(1);
        assert!(!system.sight(1).is_closed_one_up);
    }
}
