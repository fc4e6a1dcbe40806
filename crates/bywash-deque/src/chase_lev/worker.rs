//! The owner's end: push, pop, and the size of the buffer.

use super::buffer::{Buffer, Slot};
use super::options::{Flavor, Options};
use super::outcome::Full;
use super::shared::{Line, Shared};
use super::stealer::Stealer;
use crate::Item;
use crate::reclaim::{Epoch, Reclaim};
use bywash_sync::atomic::{Ordering, fence};
use bywash_sync::{mutant, ordering};
use std::cell::Cell;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// The owner's end of a deque: `Send`, not `Sync`, not `Clone`.
///
/// Dropping it leaves the items to the stealers; the last handle to go drops what is left.
///
/// One thread at a time owns it:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(bywash_deque::chase_lev::Worker::<Box<u32>>::lifo());
/// ```
///
/// and items that may not change threads keep it where it is:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(bywash_deque::chase_lev::Worker::<Box<std::rc::Rc<u32>>>::lifo());
/// ```
pub struct Worker<T: Item, R: Reclaim = Epoch> {
    pub(super) shared: Arc<Shared<T, R>>,
    /// The buffer's slots and its mask, kept here to save two loads.
    slots: Cell<NonNull<Slot>>,
    mask: Cell<u64>,
    /// How many items fit before the slow way: the capacity, or the maximum if that is less.
    limit: Cell<u64>,
    /// The `top` that was seen when room was last looked for: the true one is this or more.
    top_seen: Cell<u64>,
    /// A pop that finds fewer items than this halves the buffer; 0 when it is as small as it may be.
    shrink_below: Cell<u64>,
    pub(super) flavor: Flavor,
    initial: usize,
    maximum: usize,
    shrinks: bool,
}

// SAFETY: `slots` points into the buffer that `shared` owns, and travels with it; everything else is
// `Send` where items are.
unsafe impl<T: Item + Send, R: Reclaim> Send for Worker<T, R> {}

impl<T: Item> Worker<T> {
    /// A deque whose owner takes the newest item first. Allocates its first buffer.
    pub fn lifo() -> Self {
        Self::new(Options::lifo())
    }

    /// A deque whose owner takes the oldest item first. Allocates its first buffer.
    pub fn fifo() -> Self {
        Self::new(Options::fifo())
    }
}

impl<T: Item, R: Reclaim> Worker<T, R> {
    /// The deque of `options`, whose capacities were checked.
    pub(super) fn new(options: Options) -> Self {
        let initial = options.initial.next_power_of_two();
        let worker = Self {
            shared: Arc::new(Shared::new(options, initial)),
            slots: Cell::new(NonNull::dangling()),
            mask: Cell::new(0),
            limit: Cell::new(0),
            top_seen: Cell::new(options.first_index),
            shrink_below: Cell::new(0),
            flavor: options.flavor,
            initial,
            maximum: options.maximum,
            shrinks: options.shrinks,
        };
        worker.remember_buffer();
        worker
    }

    /// A handle that steals from this deque. Allocates nothing.
    pub fn stealer(&self) -> Stealer<T, R> {
        Stealer::new(Arc::clone(&self.shared))
    }

    /// How many items are here; thieves may take some meanwhile.
    pub fn len(&self) -> usize {
        // Relaxed: the number is old as soon as it is known.
        let top = self.shared.line.top.load(Ordering::Relaxed);
        self.shared.line.own_bottom().wrapping_sub(top) as usize
    }

    /// Whether nothing is here. Exact when it says so: only the owner adds items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items the buffer has room for before it grows.
    pub fn capacity(&self) -> usize {
        self.mask.get() as usize + 1
    }

    /// Adds `item` at the bottom, where thieves see it at once.
    ///
    /// Two stores and a compare; allocates only when the buffer doubles. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`] gives the item back when the deque holds its maximum.
    #[inline]
    pub fn push(&self, item: T) -> Result<(), Full<T>> {
        let line = &self.shared.line;
        let bottom = line.own_bottom();
        if bottom.wrapping_sub(self.top_seen.get()) >= self.limit.get() && !self.make_room(1) {
            return Err(Full(item));
        }
        if mutant("chase_lev.push.slot_after_index") {
            self.publish(line, bottom.wrapping_add(1));
        }
        let label = T::IS_LABELLED.then(|| item.label());
        if let Some(label) = label.filter(|_| !mutant("chase_lev.push.label_after_index")) {
            self.put_label(bottom, label);
        }
        self.slot(bottom).put(item.into_raw());
        self.shared.counters.pushed(1);
        self.publish(line, bottom.wrapping_add(1));
        if let Some(label) = label.filter(|_| mutant("chase_lev.push.label_after_index")) {
            self.put_label(bottom, label);
        }
        Ok(())
    }

    /// The pointer of the newest item but `newer`, which thieves may take meanwhile.
    #[inline]
    pub fn peek(&self, newer: usize) -> Option<NonNull<()>> {
        let bottom = self.shared.line.own_bottom();
        let index = bottom.wrapping_sub(1 + newer as u64);
        (newer < self.len()).then(|| self.slot(index).get())
    }

