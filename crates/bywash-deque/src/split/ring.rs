//! The public half: a bounded ring with one writer of `tail` and many movers of `top`.

use std::ptr::{NonNull, null_mut};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use bywash_sync::shadow::Shadow;
use bywash_sync::{mutant, ordering};

/// How many items can be public at once. Under loom 4, so that scenarios come round.
pub const RING_SLOTS: usize = if cfg!(bywash_loom) { 4 } else { 256 };

/// What became of an attempt to steal.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Steal<T> {
    /// Nothing was public.
    Empty,
    /// Something was public, but the thief's choice declined it.
    Declined,
    /// Another thief, or the owner, was faster: there may be more.
    Retry,
    /// Taken.
    Taken(T),
}

/// What one steal took: so many items, all with the same label.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Haul {
    /// How many items; never zero.
    pub len: usize,
    /// The label that all of them carry.
    pub label: *mut (),
    /// How many items it left to others.
    pub left: usize,
}

struct Slot {
    item: AtomicPtr<()>,
    label: AtomicPtr<()>,
    shadow: Shadow,
}

/// The ring itself. Owner's operations are marked; the others are any thread's.
pub(super) struct Ring {
    top: CachePadded<AtomicU64>,
    tail: CachePadded<AtomicU64>,
    slots: Box<[Slot]>,
}

impl Ring {
    pub(super) fn new(start: u64) -> Self {
        let slot = |_| Slot {
            item: AtomicPtr::new(null_mut()),
            label: AtomicPtr::new(null_mut()),
            shadow: Shadow::default(),
        };
        Self {
            top: CachePadded::new(AtomicU64::new(start)),
            tail: CachePadded::new(AtomicU64::new(start)),
            slots: (0..RING_SLOTS).map(slot).collect(),
        }
    }

    fn slot(&self, position: u64) -> &Slot {
        &self.slots[position as usize % RING_SLOTS]
    }

    /// Owner: how many more items fit now. The true number can only be larger.
    pub(super) fn room(&self) -> usize {
        // Acquire: pairs with the Release of the thieves' compare-and-swap, so that their reads of
        // a slot lie before the owner's next write to it.
        let top = self
            .top
            .load(ordering!(Acquire, "split.room.top" => Relaxed));
        let public = self.tail.load(Ordering::Relaxed).wrapping_sub(top) as usize;
        RING_SLOTS - public + usize::from(mutant("split.room.one_too_many"))
    }

    /// Owner: makes `items` public, oldest first. They must fit into [`Ring::room`].
    pub(super) fn publish(&self, items: impl Iterator<Item = (NonNull<()>, *mut ())>) {
        let mut tail = self.tail.load(Ordering::Relaxed);
        for (item, label) in items {
            if mutant("split.publish.tail_first") {
                self.tail.store(tail.wrapping_add(1), Ordering::Release);
            }
            let slot = self.slot(tail);
            slot.shadow.write();
            slot.item.store(item.as_ptr(), Ordering::Relaxed);
            slot.label.store(label, Ordering::Relaxed);
            tail = tail.wrapping_add(1);
        }
        // Release: pairs with the Acquire load of `tail` in `steal`, which then reads the slots and
        // what their items point to.
        self.tail
            .store(tail, ordering!(Release, "split.publish.tail" => Relaxed));
    }

    /// Owner: takes back everything that is still public; `each` sees index, count and item, oldest
    /// first. Returns the count.
    pub(super) fn reclaim(&self, mut each: impl FnMut(usize, usize, NonNull<()>)) -> usize {
        let tail = self.tail.load(Ordering::Relaxed);
        let mut top = self.top.load(Ordering::Relaxed);
        while top != tail {
            if mutant("split.reclaim.no_claim") {
                self.top.store(tail, Ordering::Release);
                break;
            }
            // Acquire: pairs with the thieves' Release, as in `room`. Release is not needed: the
            // owner reads its own slots, and thieves learn of new items through `tail`.
            match self.top.compare_exchange_weak(
                top,
                tail,
                ordering!(Acquire, "split.reclaim.claim" => Relaxed),
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(moved) => top = moved,
            }
        }
        let count = tail.wrapping_sub(top) as usize;
        for index in 0..count {
            let item = self
                .slot(top.wrapping_add(index as u64))
                .item
                .load(Ordering::Relaxed);
            let item = NonNull::new(item).expect("bywash: the ring holds items only, never null");
            each(index, count, item);
        }
        count
    }

