//! Blocking loops over index ranges.

use std::ops::Range;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use super::crew::{self, Plan};
use super::pace::{Pace, Partitioner};
use crate::context::Context;

/// A loop that is expected to take less is not worth waking anybody for.
const WORTH_A_WAKE: Duration = Duration::from_micros(8);

/// A loop that is expected to take less is not worth sharing even with a worker that is up.
const WORTH_SHARING: Duration = Duration::from_nanos(1_000);

/// The most units a loop is cut into; longer ranges have several items a unit.
const MOST_UNITS: usize = 1 << 31;

impl<'frame> Context<'frame> {
    /// Runs `body` once for each index of `range`, on whatever workers have time, and returns when
    /// all are done. Borrows freely; allocates nothing. A reversed range is empty.
    ///
    /// A loop that is over before another worker could be woken stays on the caller: what a body
    /// costs is remembered from its last loop.
    ///
    /// # Panics
    /// With a body's panic, after every started chunk has ended; indices that were not started then
    /// are not run.
    pub fn parallel_for(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.parallel_for_by(Partitioner::Auto, range, body);
    }

    /// [`Context::parallel_for`], cut as `partitioner` says.
    pub fn parallel_for_by(
        &self,
        partitioner: Partitioner,
        range: Range<usize>,
        body: impl Fn(usize) + Sync,
    ) {
        self.run_loop(partitioner, range, 1, |_, items| items.for_each(&body));
    }

    /// [`Context::parallel_for`] whose grain is found while it runs; the same as that.
    pub fn parallel_for_auto(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.parallel_for(range, body);
    }

    /// Runs `body` on pieces of `range`, each of `grain` indices but the last.
    ///
    /// # Panics
    /// If `grain` is 0; with a body's panic, as [`Context::parallel_for`].
    pub fn parallel_for_chunks(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(Range<usize>) + Sync,
    ) {
        assert!(
            grain != 0,
            "a grain of 0 makes no progress: pass 1 or more, or use parallel_for"
        );
        self.run_loop(Partitioner::Auto, range, grain, |_, items| {
            let mut start = items.start;
            while start < items.end {
                let end = start.saturating_add(grain).min(items.end);
                body(start..end);
                start = end;
            }
        });
    }

    /// [`Context::parallel_for`] whose body gets the context of the worker that runs it.
    pub fn parallel_for_with(
        &self,
        range: Range<usize>,
        body: impl Fn(&Context<'frame>, usize) + Sync,
    ) {
        self.run_loop(Partitioner::Auto, range, 1, |context, items| {
            items.for_each(|index| body(context, index));
        });
    }

    /// Runs `body` on runs of whole grains. The one way in for every loop.
    pub(crate) fn run_loop<B>(
        &self,
        partitioner: Partitioner,
        range: Range<usize>,
        grain: usize,
        body: B,
    ) where
        B: Fn(&Context<'frame>, Range<usize>) + Sync,
    {
        let len = range.end.saturating_sub(range.start);
        if len == 0 {
            return;
        }
        // A unit is a whole number of grains, as few as keep the count of units in bounds.
        let grains = len.div_ceil(grain);
        let unit = grain.saturating_mul(grains.div_ceil(MOST_UNITS));
        let units = len.div_ceil(unit) as u32;
        let erased = Erased {
            body: &body,
            range,
            unit,
        };
        let outcome = self.share_or_not(partitioner, units, &erased);
        if let Err(payload) = outcome {
            resume_unwind(payload);
        }
    }

    fn share_or_not<B>(
        &self,
        partitioner: Partitioner,
        units: u32,
        erased: &Erased<'_, B>,
    ) -> std::thread::Result<()>
    where
        B: Fn(&Context<'frame>, Range<usize>) + Sync,
    {
        let worker = self.worker();
        let costs = worker.loop_costs();
        let key = run_units::<B> as *const ();
        let known = costs.nanos_a_unit(key);
        let begun = Instant::now();
        let mut next = 0;
        let mut pace = Pace::new(partitioner, known.map_or(1, chunk_of_a_microsecond));
        // Alone as long as nobody could help in time. What is not known yet is shared at once.
        while next < units {
            let left = units - next;
            let nanos = match next {
                0 => known.map(|nanos| nanos * f64::from(left)),
                _ => Some(begun.elapsed().as_nanos() as f64 / f64::from(next) * f64::from(left)),
            };
            if left > 1 && self.is_worth_sharing(nanos) {
                break;
            }
            let end = next + pace.want(left).clamp(1, left);
            erased.run(self, next..end);
            next = end;
            pace.step();
        }
        if next == units {
            costs.learn(key, begun.elapsed(), units, 1);
            return Ok(());
        }
        let plan = Plan {
            body: std::ptr::from_ref(erased).cast(),
            run_units: run_units::<B>,
            partitioner,
            units: next..units,
            first_chunk: known.map_or(1, chunk_of_a_microsecond),
        };
        // SAFETY: `erased` and the body behind it live until this function returns, and are `Sync`.
        let outcome = unsafe { crew::share(self, &plan) };
        costs.learn(key, begun.elapsed(), units, worker.system().seats().len());
        outcome
    }

    /// Whether somebody could help with what is left, in time. `None`: nobody knows how long it is.
    fn is_worth_sharing(&self, nanos: Option<f64>) -> bool {
        let system = self.worker().system();
        if system.seats().len() == 1 {
            return false;
        }
        let nanos = nanos.unwrap_or(f64::INFINITY);
        if system.idle().is_anyone_searching() {
            nanos >= WORTH_SHARING.as_nanos() as f64
        } else {
            nanos >= WORTH_A_WAKE.as_nanos() as f64 && system.idle().is_anyone_asleep()
        }
    }
}

fn chunk_of_a_microsecond(nanos_a_unit: f64) -> u32 {
    (1_000.0 / nanos_a_unit.max(0.01)) as u32
}

/// A body and its range, as they lie on the caller's stack.
struct Erased<'body, B> {
    body: &'body B,
    range: Range<usize>,
    unit: usize,
}

impl<'frame, B: Fn(&Context<'frame>, Range<usize>)> Erased<'_, B> {
    #[inline(always)]
    fn run(&self, context: &Context<'frame>, units: Range<u32>) {
        let start = self.range.start + units.start as usize * self.unit;
        let end = self
            .range
            .start
            .saturating_add((units.end as usize).saturating_mul(self.unit));
        (self.body)(context, start..end.min(self.range.end));
    }
}

/// # Safety
/// `body` is an `Erased<B>` that is still there, and `context` is of its frame, `'frame`.
unsafe fn run_units<'frame, B>(body: *const (), context: &Context<'_>, units: Range<u32>)
where
    B: Fn(&Context<'frame>, Range<usize>) + Sync,
{
    // SAFETY: as the caller says.
    let erased = unsafe { &*body.cast::<Erased<'_, B>>() };
    // SAFETY: tickets run with a context of the frame they were made in.
    erased.run(unsafe { context.in_frame() }, units);
}