    /// Takes the newest item (LIFO) or the oldest (FIFO).
    ///
    /// LIFO: one fence, or for the last item one addition to a shared word. FIFO: one such addition.
    /// An empty deque costs two loads. Never blocks; allocates only when the buffer halves.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let line = &self.shared.line;
        // Not remembered: a store to `top_seen` would hold up the next locked operation. Read before
        // `bottom`, which after a push has to come out of the store buffer.
        let top = line.top_for_owner();
        let bottom = line.own_bottom();
        let item = if bottom.wrapping_sub(top) < self.shrink_below.get() {
            self.shrink_and_take(bottom, top)
        } else {
            self.take(line, bottom, top)
        };
        if item.is_some() {
            self.shared.counters.popped();
        }
        item
    }

    /// What happened to this deque so far.
    #[cfg(feature = "stats")]
    pub fn stats(&self) -> crate::Stats {
        self.shared.counters.read()
    }

    /// Takes an item, if there is one between a `top` of just now and `bottom`.
    ///
    /// `line` is handed down all the way: behind a barrier, to find it again would cost as much as
    /// to read it.
    #[inline(always)]
    fn take(&self, line: &Line, bottom: u64, top: u64) -> Option<T> {
        match bottom.wrapping_sub(top) {
            0 => None,
            // The last item is claimed at the thieves' end in any case, which needs no fence.
            1 => self.take_oldest(line, bottom, top),
            _ if self.flavor == Flavor::Fifo => self.take_oldest(line, bottom, top),
            _ => self.take_newest(line, bottom),
        }
    }

    /// Lowers `bottom` past the newest item, then looks whether a thief has come as far.
    #[inline(always)]
    fn take_newest(&self, line: &Line, bottom: u64) -> Option<T> {
        let newest = bottom.wrapping_sub(1);
        // Read ahead of the fence, which would hold it up: only the owner writes slots.
        let raw = self.slot(newest).get();
        let early_top = mutant("chase_lev.pop.top_before_fence").then(|| line.top_for_owner());
        // Release: pairs with the Acquire of `bottom` in `Stealer::look`. A thief that sees this
        // value steals items pushed before it, and later stores head no release sequence for them.
        line.bottom
            .store(newest, ordering!(Release, "chase_lev.pop.lower" => Relaxed));
        // SeqCst: pairs with the thieves' SeqCst loads of `top` and then `bottom`. Either the thief
        // sees the lowered bottom, or the load below sees the top that the thief has seen.
        if mutant("chase_lev.pop.fence_acqrel") {
            fence(Ordering::AcqRel);
        } else if !mutant("chase_lev.pop.fence") {
            fence(Ordering::SeqCst);
        }
        let top = early_top.unwrap_or_else(|| line.top_for_owner());
        let older = newest.wrapping_sub(top) as i64;
        if older > 0 || (older == 0 && mutant("chase_lev.pop.last_without_claim")) {
            // SAFETY: thieves that claim indices up to `newest` have seen a bottom at or below it,
            // so this index is the owner's; `push` put an item there, and it comes out once.
            return Some(unsafe { T::from_raw(raw) });
        }
        self.meet_thieves(bottom, top)
    }

    /// Takes the last item if it is there: thieves came to `top` while the owner lowered `bottom`.
    #[cold]
    #[inline(never)]
    fn meet_thieves(&self, bottom: u64, top: u64) -> Option<T> {
        if !mutant("chase_lev.pop.restore") {
            // Release: as where it was lowered.
            self.shared.line.bottom.store(
                bottom,
                ordering!(Release, "chase_lev.pop.restore_release" => Relaxed),
            );
        }
        if top == bottom {
            return None;
        }
        self.take_oldest(&self.shared.line, bottom, top)
    }

    /// Claims the oldest item, which is at `top` or, if thieves were faster, beyond.
    #[inline(always)]
    fn take_oldest(&self, line: &Line, bottom: u64, top: u64) -> Option<T> {
        // Read ahead of the claim, which would hold it up: only the owner writes slots.
        let raw = self.slot(top).get();
        // An addition, which unlike a compare-and-swap never fails. Relaxed: `bottom` was lowered
        // behind a fence, so that thieves that see this top see that; and a later load of `top`
        // learns from it what the thieves' claims before it would have told.
        let claimed = line.top.fetch_add(1, Ordering::Relaxed);
        if claimed != top {
            return self.take_beyond(bottom, claimed);
        }
        // SAFETY: the index was claimed below `bottom`; `push` put an item there, and it comes out
        // once.
        Some(unsafe { T::from_raw(raw) })
    }

    /// Takes the item at an index that was claimed, unless that is `bottom`.
    #[cold]
    #[inline(never)]
    fn take_beyond(&self, bottom: u64, claimed: u64) -> Option<T> {
        if claimed == bottom {
            // Thieves took the rest, and the claim went one step past the end. That index is left
            // out, so that `top` never goes back: a thief may have seen where it stands.
            if !mutant("chase_lev.pop.overstep") {
                let next = bottom.wrapping_add(1);
                // Release: as in `publish`.
                self.shared.line.bottom.store(next, Ordering::Release);
            }
            // The index left out holds no item, and must not count as one.
            if !mutant("chase_lev.pop.overstep_room") {
                self.top_seen.set(self.shared.line.top_for_owner());
            }
            return None;
        }
        let raw = self.slot(claimed).get();
        // SAFETY: the index was claimed below `bottom`; `push` put an item there, and it comes out
        // once.
        Some(unsafe { T::from_raw(raw) })
    }

    #[inline(always)]
    pub(super) fn slot(&self, index: u64) -> &Slot {
        let offset = (index & self.mask.get()) as usize;
        // SAFETY: the mask keeps the offset below the capacity of the buffer that `slots` begins.
        let slot = unsafe { self.slots.get().add(offset) };
        // SAFETY: that buffer lives until the owner, who is here, replaces it.
        unsafe { slot.as_ref() }
    }

    /// The slot `place` places beyond the bottom: room that [`reserve`](Self::reserve) promised.
    #[inline(always)]
    pub(super) fn free_slot(&self, place: usize) -> &Slot {
        self.slot(self.shared.line.own_bottom().wrapping_add(place as u64))
    }

    /// Puts `label` beside the slot of `index`, before that is published.
    #[inline(always)]
    pub(super) fn put_label(&self, index: u64, label: *mut ()) {
        // SAFETY: this is the owner, and the reference ends here.
        unsafe { self.shared.own_buffer() }.put_label(index, label);
    }

    /// Makes all below `bottom` visible to thieves.
    #[inline(always)]
    pub(super) fn publish(&self, line: &Line, bottom: u64) {
        self.shared.counters.published();
        // Release: pairs with the Acquire of `bottom` in `Stealer::look`, which then reads the slot
        // and what its item points to.
        line.bottom.store(
            bottom,
            ordering!(Release, "chase_lev.push.publish" => Relaxed),
        );
    }

    /// Makes room for `wanted` more items if the maximum allows, and says how many fit.
    pub(super) fn reserve(&self, wanted: usize) -> usize {
        let fits = |worker: &Self| worker.limit.get() - worker.occupied();
        if fits(self) < wanted as u64 && !self.make_room(wanted) {
            self.make_room(self.maximum - self.occupied() as usize);
        }
        (fits(self) as usize).min(wanted)
    }

    /// How many items are here, or were when `top` was last seen.
    fn occupied(&self) -> u64 {
        self.shared
            .line
            .own_bottom()
            .wrapping_sub(self.top_seen.get())
    }

    /// Whether `wanted` more items fit, after growing if need be.
    #[cold]
    #[inline(never)]
    fn make_room(&self, wanted: usize) -> bool {
        self.top_seen.set(self.shared.line.top_for_owner());
        let needed = self.occupied() as usize + wanted;
        if needed <= self.limit.get() as usize {
            return true;
        }
        if needed > self.maximum {
            return false;
        }
        self.resize(needed.next_power_of_two());
        true
    }

    /// As `take`, after halving a buffer of which a quarter at most is used.
    #[cold]
    #[inline(never)]
    fn shrink_and_take(&self, bottom: u64, top: u64) -> Option<T> {
        self.top_seen.set(top);
        self.resize(self.capacity() >> 1);
        self.take(&self.shared.line, bottom, top)
    }

    /// Moves the items to a buffer of `capacity` slots, which they must fit.
    fn resize(&self, capacity: usize) {
        let buffer = Box::new(Buffer::new(capacity, T::IS_LABELLED));
        let top = self.top_seen.get();
        // SAFETY: this is the owner, and the reference ends before the buffer is replaced.
        let old = unsafe { self.shared.own_buffer() };
        for offset in 0..self.shared.line.own_bottom().wrapping_sub(top) {
            let index = top.wrapping_add(offset);
            buffer.slot(index).put(old.slot(index).get());
            if T::IS_LABELLED && !mutant("chase_lev.resize.label") {
                buffer.put_label(index, old.label(index));
            }
        }
        // SAFETY: this is the owner; the items from a `top` that was seen to `bottom` are in place.
        unsafe { self.shared.replace_buffer(buffer) };
        self.remember_buffer();
    }

    fn remember_buffer(&self) {
        // SAFETY: this is the owner, and the reference ends here.
        let buffer = unsafe { self.shared.own_buffer() };
        let capacity = buffer.capacity();
        self.slots.set(buffer.first());
        self.mask.set(capacity as u64 - 1);
        let one_too_many = u64::from(mutant("chase_lev.push.capacity"));
        self.limit
            .set(capacity.min(self.maximum) as u64 + one_too_many);
        let is_smallest = capacity <= self.initial || !self.shrinks;
        self.shrink_below.set(if is_smallest {
            0
        } else {
            capacity as u64 / 4 + 1
        });
    }
}

impl<T: Item, R: Reclaim> fmt::Debug for Worker<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("flavor", &self.flavor)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