    /// Whether nothing is public. Exact for the owner about its own publications.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        let top = self.top.load(Ordering::Relaxed);
        public(top, self.tail.load(Ordering::Relaxed))
    }

    /// The label of the oldest public item, as far as can be told.
    pub(super) fn front_label(&self) -> Option<*mut ()> {
        let top = self.top.load(Ordering::Relaxed);
        // Acquire: pairs with the Release store in `publish`; the label is then written.
        let order = ordering!(Acquire, "split.front_label" => Relaxed);
        let tail = self.tail.load(order);
        (public(top, tail) > 0).then(|| self.slot(top).label.load(Ordering::Relaxed))
    }

    /// Any thread: takes the oldest items, up to half of what is public and `most`, as long as
    /// they share the first one's label and `wants` accepts it. Hands them to `put`, oldest first with
    /// their numbers, before it is known whether they are the thief's: only what comes back as `Taken` is.
    pub(super) fn steal(
        &self,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
        mut put: impl FnMut(usize, *mut ()),
    ) -> Steal<Haul> {
        let early_tail =
            mutant("split.steal.tail_first").then(|| self.tail.load(Ordering::Acquire));
        let top = self.top.load(Ordering::Relaxed);
        // Acquire: pairs with the Release store in `publish`; slots below `tail` are then readable.
        let tail = early_tail.unwrap_or_else(|| {
            self.tail
                .load(ordering!(Acquire, "split.steal.tail" => Relaxed))
        });
        let public = public(top, tail);
        if public == 0 {
            return Steal::Empty;
        }
        if public > RING_SLOTS && !mutant("split.steal.lapped") {
            // `top` was read long before `tail`: the slots were written again since.
            return Steal::Retry;
        }
        let label = self.slot(top).label.load(Ordering::Relaxed);
        if !wants(label) {
            return Steal::Declined;
        }
        let most = public.div_ceil(2).min(most).max(1);
        // Readings have no size outside the model checker, so that this allocates nothing.
        let mut readings = Vec::new();
        let mut len = 0;
        while len < most {
            let slot = self.slot(top.wrapping_add(len as u64));
            if slot.label.load(Ordering::Relaxed) != label {
                break;
            }
            put(len, slot.item.load(Ordering::Relaxed));
            readings.push(slot.shadow.read());
            len += 1;
        }
        if !self.claim(top, top.wrapping_add(len as u64)) {
            return Steal::Retry;
        }
        for (index, reading) in readings.into_iter().enumerate() {
            let slot = self.slot(top.wrapping_add(index as u64));
            if mutant("split.steal.slot_after_claim") {
                put(index, slot.item.load(Ordering::Relaxed));
                slot.shadow.read().keep(&slot.shadow);
            } else {
                reading.keep(&slot.shadow);
            }
        }
        Steal::Taken(Haul {
            len,
            label,
            left: public - len,
        })
    }

    /// Any thread: moves `top`, unless somebody else did.
    fn claim(&self, top: u64, moved: u64) -> bool {
        if mutant("split.steal.no_claim") {
            self.top.store(moved, Ordering::Release);
            return true;
        }
        // Release: pairs with the owner's Acquire load of `top` in `room`, so that the owner writes
        // a slot again only after this thread has read it. Success proves that `top` never moved
        // since it was read, hence that the slots read since were not written again.
        self.top
            .compare_exchange(
                top,
                moved,
                ordering!(Release, "split.steal.claim" => Relaxed),
                Ordering::Relaxed,
            )
            .is_ok()
    }
}

/// How many items lie from `top` to `tail`; none if `top` is ahead, having been read later.
#[inline(always)]
fn public(top: u64, tail: u64) -> usize {
    usize::try_from(tail.wrapping_sub(top) as i64).unwrap_or(0)
}
