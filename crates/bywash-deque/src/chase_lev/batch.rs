//! Steals that take several items at once, into the thief's own deque.

use super::buffer::Buffer;
use super::options::Flavor;
use super::outcome::Steal;
use super::stealer::Stealer;
use super::worker::Worker;
use crate::Item;
use crate::reclaim::Reclaim;
use bywash_sync::mutant;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

impl<T: Item, R: Reclaim> Stealer<T, R> {
    /// Moves up to half of the items, and at most `limit`, into `own`; says how many.
    ///
    /// The oldest items are taken, and come out of `own` in the order in which their owner would
    /// have popped them. At least one is taken if there is one, unless `limit` is 0 or `own` is at
    /// its maximum. Stealing from the deque that `own` belongs to moves nothing. Of items that
    /// [are labelled](Item::IS_LABELLED) only those are taken that carry the label of the oldest.
    ///
    /// One pin of an epoch (a full barrier) in all. From a FIFO deque one compare-and-swap; from a
    /// LIFO deque, whose owner takes items without one, one for each item. Allocates if `own` grows.
    pub fn steal_batch(&self, own: &Worker<T, R>, limit: usize) -> Steal<usize> {
        let Some((top, bottom)) = self.look() else {
            return Steal::Empty;
        };
        let wanted = half(top, bottom).min(limit);
        if wanted == 0 || self.is_of(own) {
            return Steal::Taken(0);
        }
        let wanted = own.reserve(wanted);
        if wanted == 0 {
            return Steal::Taken(0);
        }
        let mut choice = Choice::new(|_| true);
        let put = |place: usize, raw| own.free_slot(place).put_unclaimed(raw);
        let taken = if self.is_claimed_at_once() {
            self.take_run(top, wanted, &mut choice, put)
        } else {
            self.take_each(top, wanted, &mut choice, put)
        };
        self.shared.counters.stolen(taken);
        if taken == 0 {
            return Steal::Retry;
        }
        self.hand_over(own, taken, choice.label);
        Steal::Taken(taken)
    }

