//! Both halves of one deque as they lie in memory, and what any thread may do with them.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicUsize, Ordering};

use super::owner::Owner;
use super::ring::{Haul, Ring, Steal};
use super::sharing::Sharing;
use super::stack::{FIRST_CAPACITY, Slot, free_stack, stack_of};
use crate::item::Item;
use crate::stats::Counters;

const NEVER_NULL: &str = "bywash: the ring holds items only, never null";

/// Both halves of one deque, to be embedded where a worker keeps its state.
///
/// Thieves use it through `&Core`; the one owner through [`Core::owner`].
pub struct Core<T: Item> {
    pub(super) hot: CachePadded<Hot>,
    /// A push that reaches this length takes the slow way: the stack is full, the stream is due,
    /// or (0) somebody asks. On a line of its own: hungry thieves read it over and over.
    pub(super) limit: CachePadded<AtomicUsize>,
    pub(super) ring: Ring,
    pub(super) counters: Counters,
    _items: PhantomData<T>,
}

/// What the owner alone touches.
pub(super) struct Hot {
    pub(super) slots: Cell<NonNull<Slot>>,
    pub(super) len: Cell<usize>,
    pub(super) published: Cell<usize>,
    pub(super) capacity: Cell<usize>,
    /// Pops that found nothing since half of the stack was last in use.
    pub(super) lulls: Cell<usize>,
    pub(super) sharing: Cell<Sharing>,
}

// SAFETY: the cells in `Hot` are touched through `Owner` alone, of which there is one at a time by
// the contract of `Core::owner`; the rest is atomic. Items move to other threads, hence `T: Send`.
unsafe impl<T: Item + Send> Sync for Core<T> {}
// SAFETY: as above; the stack's memory is owned by this value.
unsafe impl<T: Item + Send> Send for Core<T> {}

impl<T: Item> Core<T> {
    /// An empty deque. Allocates the first stack and the ring.
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// An empty deque whose public positions begin at `start`, to test what lies near their end.
    #[doc(hidden)]
    pub fn starting_at(start: u64) -> Self {
        let hot = Hot {
            slots: Cell::new(stack_of(FIRST_CAPACITY)),
            len: Cell::new(0),
            published: Cell::new(0),
            capacity: Cell::new(FIRST_CAPACITY),
            lulls: Cell::new(0),
            sharing: Cell::new(Sharing::Asked),
        };
        Self {
            hot: CachePadded::new(hot),
            limit: CachePadded::new(AtomicUsize::new(1)),
            ring: Ring::new(start),
            counters: Counters::default(),
            _items: PhantomData,
        }
    }

    /// The owner's view.
    ///
    /// # Safety
    /// Until the returned view is gone, no other view may be in use on another thread, and what
    /// earlier views did must happen before.
    #[inline(always)]
    pub unsafe fn owner(&self) -> Owner<'_, T> {
        Owner::of(self)
    }

    /// Takes the oldest public item. One compare-and-swap, no fence; allocates nothing.
    pub fn steal(&self) -> Steal<T> {
        let mut item = null_mut();
        match self.take(1, |_| true, |_, raw| item = raw) {
            Steal::Taken(_) => {
                let item = NonNull::new(item).expect(NEVER_NULL);
                // SAFETY: the steal made this thread the owner of the pointer, once.
                Steal::Taken(unsafe { T::from_raw(item) })
            }
            Steal::Empty => Steal::Empty,
            Steal::Declined => Steal::Declined,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Takes the oldest public items, up to half of them and at most `most`; who leaves no more than it
    /// took, or finds none, asks for more.
    pub(super) fn take(
        &self,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
        put: impl FnMut(usize, *mut ()),
    ) -> Steal<Haul> {
        let stolen = self.ring.steal(most, wants, put);
        match &stolen {
            Steal::Taken(haul) => {
                // Before the ring runs dry: the owner may take a while to answer.
                if haul.left <= haul.len {
                    self.ask();
                }
                self.counters.stolen(haul.len);
            }
            Steal::Empty => self.ask(),
            Steal::Retry => self.counters.stolen(0),
            Steal::Declined => {}
        }
        stolen
    }

    /// What happened to this deque so far.
    #[cfg(feature = "stats")]
    pub fn stats(&self) -> crate::Stats {
        self.counters.read()
    }

    /// Asks the owner to expose work at its next push or before its next job. Writes the owner's line
    /// only if nobody has asked yet.
    #[inline]
    pub fn ask(&self) {
        if self.limit.load(Ordering::Relaxed) != 0 {
            self.limit.store(0, Ordering::Relaxed);
        }
    }

    /// The label of the oldest public item: a look that may be out of date at once.
    pub fn front_label(&self) -> Option<*mut ()> {
        self.ring.front_label()
    }

    /// Whether nothing is public just now.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many items are public just now.
    pub fn len(&self) -> usize {
        self.ring.len()
    }
}

impl<T: Item> Default for Core<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Item> Drop for Core<T> {
    fn drop(&mut self) {
        // SAFETY: `&mut self` proves that no view and no thief is left.
        let owner = unsafe { self.owner() };
        while let Some(item) = owner.pop(0) {
            drop(item);
        }
        free_stack(self.hot.slots.get(), self.hot.capacity.get());
    }
}
