//! Reductions whose result is the same bits for any number of workers and any schedule.
//!
//! The range is cut into blocks by its length alone. Each block is folded from the identity, in
//! index order, into its own partial; partials are combined by a fixed tree. Workers move whole
//! blocks, so nothing that depends on time or on who ran what reaches the result.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bywash_sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::blocks::{Blocks, combine_here, split, subtrees};
use super::partials::Partials;
use super::range::pieces;
use super::run::Cut;
use crate::context::Context;

/// A subtree of fewer partials is combined where it is.
const COMBINED_HERE: usize = 256;

impl<'frame> Context<'frame> {
    /// Folds the indices of `range` into partial results, from `identity()` on, and combines those.
    ///
    /// The result is the same, bit for bit, for any number of workers and any schedule, floats
    /// included: blocks (at most 4,096) and the order of combination depend on the length alone. It
    /// is not the result of one serial fold unless `combine` is associative. `combine` is called with
    /// lower indices on the left; `identity()` of an empty range is the result.
    ///
    /// Allocates only if the partials take more than 64 KiB together.
    ///
    /// # Panics
    /// With a closure's panic, after every started block has ended.
    ///
    /// ```
    /// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
    /// let sum = jobs.parallel_reduce(0..1_000, || 0, |sum, i| sum + i, |a, b| a + b);
    /// assert_eq!(sum, 499_500);
    /// # Ok::<_, bywash::BuildError>(())
    /// ```
    pub fn parallel_reduce<T: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        self.parallel_reduce_with(
            range,
            identity,
            |_, value, index| fold(value, index),
            combine,
        )
    }

    /// [`Context::parallel_reduce`] whose fold gets the context of the worker that runs it: to loop
    /// in turn, for example, which leaves the result as repeatable as it was.
    ///
    /// # Panics
    /// With a closure's panic, after every started block has ended.
    pub fn parallel_reduce_with<T: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(&Context<'frame>, T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        let alarm = Alarm::new();
        let partial = |context: &Context<'frame>, _, block| {
            alarm.fold(block, identity(), |value, index| {
                fold(context, value, index)
            })
        };
        self.reduce_blocks(range, partial, &combine)
            .unwrap_or_else(&identity)
    }

    /// A reduction that waives the order: as many partials as it takes, combined as they come. For
    /// operations that are associative and commutative; with others, floats included, the result
    /// differs from run to run. Takes less memory than [`Context::parallel_reduce`], and is hardly
    /// ever faster.
    ///
    /// # Panics
    /// With a closure's panic, after every started chunk has ended.
    pub fn parallel_reduce_unordered<T: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> T + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> T {
        let total = Mutex::new(None);
        self.run_loop(Cut::by(1), range, |_, items| {
            let mut partial = items.fold(identity(), &fold);
            loop {
                // A combination happens outside the lock: it may be long, or loop in turn.
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                match total.take() {
                    None => {
                        *total = Some(partial);
                        return;
                    }
                    Some(other) => {
                        drop(total);
                        partial = combine(other, partial);
                    }
                }
            }
        });
        total
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .unwrap_or_else(identity)
    }

    /// [`Context::parallel_reduce`] whose fold may fail: the error at the lowest index is the
    /// result, as it would be in a serial loop. Blocks after one that failed are not begun.
    ///
    /// # Errors
    /// The fold's error at the lowest index that has one.
    ///
    /// # Panics
    /// With a closure's panic, after every started block has ended.
    pub fn try_parallel_reduce<T: Send, E: Send>(
        &self,
        range: Range<usize>,
        identity: impl Fn() -> T + Sync,
        fold: impl Fn(T, usize) -> Result<T, E> + Sync,
        combine: impl Fn(T, T) -> T + Sync,
    ) -> Result<T, E> {
        let lowest = AtomicUsize::new(usize::MAX);
        let partial = |_: &Context<'frame>, index: usize, mut block: Range<usize>| {
            if index > lowest.load(Ordering::Relaxed) {
                return Fate::Skipped;
            }
            match block.try_fold(identity(), &fold) {
                Ok(value) => Fate::Folded(value),
                Err(error) => {
                    lowest.fetch_min(index, Ordering::Relaxed);
                    Fate::Failed(error)
                }
            }
        };
        let fate = self.reduce_blocks(range, partial, &|left, right| match (left, right) {
            (Fate::Failed(error), _) | (_, Fate::Failed(error)) => Fate::Failed(error),
            (Fate::Folded(left), Fate::Folded(right)) => Fate::Folded(combine(left, right)),
            _ => Fate::Skipped,
        });
        match fate {
            Some(Fate::Folded(value)) => Ok(value),
            Some(Fate::Failed(error)) => Err(error),
            Some(Fate::Skipped) => unreachable!("bywash: a block is skipped after a failure only"),
            None => Ok(identity()),
        }
    }

    /// One partial for each block, combined by the fixed tree; `None` for an empty range.
    pub(crate) fn reduce_blocks<T: Send>(
        &self,
        range: Range<usize>,
        partial: impl Fn(&Context<'frame>, usize, Range<usize>) -> T + Sync,
        combine: &(impl Fn(T, T) -> T + Sync),
    ) -> Option<T> {
        let blocks = Blocks::of(range);
        let count = blocks.count();
        if count == 0 {
            return None;
        }
        let here = |context: &Context<'frame>, subtree| {
            let leaf = |index| partial(context, index, blocks.block(index));
            combine_here(subtree, &leaf, combine)
        };
        if count == 1 || self.worker().system().seats().len() == 1 {
            return Some(here(self, 0..count));
        }
        let cut = Cut {
            weight: blocks.len(),
            ..Cut::by(1)
        };
        // Whole subtrees of what a worker has claimed are combined where they are: the tree is the
        // same, and fewer partials travel to the caller's core.
        let mut partials = Partials::filled_by(self, cut, count, |context, run, fill| {
            for subtree in subtrees(run) {
                fill(
                    subtree.start,
                    (here(context, subtree.clone()), subtree.len()),
                );
            }
        });
        Some(self.combine_tree(partials.filled(), combine))
    }

    /// Combines by the fixed tree; large halves in parallel. A partial stands at the first block of
    /// the subtree that it is of, with the number of its blocks.
    fn combine_tree<T: Send>(
        &self,
        partials: &mut [Option<(T, usize)>],
        combine: &(impl Fn(T, T) -> T + Sync),
    ) -> T {
        let whole = partials.len();
        if let Some((value, _)) = partials[0].take_if(|(_, blocks)| *blocks == whole) {
            return value;
        }
        assert!(
            whole > 1,
            "bywash: every block of a loop that ended has its partial"
        );
        let (left, right) = partials.split_at_mut(split(partials.len()));
        let (left, right) = if right.len() < COMBINED_HERE {
            (
                self.combine_tree(left, combine),
                self.combine_tree(right, combine),
            )
        } else {
            self.join(
                |ctx| ctx.combine_tree(left, combine),
                |ctx| ctx.combine_tree(right, combine),
            )
        };
        combine(left, right)
    }
}

/// What became of a block of a reduction that may fail.
enum Fate<T, E> {
    Folded(T),
    Failed(E),
    /// Not begun, since one before it has failed.
    Skipped,
}

/// Indices between two looks at the alarm.
const LOOK: usize = 2_048;

/// Raised when a fold panics, so that others leave their blocks, which may be long.
struct Alarm(AtomicBool);

impl Alarm {
    fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// The fold of a block; cut short once the alarm is raised, when nobody will see the result.
    fn fold<T>(&self, block: Range<usize>, start: T, fold: impl Fn(T, usize) -> T) -> T {
        let raise = RaiseOnUnwind(self);
        if block.len() <= LOOK {
            let value = block.fold(start, fold);
            std::mem::forget(raise);
            return value;
        }
        let mut value = start;
        for piece in pieces(block, LOOK) {
            value = piece.fold(value, &fold);
            if self.0.load(Ordering::Relaxed) {
                break;
            }
        }
        std::mem::forget(raise);
        value
    }
}

struct RaiseOnUnwind<'alarm>(&'alarm Alarm);

impl Drop for RaiseOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}
