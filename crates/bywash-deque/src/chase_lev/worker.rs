//! The owner's end: push, pop, and the size of the buffer.

use super::buffer::{Buffer, Slot};
use super::options::{Flavor, Options};
use super::outcome::Full;
use super::shared::Shared;
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
    /// With fewer items than this the buffer shrinks; 0 when it is as small as it may be.
    shrink_below: Cell<u64>,
    pub(super) flavor: Flavor,
    initial: usize,
    maximum: usize,
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
        self.bottom().wrapping_sub(top) as usize
    }

    /// Whether nothing is here. Exact when it says so: only the owner adds items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        let bottom = self.bottom();
        if bottom.wrapping_sub(self.top_seen.get()) >= self.limit.get() && !self.make_room(1) {
            return Err(Full(item));
        }
        if mutant("chase_lev.push.slot_after_index") {
            self.publish(bottom.wrapping_add(1));
        }
        self.slot(bottom).put(item.into_raw());
        self.shared.counters.pushed(1);
        self.publish(bottom.wrapping_add(1));
        Ok(())
    }

    /// Takes the newest item (LIFO) or the oldest (FIFO).
    ///
    /// LIFO: one fence, or one compare-and-swap for the last item. FIFO: one addition to a shared
    /// word. An empty deque costs two loads. Never blocks; allocates only when the buffer halves.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let item = match self.flavor {
            Flavor::Lifo => self.pop_newest(),
            Flavor::Fifo => self.pop_oldest(),
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

    #[inline]
    fn pop_newest(&self) -> Option<T> {
        let bottom = self.bottom();
        // Looked at first, since the last item needs no fence. Not remembered: a store to
        // `top_seen` would hold up the next locked operation.
        let top = self.load_top();
        match bottom.wrapping_sub(top) {
            0 => {
                self.shrink_if_sparse(0);
                return None;
            }
            1 => return self.take_last(top),
            _ => {}
        }
        let newest = bottom.wrapping_sub(1);
        // Read ahead of the fence, which would hold it up: only the owner writes slots.
        let raw = self.slot(newest).get();
        let early_top = mutant("chase_lev.pop.top_before_fence").then(|| self.load_top());
        // Release: pairs with the Acquire of `bottom` in `Stealer::look`. A thief that sees this
        // value steals items pushed before it, and later stores head no release sequence for them.
        self.shared
            .line
            .bottom
            .store(newest, ordering!(Release, "chase_lev.pop.lower" => Relaxed));
        // SeqCst: pairs with the thieves' SeqCst loads of `top` and then `bottom`. Either the thief
        // sees the lowered bottom, or the load below sees the top that the thief has seen.
        if mutant("chase_lev.pop.fence_acqrel") {
            fence(Ordering::AcqRel);
        } else if !mutant("chase_lev.pop.fence") {
            fence(Ordering::SeqCst);
        }
        // Acquire: pairs with the Release of the thieves' compare-and-swap: this thread writes the
        // slots below `top` again.
        let top = early_top.unwrap_or_else(|| self.load_top());
        let older = newest.wrapping_sub(top) as i64;
        if older > 0 || (older == 0 && mutant("chase_lev.pop.last_without_claim")) {
            self.shrink_if_sparse(older as u64);
            // SAFETY: thieves that claim indices up to `newest` have seen a bottom at or below it,
            // so this index is the owner's; `push` put an item there, and it comes out once.
            return Some(unsafe { T::from_raw(raw) });
        }
        // The last one, or none: the index goes back, and `top` decides.
        if !mutant("chase_lev.pop.restore") {
            // Release: pairs with the Acquire of `bottom` in `Stealer::look`, as above.
            self.shared.line.bottom.store(
                bottom,
                ordering!(Release, "chase_lev.pop.restore_release" => Relaxed),
            );
        }
        if older < 0 {
            return None;
        }
        self.take_last(newest)
    }

    /// Takes the only item, if no thief does: `top` was seen just below `bottom`.
    #[inline]
    fn take_last(&self, top: u64) -> Option<T> {
        // Read ahead of the claim, as in `pop_newest`.
        let raw = self.slot(top).get();
        // AcqRel: a thief that sees this top sees the owner's pops before it, and the owner knows
        // what the thieves before it knew. Relaxed on failure: nothing is learnt from it.
        let claim = self.shared.line.top.compare_exchange(
            top,
            top.wrapping_add(1),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        // SAFETY: the claim on the index succeeded; `push` put an item there, and it comes out once.
        claim.ok().map(|_| unsafe { T::from_raw(raw) })
    }

    #[inline]
    fn pop_oldest(&self) -> Option<T> {
        let bottom = self.bottom();
        let top = self.load_top();
        let items = bottom.wrapping_sub(top);
        if items == 0 {
            self.shrink_if_sparse(0);
            return None;
        }
        // Read ahead of the claim, which would hold it up: only the owner writes slots.
        let raw = self.slot(top).get();
        // An addition, which unlike a compare-and-swap never fails. Release: a thief that sees this
        // top sees the owner's pops before it. Acquire: pairs with the Release of the thieves'
        // compare-and-swap, as in `load_top`.
        let claimed = self
            .shared
            .line
            .top
            .fetch_add(1, ordering!(AcqRel, "chase_lev.pop.oldest" => Relaxed));
        if claimed == bottom {
            // Thieves took the rest. Nobody moves `top` while it is above `bottom`; Release as above.
            if !mutant("chase_lev.pop.oldest_restore") {
                self.shared.line.top.store(bottom, Ordering::Release);
            }
            return None;
        }
        let raw = if claimed == top {
            raw
        } else {
            self.slot(claimed).get()
        };
        self.shrink_if_sparse(items);
        // SAFETY: the index was claimed below `bottom`; `push` put an item there, and it comes out
        // once.
        Some(unsafe { T::from_raw(raw) })
    }

    /// The index of the next push.
    #[inline(always)]
    pub(super) fn bottom(&self) -> u64 {
        // Relaxed: the owner wrote it, and nobody else does.
        self.shared.line.bottom.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn load_top(&self) -> u64 {
        self.shared
            .line
            .top
            .load(ordering!(Acquire, "chase_lev.owner.top" => Relaxed))
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
        self.slot(self.bottom().wrapping_add(place as u64))
    }

    /// Makes all below `bottom` visible to thieves.
    #[inline(always)]
    pub(super) fn publish(&self, bottom: u64) {
        self.shared.counters.published();
        // Release: pairs with the Acquire of `bottom` in `Stealer::look`, which then reads the slot
        // and what its item points to.
        self.shared.line.bottom.store(
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
        self.bottom().wrapping_sub(self.top_seen.get())
    }

    /// Whether `wanted` more items fit, after growing if need be.
    #[cold]
    #[inline(never)]
    fn make_room(&self, wanted: usize) -> bool {
        self.top_seen.set(self.load_top());
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

    /// Halves the buffer when fewer than a quarter of its slots are used.
    #[inline(always)]
    fn shrink_if_sparse(&self, items: u64) {
        if items < self.shrink_below.get() {
            self.shrink();
        }
    }

    #[cold]
    #[inline(never)]
    fn shrink(&self) {
        self.top_seen.set(self.load_top());
        self.resize((self.mask.get() as usize + 1) >> 1);
    }

    /// Moves the items to a buffer of `capacity` slots, which they must fit.
    fn resize(&self, capacity: usize) {
        let buffer = Box::new(Buffer::new(capacity));
        let top = self.top_seen.get();
        for offset in 0..self.bottom().wrapping_sub(top) {
            let index = top.wrapping_add(offset);
            buffer.slot(index).put(self.slot(index).get());
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
        let is_smallest = capacity <= self.initial;
        self.shrink_below
            .set(if is_smallest { 0 } else { capacity as u64 / 4 });
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
