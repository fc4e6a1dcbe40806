//! The private stack's memory: it doubles when it is full, and halves when it is empty time after time.

use std::cell::Cell;
use std::ptr::NonNull;

use bywash_sync::atomic::Ordering;

use super::owner::Owner;
use crate::item::Item;

/// The stack's first allocation, in slots; it doubles from there.
pub(super) const FIRST_CAPACITY: usize = 256;

/// After this many pops that found nothing, with no burst in between that used half of the stack,
/// the stack halves.
const PATIENCE: usize = 256;

pub(super) type Slot = Cell<Option<NonNull<()>>>;

impl<T: Item> Owner<'_, T> {
    /// How many slots the stack has just now.
    pub fn capacity(self) -> usize {
        self.hot().capacity.get()
    }

    /// Gives memory back, bit by bit, if a large stack is empty time after time: half of it when this
    /// was called on an empty stack 256 times and half of it was not needed in between.
    #[inline(always)]
    pub fn rest(self) {
        if self.hot().capacity.get() > FIRST_CAPACITY && self.hot().len.get() == 0 {
            self.rest_slow();
        }
    }

    #[cold]
    #[inline(never)]
    fn rest_slow(self) {
        let hot = self.hot();
        hot.lulls.set(hot.lulls.get() + 1);
        if hot.lulls.get() >= PATIENCE {
            hot.lulls.set(0);
            let smaller = hot.capacity.get() / 2;
            free_stack(hot.slots.replace(stack_of(smaller)), hot.capacity.get());
            hot.capacity.set(smaller);
        }
        let limit = self.core.limit.load(Ordering::Relaxed);
        if limit > self.wall() {
            // A claim and not a store: a thief that asks just now must not be overwritten.
            let _ = self.core.limit.compare_exchange(
                limit,
                self.wall(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }

    /// The length that no push may reach unnoticed: half of the stack, then the whole of it.
    pub(super) fn wall(self) -> usize {
        let (len, capacity) = (self.hot().len.get(), self.hot().capacity.get());
        if len < capacity / 2 && capacity > FIRST_CAPACITY {
            capacity / 2
        } else {
            capacity
        }
    }

    pub(super) fn grow(self) {
        let hot = self.hot();
        let old = hot.capacity.get();
        let slots = stack_of(old * 2);
        for index in 0..old {
            // SAFETY: `index` is below the new capacity as well.
            let slot = unsafe { slots.add(index) };
            // SAFETY: `stack_of` made it just now.
            unsafe { slot.as_ref() }.set(self.slot(index).get());
        }
        free_stack(hot.slots.replace(slots), old);
        hot.capacity.set(old * 2);
    }
}

pub(super) fn stack_of(capacity: usize) -> NonNull<Slot> {
    let slots: Box<[Slot]> = (0..capacity).map(|_| Cell::new(None)).collect();
    NonNull::from(Box::leak(slots)).cast()
}

pub(super) fn free_stack(slots: NonNull<Slot>, capacity: usize) {
    let slots = NonNull::slice_from_raw_parts(slots, capacity);
    // SAFETY: `stack_of` leaked exactly this boxed slice, and the caller gives it up.
    drop(unsafe { Box::from_raw(slots.as_ptr()) });
}
