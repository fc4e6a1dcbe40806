//! What owner and thieves share: two indices, and the pointer to the buffer.

use super::buffer::Buffer;
use super::options::{Flavor, Options};
use crate::Item;
use crate::reclaim::Reclaim;
use crate::stats::Counters;
use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use bywash_sync::ordering;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Mutex;

/// The shared part of one deque; lives as long as any of its handles.
pub(super) struct Shared<T: Item, R: Reclaim> {
    pub(super) line: CachePadded<Line>,
    pub(super) reclaim: R,
    pub(super) flavor: Flavor,
    pub(super) counters: Counters,
    /// Owns items that move between threads, and hands out no reference to any: `Send` and `Sync`
    /// where items are `Send`, as a lock is.
    items: PhantomData<Mutex<T>>,
}

/// All that changes. One cache line and not two: whoever needs one of the indices needs the other.
pub(super) struct Line {
    /// The next index to be stolen. Never decreases; an owner that claims one index too many stands
    /// one step past `bottom`, until it has left that index out.
    pub(super) top: AtomicU64,
    /// The index of the next push. Written by the owner alone.
    pub(super) bottom: AtomicU64,
    /// Never null. Replaced, by the owner alone, when the deque grows or shrinks.
    buffer: AtomicPtr<Buffer>,
}

impl Line {
    /// Owner: the index of the next push.
    #[inline(always)]
    pub(super) fn own_bottom(&self) -> u64 {
        // Relaxed: the owner wrote it, and nobody else does.
        self.bottom.load(Ordering::Relaxed)
    }

    /// Owner: the index of the oldest item.
    #[inline(always)]
    pub(super) fn top_for_owner(&self) -> u64 {
        // Acquire: pairs with the Release of the thieves' compare-and-swap: this thread writes the
        // slots below `top` again.
        self.top
            .load(ordering!(Acquire, "chase_lev.owner.top" => Relaxed))
    }
}

impl<T: Item, R: Reclaim> Shared<T, R> {
    pub(super) fn new(options: Options, capacity: usize) -> Self {
        let first_index = options.first_index;
        let buffer = Box::into_raw(Box::new(Buffer::new(capacity, T::IS_LABELLED)));
        Self {
            line: CachePadded::new(Line {
                top: AtomicU64::new(first_index),
                bottom: AtomicU64::new(first_index),
                buffer: AtomicPtr::new(buffer),
            }),
            reclaim: R::default(),
            flavor: options.flavor,
            counters: Counters::default(),
            items: PhantomData,
        }
    }

    /// Thief: the buffer, for as long as `_pin` lives. Load `bottom` first: the buffer is then at
    /// least as new as the items below it.
    #[inline(always)]
    pub(super) fn buffer<'a>(&'a self, _pin: &'a R::Pin<'_>) -> &'a Buffer {
        // Acquire: pairs with the Release in `replace_buffer`, which follows the copying.
        let buffer = self
            .line
            .buffer
            .load(ordering!(Acquire, "chase_lev.steal.buffer" => Relaxed));
        // SAFETY: it came from a box, and the pin was there before it was loaded: it is not freed
        // while the pin lives.
        unsafe { &*buffer }
    }

    /// Owner: the buffer that only the owner replaces.
    ///
    /// # Safety
    ///
    /// Only the owner calls this, and it does not use the reference after it replaced the buffer.
    pub(super) unsafe fn own_buffer(&self) -> &Buffer {
        // Relaxed: the owner wrote it.
        let buffer = self.line.buffer.load(Ordering::Relaxed);
        // SAFETY: it came from a box, and nobody but the owner, who calls this, retires it.
        unsafe { &*buffer }
    }

    /// Owner: puts a filled buffer in the place of the old one, and retires that.
    ///
    /// # Safety
    ///
    /// Only the owner calls this; `buffer` holds the items from `top` to `bottom`.
    pub(super) unsafe fn replace_buffer(&self, buffer: Box<Buffer>) {
        // Relaxed: the owner wrote it.
        let old = self.line.buffer.load(Ordering::Relaxed);
        // Release: pairs with the Acquire in `buffer`, so that a thief finds the copied items.
        self.line.buffer.store(
            Box::into_raw(buffer),
            ordering!(Release, "chase_lev.resize.publish" => Relaxed),
        );
        let old = NonNull::new(old).expect("the buffer is never null");
        // SAFETY: it came from a box, is retired once because only the owner replaces it, and was
        // made unreachable just now.
        unsafe { self.reclaim.retire(old) };
    }
}

impl<T: Item, R: Reclaim> Drop for Shared<T, R> {
    fn drop(&mut self) {
        // Relaxed: the last handle is gone, and the counter of handles ordered all before this.
        let top = self.line.top.load(Ordering::Relaxed);
        let bottom = self.line.bottom.load(Ordering::Relaxed);
        let buffer = self.line.buffer.load(Ordering::Relaxed);
        // SAFETY: it came from a box, and no handle is left that could use or retire it.
        let buffer = unsafe { Box::from_raw(buffer) };
        for offset in 0..bottom.wrapping_sub(top) {
            let raw = buffer.slot(top.wrapping_add(offset)).get();
            // SAFETY: an index from `top` to `bottom` holds an item that nobody took.
            drop(unsafe { T::from_raw(raw) });
        }
    }
}
