//! Loops over index ranges: blocking ones, and those that a counter counts.

use std::ops::Range;

use super::hints::LoopHints;
use super::run::Cut;
use crate::context::Context;
use crate::counter::Counter;

impl<'frame> Context<'frame> {
    /// Runs `body` once for each index of `range`, on whatever workers have time, and returns when
    /// all are done. Borrows freely; allocates nothing. A reversed range is empty.
    ///
    /// A loop that would be over before another worker could be woken stays on the caller: what a
    /// body costs is remembered from its last loop. Each worker begins with a slice of its own, the
    /// same one in each loop of the same length; who runs out takes half of a neighbour's rest.
    ///
    /// Bodies must not wait for each other: one worker may run any of them one after another.
    ///
    /// # Panics
    /// With a body's panic, after every started chunk has ended; what was not started then is not
    /// run.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// let hits: Vec<AtomicU32> = (0..100).map(|_| AtomicU32::new(0)).collect();
    /// jobs.parallel_for(0..100, |i| { hits[i].fetch_add(1, Ordering::Relaxed); });
    /// assert!(hits.iter().all(|hit| hit.load(Ordering::Relaxed) == 1));
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_for(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.run_loop(Cut::by(1), range, move |_, items| each(items, &body));
    }

    /// [`Context::parallel_for`], cut as a [`Partitioner`](crate::Partitioner) says, or with the
    /// weight of its body said beforehand ([`Granularity`](crate::Granularity)).
    ///
    /// # Panics
    /// If the partitioner is `Fixed(0)`; with a body's panic, as [`Context::parallel_for`].
    pub fn parallel_for_by(
        &self,
        hints: impl Into<LoopHints>,
        range: Range<usize>,
        body: impl Fn(usize) + Sync,
    ) {
        let cut = Cut {
            hints: hints.into().checked(),
            ..Cut::by(1)
        };
        self.run_loop(cut, range, move |_, items| each(items, &body));
    }

    /// [`Context::parallel_for`] whose grain is found while it runs: another name of it, since every
    /// loop here finds its grain.
    pub fn parallel_for_auto(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        self.parallel_for(range, body);
    }

    /// Runs `body` on pieces of `range`, each of `grain` indices but the last. Otherwise like
    /// [`Context::parallel_for`].
    ///
    /// # Panics
    /// If `grain` is 0; with a body's panic, as [`Context::parallel_for`].
    pub fn parallel_for_chunks(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(Range<usize>) + Sync,
    ) {
        self.parallel_for_chunks_with(range, grain, |_, piece| body(piece));
    }

    /// [`Context::parallel_for`] whose body gets the context of the worker that runs it, to spawn, to
    /// allocate, or to loop in turn.
    pub fn parallel_for_with(
        &self,
        range: Range<usize>,
        body: impl Fn(&Context<'frame>, usize) + Sync,
    ) {
        self.run_loop(Cut::by(1), range, |context, items| {
            items.for_each(|index| body(context, index));
        });
    }

    /// [`Context::parallel_for_chunks`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// As [`Context::parallel_for_chunks`].
    pub fn parallel_for_chunks_with(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(&Context<'frame>, Range<usize>) + Sync,
    ) {
        check_grain(grain);
        self.run_loop(Cut::by(grain), range, |context, items| {
            pieces(items, grain).for_each(|piece| body(context, piece));
        });
    }

    /// Starts a loop and returns at once; the counter is zero when all of it is done. The loop is
    /// one job of the frame, shared like [`Context::parallel_for`] once a worker has begun it; its
    /// body moves into the frame's memory. No heap.
    ///
    /// A body's panic comes out at the frame's end.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// let sum = AtomicUsize::new(0);
    /// jobs.frame(|frame| {
    ///     let added = frame.spawn_for(0..100, |i| { sum.fetch_add(i, Ordering::Relaxed); });
    ///     frame.wait(added);
    ///     assert_eq!(sum.load(Ordering::Relaxed), 4_950);
    /// });
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn spawn_for(
        &self,
        range: Range<usize>,
        body: impl Fn(usize) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        self.spawn_loop(move |context| context.parallel_for(range, &body))
    }

    /// [`Context::spawn_for`] with hints, as [`Context::parallel_for_by`].
    ///
    /// # Panics
    /// If the partitioner is `Fixed(0)`.
    pub fn spawn_for_by(
        &self,
        hints: impl Into<LoopHints>,
        range: Range<usize>,
        body: impl Fn(usize) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        let hints = hints.into().checked();
        self.spawn_loop(move |context| context.parallel_for_by(hints, range, &body))
    }

    /// [`Context::spawn_for`] whose grain is found while it runs: another name of it.
    pub fn spawn_for_auto(
        &self,
        range: Range<usize>,
        body: impl Fn(usize) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        self.spawn_for(range, body)
    }

    /// [`Context::spawn_for`] over pieces of `grain` indices, the last one shorter.
    ///
    /// # Panics
    /// If `grain` is 0.
    pub fn spawn_for_chunks(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(Range<usize>) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        check_grain(grain);
        self.spawn_loop(move |context| context.parallel_for_chunks(range, grain, &body))
    }

    /// [`Context::spawn_for`] whose body gets the context of the worker that runs it.
    pub fn spawn_for_with(
        &self,
        range: Range<usize>,
        body: impl Fn(&Context<'frame>, usize) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        self.spawn_loop(move |context| context.parallel_for_with(range, &body))
    }

    /// [`Context::spawn_for_chunks`] whose body gets the context of the worker that runs it.
    ///
    /// # Panics
    /// If `grain` is 0.
    pub fn spawn_for_chunks_with(
        &self,
        range: Range<usize>,
        grain: usize,
        body: impl Fn(&Context<'frame>, Range<usize>) + Send + Sync + 'frame,
    ) -> &'frame Counter {
        check_grain(grain);
        self.spawn_loop(move |context| context.parallel_for_chunks_with(range, grain, &body))
    }

    fn spawn_loop(&self, start: impl FnOnce(&Context<'frame>) + Send + 'frame) -> &'frame Counter {
        let counter = self.counter();
        self.spawn_with_counter(counter, start);
        counter
    }
}

pub(super) fn check_grain(grain: usize) {
    assert!(
        grain != 0,
        "a grain of 0 makes no progress: pass 1 or more, or use parallel_for"
    );
}

/// The innermost loop. `body` is an argument of its own, which the compiler may then take to be the
/// same for every index, whatever bodies write.
#[inline(always)]
fn each(items: Range<usize>, body: &impl Fn(usize)) {
    for index in items {
        body(index);
    }
}

/// `items` in pieces of `grain`; the last may be shorter.
pub(super) fn pieces(items: Range<usize>, grain: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = items.start;
    std::iter::from_fn(move || {
        let end = start.saturating_add(grain).min(items.end);
        let piece = (start < items.end).then_some(start..end);
        start = end;
        piece
    })
}
