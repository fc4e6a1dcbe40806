//! Steals that take several items at once, into the thief's own deque.

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
    /// its maximum. Stealing from the deque that `own` belongs to moves nothing.
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
        let put = |place: usize, raw| own.free_slot(place).put_unclaimed(raw);
        let taken = if self.is_claimed_at_once() {
            self.take_run(top, wanted, put)
        } else {
            self.take_each(top, wanted, put)
        };
        self.shared.counters.stolen(taken);
        if taken == 0 {
            return Steal::Retry;
        }
        self.hand_over(own, taken);
        Steal::Taken(taken)
    }

    /// As [`steal_batch`](Self::steal_batch), but returns the item that would have come out first.
    ///
    /// Takes one item even when `limit` is 0 or `own` is at its maximum. On the deque that `own`
    /// belongs to it is a pop.
    pub fn steal_batch_and_pop(&self, own: &Worker<T, R>, limit: usize) -> Steal<T> {
        if self.is_of(own) {
            return own.pop().map_or(Steal::Empty, Steal::Taken);
        }
        let Some((top, bottom)) = self.look() else {
            return Steal::Empty;
        };
        let wanted = own.reserve(half(top, bottom).min(limit));
        if wanted <= 1 {
            return self.steal();
        }
        let mut first = null_mut();
        let taken = if self.is_claimed_at_once() {
            self.take_run(top, wanted, |place, raw| match place.checked_sub(1) {
                None => first = raw,
                Some(place) => own.free_slot(place).put_unclaimed(raw),
            })
        } else {
            self.take_each(top, wanted, |place, raw| {
                // The newest so far is the one that its owner would have popped first.
                if let Some(place) = place.checked_sub(1) {
                    own.free_slot(place).put_unclaimed(first);
                }
                first = raw;
            })
        };
        self.shared.counters.stolen(taken);
        let Some(first) = NonNull::new(first).filter(|_| taken > 0) else {
            return Steal::Retry;
        };
        self.hand_over(own, taken - 1);
        // SAFETY: its index was claimed, so it is what `push` put there, and nobody else has it.
        Steal::Taken(unsafe { T::from_raw(first) })
    }

    fn is_of(&self, own: &Worker<T, R>) -> bool {
        Arc::ptr_eq(&self.shared, &own.shared)
    }

    /// Whether nobody takes an item of this deque without moving `top`.
    fn is_claimed_at_once(&self) -> bool {
        self.shared.flavor == Flavor::Fifo || mutant("chase_lev.batch.one_claim")
    }

    /// Takes `count` items by one claim, or none. `put` sees them before the claim.
    fn take_run(&self, top: u64, count: usize, mut put: impl FnMut(usize, *mut ())) -> usize {
        let pin = self.shared.reclaim.pin();
        let buffer = self.shared.buffer(&pin);
        // Readings have no size outside the model checker, so that this allocates nothing.
        let mut readings = Vec::new();
        for place in 0..count {
            let (raw, reading) = buffer.slot(top.wrapping_add(place as u64)).glimpse();
            put(place, raw);
            readings.push(reading);
        }
        if !self.claim(top, count as u64) {
            return 0;
        }
        for (place, reading) in readings.into_iter().enumerate() {
            buffer.slot(top.wrapping_add(place as u64)).keep(reading);
        }
        count
    }

    /// Takes up to `count` items, each by a claim of its own. `put` sees each after its claim.
    fn take_each(&self, top: u64, count: usize, mut put: impl FnMut(usize, *mut ())) -> usize {
        let pin = self.shared.reclaim.pin();
        let first_buffer = self.shared.buffer(&pin);
        let mut taken = 0;
        while taken < count {
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
            let slot = buffer.slot(index);
            let (raw, reading) = slot.glimpse();
            if !self.claim(index, 1) {
                break;
            }
            slot.keep(reading);
            put(taken, raw);
            taken += 1;
        }
        taken
    }

    /// Makes the `count` items that lie beyond `own`'s bottom, oldest first, part of it.
    fn hand_over(&self, own: &Worker<T, R>, count: usize) {
        if self.shared.flavor != own.flavor {
            for place in 0..count / 2 {
                let (near, far) = (own.free_slot(place), own.free_slot(count - 1 - place));
                let (older, newer) = (near.get(), far.get());
                near.put(newer);
                far.put(older);
            }
        }
        own.shared.counters.pushed(count);
        let line = &own.shared.line;
        own.publish(line, line.own_bottom().wrapping_add(count as u64));
    }
}

/// Half of the items from `top` to `bottom`, rounded up.
fn half(top: u64, bottom: u64) -> usize {
    bottom.wrapping_sub(top).div_ceil(2) as usize
}
