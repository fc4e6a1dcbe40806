//! The same closure once on every worker, sleeping ones too.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;

use bywash_sync::lock::Mutex;

use crate::context::Context;
use crate::jobs::JobSystem;
use crate::loops::LoopLatch;
use crate::payload::drop_quietly;
use crate::wait::Awaited;

impl JobSystem {
    /// Runs `body` once on each worker, at the same time as far as there are processors, and returns
    /// the results in the order of workers. For what belongs to threads: their locals, their counters.
    ///
    /// Waits for threads that have not started yet, then wakes every worker; one that runs a job comes to
    /// it afterwards. A seat that a calling thread holds is served by that thread, here or at its next
    /// wait. Allocates.
    ///
    /// # Panics
    /// With the panic of the lowest worker whose closure panicked, after all have ended.
    pub fn broadcast<F, T>(&self, body: F) -> Vec<T>
    where
        F: for<'frame> Fn(&Context<'frame>) -> T + Sync,
        T: Send,
    {
        let system = self.system();
        let workers = system.settle();
        let round = Round {
            body,
            latch: LoopLatch::new(workers as u32),
            results: (0..workers).map(|_| Mutex::new(None)).collect(),
        };
        system.enter(|worker| {
            worker.frame_in(|frame| {
                let others = (0..workers).filter(|&seat| seat != worker.index());
                for seat in others {
                    let round = &round;
                    // SAFETY: `wait_for` below returns when every letter has been read, and each
                    // reader's last touch of the round is its count.
                    unsafe {
                        system.deliver(seat, move |context: &Context<'_>| round.run(context))
                    };
                }
                if worker.index() < workers {
                    round.run(frame);
                }
                frame.wait_for(&round);
            });
        });
        round.into_results()
    }
}

/// A loop whose units are the workers.
struct Round<F, T> {
    body: F,
    latch: LoopLatch,
    results: Box<[Mutex<Option<Outcome<T>>>]>,
}

type Outcome<T> = Result<T, Box<dyn Any + Send>>;

impl<F, T> Round<F, T>
where
    F: for<'frame> Fn(&Context<'frame>) -> T + Sync,
{
    fn run(&self, context: &Context<'_>) {
        let worker = context.worker();
        let result = catch_unwind(AssertUnwindSafe(|| (self.body)(context)));
        let mut place = self.results[worker.index()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(result);
        drop(place);
        let address = self.address();
        // The last touch of the round.
        if self.latch.count_done(1) {
            worker.system().wake_who_waits_for(address);
        }
    }
}

impl<F, T> Round<F, T> {
    fn into_results(self) -> Vec<T> {
        let mut panic = None;
        let mut results = Vec::new();
        for place in self.results {
            let result = place.into_inner().unwrap_or_else(PoisonError::into_inner);
            match result.expect("bywash: every worker's closure has ended") {
                Ok(value) => results.push(value),
                Err(payload) if panic.is_none() => panic = Some(payload),
                Err(payload) => drop_quietly(payload),
            }
        }
        panic.map_or(results, |payload| resume_unwind(payload))
    }
}

impl<F, T> Awaited for Round<F, T> {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn is_over(&self) -> bool {
        self.latch.is_over()
    }

    fn add_waiter(&self) {
        self.latch.expect_sleep();
    }
}
