//! A thief's end: the oldest item, claimed by one compare-and-swap.

use super::buffer::item;
use super::outcome::Steal;
use super::shared::Shared;
use crate::Item;
use crate::reclaim::{Epoch, Reclaim};
use bywash_sync::atomic::{Ordering, fence, load_in_total_order};
use bywash_sync::{mutant, ordering};
use std::fmt;
use std::sync::Arc;

/// A thief's end of a deque: `Send`, `Sync`, cheap to clone, if items may change threads.
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(bywash_deque::chase_lev::Worker::<Box<std::rc::Rc<u32>>>::lifo().stealer());
/// ```
pub struct Stealer<T: Item, R: Reclaim = Epoch> {
    pub(super) shared: Arc<Shared<T, R>>,
}

impl<T: Item, R: Reclaim> Stealer<T, R> {
    pub(super) fn new(shared: Arc<Shared<T, R>>) -> Self {
        Self { shared }
    }

    /// How many items are there, or were a moment ago.
    pub fn len(&self) -> usize {
        self.look()
            .map_or(0, |(top, bottom)| bottom.wrapping_sub(top) as usize)
    }

    /// Whether nothing is there, or was a moment ago. Two loads.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.look().is_none()
    }

    /// What happened to this deque so far.
    #[cfg(feature = "stats")]
    pub fn stats(&self) -> crate::Stats {
        self.shared.counters.read()
    }

    /// Takes the oldest item.
    ///
    /// Two loads when there is none. Otherwise an epoch's pin (a full barrier) and one
    /// compare-and-swap; [`Steal::Retry`] says that somebody else was faster. Never blocks.
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        let early_pin =
            mutant("chase_lev.steal.buffer_before_bottom").then(|| self.shared.reclaim.pin());
        let early_buffer = early_pin.as_ref().map(|pin| self.shared.buffer(pin));
        let Some((top, _)) = self.look() else {
            return Steal::Empty;
        };
        let pin = self.shared.reclaim.pin();
        let buffer = early_buffer.unwrap_or_else(|| self.shared.buffer(&pin));
        let slot = buffer.slot(top);
        let (mut raw, mut reading) = slot.glimpse();
        if !self.claim(top, 1) {
            self.shared.counters.stolen(0);
            return Steal::Retry;
        }
        if mutant("chase_lev.steal.slot_after_claim") {
            (raw, reading) = slot.glimpse();
        }
        slot.keep(reading);
        self.shared.counters.stolen(1);
        // SAFETY: the claim on the index succeeded, so the slot still held what `push` put there,
        // and nobody else's claim on it can.
        Steal::Taken(unsafe { T::from_raw(item(raw)) })
    }

    /// The indices of the next item to steal and of the next push, if the first is below the second.
    #[inline(always)]
    pub(super) fn look(&self) -> Option<(u64, u64)> {
        if mutant("chase_lev.steal.fence_before_top") {
            fence(Ordering::SeqCst);
        }
        let early_bottom = mutant("chase_lev.steal.bottom_first").then(|| self.look_at_bottom());
        // SeqCst: of this load and the next, the first comes first in the total order. Pairs with
        // the fence in `Worker::pop`, and reads the SeqCst compare-and-swaps of other thieves.
        let top = self
            .shared
            .line
            .top
            .load(ordering!(SeqCst, "chase_lev.steal.top" => Relaxed));
        let bottom = early_bottom.unwrap_or_else(|| self.look_at_bottom());
        // Both count up for ever; a `bottom` below `top` is one that the owner lowered to look.
        let has_items = (bottom.wrapping_sub(top) as i64) > 0;
        has_items.then_some((top, bottom))
    }

    /// `bottom`, read after `top` in the total order of SeqCst operations.
    #[inline(always)]
    pub(super) fn look_at_bottom(&self) -> u64 {
        let bottom = &self.shared.line.bottom;
        if mutant("chase_lev.steal.fence") || mutant("chase_lev.steal.fence_before_top") {
            return bottom.load(Ordering::Acquire);
        }
        if mutant("chase_lev.steal.fence_acqrel") {
            fence(Ordering::AcqRel);
            return bottom.load(Ordering::Acquire);
        }
        if mutant("chase_lev.steal.bottom") {
            fence(Ordering::SeqCst);
            return bottom.load(Ordering::Relaxed);
        }
        // SeqCst, which includes Acquire: pairs with the owner's Release stores of `bottom`, so
        // that the slots below it, and the buffer they are in, can be read.
        load_in_total_order(bottom)
    }

    /// Moves `top` past `count` items, unless it is no longer `top`.
    #[inline(always)]
    pub(super) fn claim(&self, top: u64, count: u64) -> bool {
        let moved = top.wrapping_add(count);
        if mutant("chase_lev.steal.no_claim") {
            self.shared.line.top.store(moved, Ordering::Release);
            return true;
        }
        // SeqCst: has its place in the total order, where the owner's fence in `Worker::pop` comes
        // before or after it. It includes Release, which pairs with the Acquire of `top` in
        // `Worker`: what was read from the slots was read before they are written again.
        self.shared
            .line
            .top
            .compare_exchange(
                top,
                moved,
                ordering!(SeqCst, "chase_lev.steal.claim" => Relaxed),
                Ordering::Relaxed,
            )
            .is_ok()
    }
}

impl<T: Item, R: Reclaim> Clone for Stealer<T, R> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<T: Item, R: Reclaim> PartialEq for Stealer<T, R> {
    /// Whether both steal from the same deque.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Item, R: Reclaim> Eq for Stealer<T, R> {}

impl<T: Item, R: Reclaim> fmt::Debug for Stealer<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
