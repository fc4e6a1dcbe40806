//! The one way in for every loop: alone while nobody could help in time, shared after that.

use std::ops::Range;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use super::crew::{self, Plan};
use super::hints::{Granularity, LoopHints};
use super::pace::Pace;
use crate::context::Context;

/// A loop that is expected to take less is not worth waking anybody for.
const WORTH_A_WAKE: Duration = Duration::from_micros(8);

/// A loop that is expected to take less is not worth sharing even with a worker that is up.
const WORTH_SHARING: Duration = Duration::from_nanos(1_000);

/// The most units that are shared at once; a longer range is several loops, one after another.
const MOST_UNITS: usize = 1 << 31;

/// A first chunk is at most this part of the loop, however cheap the body was last time ...
const FIRST_PART: u32 = 8;

/// ... or this many units.
const FIRST_UNITS: u32 = 16;

/// How a range becomes units.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) hints: LoopHints,
    /// Indices in a unit, which is never divided.
    pub(crate) grain: usize,
    /// Items of the caller's behind one index, for the memory of what an item costs.
    pub(crate) weight: usize,
}

impl Cut {
    /// Units of `grain` indices, each an item.
    pub(crate) fn by(grain: usize) -> Self {
        Self {
            hints: LoopHints::default(),
            grain,
            weight: 1,
        }
    }
}

impl<'frame> Context<'frame> {
    /// Runs `body` on runs of whole units of `range`, each index once.
    pub(crate) fn run_loop<B>(&self, cut: Cut, range: Range<usize>, body: B)
    where
        B: Fn(&Context<'frame>, Range<usize>) + Sync,
    {
        self.run_loop_while(cut, range, || true, body);
    }

    /// The same, and none of the rest once `keep_on` has said no; it is asked before each
    /// [`MOST_UNITS`] units.
    pub(crate) fn run_loop_while<B>(
        &self,
        cut: Cut,
        range: Range<usize>,
        keep_on: impl Fn() -> bool,
        body: B,
    ) where
        B: Fn(&Context<'frame>, Range<usize>) + Sync,
    {
        let most = cut.grain.saturating_mul(MOST_UNITS);
        let mut start = range.start;
        while start < range.end && keep_on() {
            let end = range.end.min(start.saturating_add(most));
            let erased = Erased {
                body: &body,
                range: start..end,
                grain: cut.grain,
            };
            if let Err(payload) = self.share_or_not(cut, &erased) {
                resume_unwind(payload);
            }
            start = end;
        }
    }

    fn share_or_not<B>(&self, cut: Cut, erased: &Erased<'_, B>) -> std::thread::Result<()>
    where
        B: Fn(&Context<'frame>, Range<usize>) + Sync,
    {
        let units = erased.units();
        let worker = self.worker();
        if units == 1 || worker.system().seats().len() == 1 {
            erased.run(self, 0..units);
            return Ok(());
        }
        let costs = worker.loop_costs();
        let key = run_units::<B> as *const ();
        let items_a_unit = cut.grain.min(erased.range.len()) as f64 * cut.weight as f64;
        let granularity = cut.hints.granularity;
        let known = granularity
            .map(Granularity::nanos)
            .or_else(|| costs.nanos_an_item(key))
            .map(|nanos| nanos * items_a_unit);
        let first_chunk = known.map_or(1, |nanos| first_chunk(nanos, units));
        let partitioner = cut.hints.partitioner;
        let begun = Instant::now();
        let mut now = begun;
        let mut pace = Pace::new(partitioner, first_chunk);
        pace.step_at(now);
        let mut nanos_a_unit = known;
        // Whoever says that each call is worth a worker need not wait until somebody looks idle.
        let is_heavy = granularity == Some(Granularity::Heavy);
        let mut next = 0;
        // Alone as long as nobody could help in time. What is not known yet is shared at once.
        while next < units {
            let left = units - next;
            let nanos = nanos_a_unit.map_or(f64::INFINITY, |nanos| nanos * f64::from(left));
            if left > 1 && (is_heavy || self.is_worth_sharing(nanos)) {
                break;
            }
            let end = next + pace.want_alone(left);
            erased.run(self, next..end);
            next = end;
            now = Instant::now();
            pace.step_at(now);
            nanos_a_unit = Some((now - begun).as_nanos() as f64 / f64::from(next));
        }
        let mut spent = (now - begun).as_nanos() as f64;
        let outcome = if next == units {
            Ok(())
        } else {
            let plan = Plan {
                body: std::ptr::from_ref(erased).cast(),
                run_units: run_units::<B>,
                partitioner,
                units: next..units,
                first_chunk,
            };
            // SAFETY: `erased` and the body behind it live until this function returns, and the body
            // is `Sync`.
            let (hands, outcome) = unsafe { crew::share(self, &plan) };
            spent += now.elapsed().as_nanos() as f64 * hands as f64;
            outcome
        };
        if worker.system().tunes_itself() {
            costs.learn(key, spent / (f64::from(units) * items_a_unit));
        }
        outcome
    }

    /// Whether somebody could help with what is left, and in time.
    fn is_worth_sharing(&self, nanos: f64) -> bool {
        let system = self.worker().system();
        if system.idle().is_anyone_searching() {
            nanos >= WORTH_SHARING.as_nanos() as f64
        } else {
            nanos >= WORTH_A_WAKE.as_nanos() as f64 && system.could_wake_somebody()
        }
    }
}

/// Units that take a microsecond if they cost what they did; few enough to survive that they do not.
fn first_chunk(nanos_a_unit: f64, units: u32) -> u32 {
    let good = (1_000.0 / nanos_a_unit.max(0.001)) as u32;
    good.min((units / FIRST_PART).max(FIRST_UNITS))
}

/// A body and its range, as they lie on the caller's stack. The range is not empty.
struct Erased<'body, B> {
    body: &'body B,
    range: Range<usize>,
    grain: usize,
}

impl<B> Erased<'_, B> {
    /// At most [`MOST_UNITS`], which fits.
    fn units(&self) -> u32 {
        self.range.len().div_ceil(self.grain) as u32
    }

    #[inline(always)]
    fn run<'frame>(&self, context: &Context<'frame>, units: Range<u32>)
    where
        B: Fn(&Context<'frame>, Range<usize>),
    {
        // The last unit may be short, and its end beyond what a `usize` holds.
        let start = self.range.start + units.start as usize * self.grain;
        let len = (units.len()).saturating_mul(self.grain);
        let end = start.saturating_add(len).min(self.range.end);
        (self.body)(context, start..end);
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