    /// As [`steal_batch`](Self::steal_batch), but returns the item that would have come out first.
    ///
    /// Takes one item even when `limit` is 0 or `own` is at its maximum. On the deque that `own`
    /// belongs to it is a pop.
    pub fn steal_batch_and_pop(&self, own: &Worker<T, R>, limit: usize) -> Steal<T> {
        match self.steal_batch_and_pop_if(own, limit, |_| true) {
            Steal::Taken(Some((first, _))) => Steal::Taken(first),
            Steal::Taken(None) | Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// As [`steal_batch_and_pop`](Self::steal_batch_and_pop), and says how many other items it moved; or
    /// takes nothing, if `wants` declines the label of the oldest item.
    ///
    /// `wants` sees the label before the item is taken, which somebody else may get then; null, if items
    /// are not labelled.
    pub fn steal_batch_and_pop_if(
        &self,
        own: &Worker<T, R>,
        limit: usize,
        wants: impl FnOnce(*mut ()) -> bool,
    ) -> Steal<Option<(T, usize)>> {
        if self.is_of(own) {
            let alone = |item| Steal::Taken(Some((item, 0)));
            return own.pop().map_or(Steal::Empty, alone);
        }
        let Some((top, bottom)) = self.look() else {
            return Steal::Empty;
        };
        let wanted = own.reserve(half(top, bottom).min(limit)).max(1);
        let mut choice = Choice::new(wants);
        let mut first = null_mut();
        let taken = if self.is_claimed_at_once() {
            let put = |place: usize, raw| match place.checked_sub(1) {
                None => first = raw,
                Some(place) => own.free_slot(place).put_unclaimed(raw),
            };
            self.take_run(top, wanted, &mut choice, put)
        } else {
            self.take_each(top, wanted, &mut choice, |place, raw| {
                // The newest so far is the one that its owner would have popped first.
                if let Some(place) = place.checked_sub(1) {
                    own.free_slot(place).put_unclaimed(first);
                }
                first = raw;
            })
        };
        if choice.is_declined {
            return Steal::Taken(None);
        }
        self.shared.counters.stolen(taken);
        let Some(first) = NonNull::new(first).filter(|_| taken > 0) else {
            return Steal::Retry;
        };
        let others = taken - 1;
        self.hand_over(own, others, choice.label);
        // SAFETY: its index was claimed, so it is what `push` put there, and nobody else has it.
        Steal::Taken(Some((unsafe { T::from_raw(first) }, others)))
    }

    /// The label of the oldest item, or null if items are not labelled: a look that may be out of date
    /// at once.
    pub fn front_label(&self) -> Option<*mut ()> {
        loop {
            let (top, _) = self.look()?;
            let pin = self.shared.reclaim.pin();
            // If there is none, thieves and the owner have come further, and `top` is another.
            if let Some(label) = label_at::<T>(self.shared.buffer(&pin), top) {
                return Some(label);
            }
        }
    }

    fn is_of(&self, own: &Worker<T, R>) -> bool {
        Arc::ptr_eq(&self.shared, &own.shared)
    }

    /// Whether nobody takes an item of this deque without moving `top`.
    fn is_claimed_at_once(&self) -> bool {
        self.shared.flavor == Flavor::Fifo || mutant("chase_lev.batch.one_claim")
    }

    /// Takes up to `most` chosen items by one claim, or none. `put` sees them before the claim.
    fn take_run(
        &self,
        top: u64,
        most: usize,
        choice: &mut Choice<impl FnOnce(*mut ()) -> bool>,
        mut put: impl FnMut(usize, *mut ()),
    ) -> usize {
        let pin = self.shared.reclaim.pin();
        let buffer = self.shared.buffer(&pin);
        // Readings have no size outside the model checker, so that this allocates nothing.
        let mut readings = Vec::new();
        let mut count = 0;
        while count < most {
            let index = top.wrapping_add(count as u64);
            if !choice.accepts(label_at::<T>(buffer, index)) {
                break;
            }
            let (raw, reading) = buffer.slot(index).glimpse();
            put(count, raw);
            readings.push(reading);
            count += 1;
        }
        if count == 0 || !self.claim(top, count as u64) {
            return 0;
        }
        for (place, reading) in readings.into_iter().enumerate() {
            buffer.slot(top.wrapping_add(place as u64)).keep(reading);
        }
        count
    }

    /// Takes up to `most` chosen items, each by a claim of its own. `put` sees each after its claim.
    fn take_each(
        &self,
        top: u64,
        most: usize,
        choice: &mut Choice<impl FnOnce(*mut ()) -> bool>,
        mut put: impl FnMut(usize, *mut ()),
    ) -> usize {
        let pin = self.shared.reclaim.pin();
        let first_buffer = self.shared.buffer(&pin);
        let mut taken = 0;
        while taken < most {
            let index = top.wrapping_add(taken as u64);
            // The owner may have popped below what this thief saw, and pushed there again.
            if taken > 0 && !mutant("chase_lev.batch.stale_bottom") {
                let bottom = self.look_at_bottom();
                if (bottom.wrapping_sub(index) as i64) <= 0 {
                    break;
                }
            }
            // Loaded again after `bottom`: a push since then may have gone to a grown buffer alone.
            let buffer = if mutant("chase_lev.batch.stale_buffer") {
                first_buffer
            } else {
                self.shared.buffer(&pin)
            };
            let label = label_at::<T>(buffer, index);
            let slot = buffer.slot(index);
            let (raw, reading) = slot.glimpse();
            if !choice.accepts(label) || !self.claim(index, 1) {
                break;
            }
            slot.keep(reading);
            put(taken, raw);
            taken += 1;
        }
        taken
    }

    /// Makes the `count` items that lie beyond `own`'s bottom, oldest first, part of it.
    fn hand_over(&self, own: &Worker<T, R>, count: usize, label: *mut ()) {
        if self.shared.flavor != own.flavor {
            for place in 0..count / 2 {
                let (near, far) = (own.free_slot(place), own.free_slot(count - 1 - place));
                let (older, newer) = (near.get(), far.get());
                near.put(newer);
                far.put(older);
            }
        }
        let line = &own.shared.line;
        let bottom = line.own_bottom();
        if T::IS_LABELLED && !mutant("chase_lev.batch.hand_over_label") {
            for place in 0..count as u64 {
                own.put_label(bottom.wrapping_add(place), label);
            }
        }
        own.shared.counters.pushed(count);
        own.publish(line, bottom.wrapping_add(count as u64));
    }
}

/// What a thief wants of the items: all of one label, which is the oldest's.
struct Choice<W> {
    wants: Option<W>,
    label: *mut (),
    is_declined: bool,
}

impl<W: FnOnce(*mut ()) -> bool> Choice<W> {
    fn new(wants: W) -> Self {
        Self {
            wants: Some(wants),
            label: null_mut(),
            is_declined: false,
        }
    }

    /// Whether an item with this label is one to be taken next. Sees the oldest first.
    #[inline(always)]
    fn accepts(&mut self, label: Option<*mut ()>) -> bool {
        let Some(label) = label else { return false };
        let Some(wants) = self.wants.take() else {
            return label == self.label || mutant("chase_lev.batch.any_label");
        };
        self.label = label;
        self.is_declined = !wants(label);
        !self.is_declined
    }
}

/// Thief: the label beside the slot of `index`, or null if items are not labelled. `None` if `index` was
/// taken before `buffer` was made: thieves of it lose the claim.
///
/// Worth as much as a [`glimpse`](super::buffer::Slot::glimpse): it belongs to the item at `index` if the
/// claim succeeds, since both were put there before the same Release of `bottom`.
#[inline(always)]
fn label_at<T: Item>(buffer: &Buffer, index: u64) -> Option<*mut ()> {
    if !T::IS_LABELLED {
        return Some(null_mut());
    }
    let label = buffer.label(index);
    (!label.is_null() || mutant("chase_lev.steal.null_label")).then_some(label)
}

/// Half of the items from `top` to `bottom`, rounded up.
fn half(top: u64, bottom: u64) -> usize {
    bottom.wrapping_sub(top).div_ceil(2) as usize
}
