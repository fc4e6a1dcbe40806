//! The owner's side, and the rules between the halves: push, pop, take back, expose, answer.

use std::marker::PhantomData;
use std::ptr::NonNull;

use bywash_sync::atomic::Ordering;
use bywash_sync::mutant;

use super::core::{Core, Hot};
use super::ring::{Haul, RING_SLOTS, Steal};
use super::sharing::Sharing;
use super::stack::Slot;
use crate::item::Item;

/// A stream of pushes looks at the latest after this many whether the ring has room.
const LONGEST_STRIDE: usize = if cfg!(bywash_loom) { 2 } else { 64 };

/// How much one exposure moves at most: half the ring, so that a reclaim stays short.
const LARGEST_EXPOSURE: usize = RING_SLOTS / 2;

/// A height of the owner's stack: how many slots lie below.
pub type Position = usize;

/// Where an item is when its owner comes back for it.
#[derive(Debug, PartialEq, Eq)]
pub enum TakeBack {
    /// On top of the stack; now taken off.
    Mine,
    /// On the stack, below what lies from this position upwards.
    Below(Position),
    /// A thief has it.
    Stolen,
}

/// The owner's operations. Neither `Send` nor `Sync`.
pub struct Owner<'core, T: Item> {
    pub(super) core: &'core Core<T>,
    _not_send: PhantomData<*const ()>,
}

impl<T: Item> Clone for Owner<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Item> Copy for Owner<'_, T> {}

impl<'core, T: Item> Owner<'core, T> {
    /// By the contract of [`Core::owner`].
    #[inline(always)]
    pub(super) fn of(core: &'core Core<T>) -> Self {
        Self {
            core,
            _not_send: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn hot(self) -> &'core Hot {
        &self.core.hot
    }

    #[inline(always)]
    pub(super) fn slot(self, index: usize) -> &'core Slot {
        debug_assert!(index < self.hot().capacity.get());
        // SAFETY: `index` is below the capacity: every caller stays at or below `len`, and the slot
        // at `len` exists because a push that fills the stack grows it before it returns.
        let slot = unsafe { self.hot().slots.get().add(index) };
        // SAFETY: `stack_of` made the slots, and only the owner, who is here, replaces them.
        unsafe { slot.as_ref() }
    }

    /// The height of the stack, holes included.
    #[inline(always)]
    pub fn position(self) -> Position {
        self.hot().len.get()
    }

    /// How many items this deque holds, public ones included; thieves may take some meanwhile.
    pub fn len(self) -> usize {
        self.hot().len.get() - self.hot().published.get() + self.core.ring.len()
    }

    /// Whether this deque holds nothing, public or private.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Puts `item` on top. Returns whether the slow way was taken, in which case items may have
    /// become public and sleepers may want to know.
    ///
    /// Costs two stores and a compare; allocates only when the stack doubles.
    #[inline(always)]
    pub fn push(self, item: T) -> bool {
        let hot = self.hot();
        let len = hot.len.get();
        self.slot(len).set(Some(item.into_raw()));
        hot.len.set(len + 1);
        self.core.counters.pushed(1);
        // Relaxed: the limit is advice; nothing is read on its strength.
        if len + 1 >= self.core.limit.load(Ordering::Relaxed) {
            self.push_slow();
            return true;
        }
        false
    }

    /// Takes the oldest public items of `victim`, up to half of them and at most `most`, if `wants`
    /// accepts their label. They come to lie on top here, the newest uppermost, and the older half of
    /// them is public again.
    ///
    /// One compare-and-swap, no fence; allocates only when the stack doubles.
    pub fn steal_from(
        self,
        victim: &Core<T>,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
    ) -> Steal<Haul> {
        let hot = self.hot();
        let len = hot.len.get();
        while len + most >= hot.capacity.get() {
            self.grow();
        }
        let stolen = victim.take(most, wants, |index, raw| {
            self.slot(len + index).set(NonNull::new(raw));
        });
        if let Steal::Taken(haul) = stolen {
            self.core.counters.pushed(haul.len);
            hot.len.set(len + haul.len);
            if hot.sharing.get().is_on()
                && self.core.ring.is_empty()
                && hot.published.get() == len
                && self.publish_labelled(haul.len / 2, |_| haul.label) != 0
            {
                // A question from before that nothing was published for stands.
                self.rearm();
            }
        }
        stolen
    }

    /// The private items from `floor` upwards, as they lie.
    pub fn above(self, floor: Position) -> impl Iterator<Item = NonNull<()>> + 'core {
        let hot = self.hot();
        (floor.max(hot.published.get())..hot.len.get())
            .filter_map(move |index| self.slot(index).get())
    }

    /// Takes the newest item off, unless the stack is down to `floor`. Items that were published
    /// come back first; returns `None` when all above `floor` has been stolen.
    #[inline(always)]
    pub fn pop(self, floor: Position) -> Option<T> {
        let hot = self.hot();
        let len = hot.len.get();
        if len <= floor {
            self.rest();
            return None;
        }
        match self.slot(len - 1).get() {
            Some(raw) => {
                hot.len.set(len - 1);
                self.core.counters.popped();
                // SAFETY: the slot held an item that `push` or a reclaim put there; the length now
                // excludes it, so it comes out once.
                Some(unsafe { T::from_raw(raw) })
            }
            None => self.pop_slow(floor),
        }
    }

    /// The item that [`Owner::pop`] would give, if it is private still.
    #[inline(always)]
    pub fn peek(self, floor: Position) -> Option<T>
    where
        T: Copy,
    {
        let len = self.hot().len.get();
        let raw = (len > floor).then(|| self.slot(len - 1).get())??;
        // SAFETY: a private slot holds an item, of which this is a copy.
        Some(unsafe { T::from_raw(raw) })
    }

    /// Takes `raw` off if it is the very top: the fast way back of a fork.
    #[inline(always)]
    pub fn pop_if(self, raw: NonNull<()>) -> bool {
        let hot = self.hot();
        let len = hot.len.get();
        if len != 0 && self.slot(len - 1).get() == Some(raw) {
            hot.len.set(len - 1);
            self.core.counters.popped();
            return true;
        }
        false
    }

    /// Comes back for `raw`, which was pushed and not popped since. Costs a look at each item above it.
    #[cold]
    pub fn take_back(self, raw: NonNull<()>) -> TakeBack {
        let hot = self.hot();
        loop {
            let mut private = hot.published.get()..hot.len.get();
            match private.rfind(|&index| self.slot(index).get() == Some(raw)) {
                Some(index) if index + 1 == hot.len.get() => {
                    hot.len.set(index);
                    self.core.counters.popped();
                    if self.core.ring.is_empty() {
                        self.offer_again(index - hot.published.get());
                    }
                    return TakeBack::Mine;
                }
                Some(index) => return TakeBack::Below(index + 1),
                None if self.reclaim() == 0 => return TakeBack::Stolen,
                None => {}
            }
        }
    }

    /// Removes stolen items' holes from the top, down to `floor`, so that they do not pile up.
    pub fn settle(self, floor: Position) {
        let hot = self.hot();
        if hot.published.get() == hot.len.get()
            && hot.len.get() > floor
            && self.core.ring.is_empty()
        {
            hot.len.set(floor);
            hot.published.set(floor);
        }
    }

    /// Whether a thief has asked and not been answered.
    #[inline(always)]
    pub fn is_asked(self) -> bool {
        self.core.limit.load(Ordering::Relaxed) == 0
    }

    /// Makes the older half of what is private public if thieves would otherwise find nothing. Returns
    /// whether anything was published.
    #[cold]
    #[inline(never)]
    pub fn expose(self) -> bool {
        let hot = self.hot();
        let private = hot.len.get() - hot.published.get();
        if !hot.sharing.get().is_on() || private == 0 || !self.core.ring.is_empty() {
            return false;
        }
        self.publish(private.div_ceil(2));
        self.rearm();
        true
    }

    /// Before the owner turns to something that may wait for what it holds: makes all of it public that
    /// finds room. Returns whether anything was published.
    #[cold]
    pub fn expose_all(self) -> bool {
        let private = || self.hot().len.get() - self.hot().published.get();
        let published = self.publish(private()) + self.publish(private()) != 0;
        if published {
            self.rearm();
        }
        published
    }

    /// Before the owner pops an item and turns to it, if it [was asked](Self::is_asked): makes the older
    /// half public, but not the item that is popped next. Returns whether anything was published; if
    /// not, the question stands.
    #[cold]
    #[inline(never)]
    pub fn answer(self) -> bool {
        let hot = self.hot();
        let published = self.publish((hot.len.get() - hot.published.get()) / 2) != 0;
        if published {
            self.rearm();
        }
        published
    }

    /// Whether there is anybody to share with.
    #[inline(always)]
    pub fn is_shared(self) -> bool {
        self.hot().sharing.get().is_on()
    }

    /// Says when to share from now on; [`Sharing::Asked`] before.
    pub fn set_sharing(self, sharing: Sharing) {
        self.hot().sharing.set(sharing);
        self.rearm();
    }

    #[cold]
    #[inline(never)]
    fn push_slow(self) {
        let hot = self.hot();
        if hot.len.get() == hot.capacity.get() {
            self.grow();
        }
        if hot.len.get() >= hot.capacity.get() / 2 {
            hot.lulls.set(0);
        }
        let is_asked = self.is_asked();
        if is_asked || hot.sharing.get().is_on() {
            let private = hot.len.get() - hot.published.get();
            self.publish(private.div_ceil(2));
        }
        self.rearm();
    }

    /// Sets the next length at which a push takes the slow way: when as much is private as is public, if
    /// anything is, and the ring has room.
    fn rearm(self) {
        let hot = self.hot();
        let public = RING_SLOTS - self.core.ring.room();
        let stride = match hot.sharing.get() {
            Sharing::Off => usize::MAX / 2,
            Sharing::Asked if public == 0 => 2 * LONGEST_STRIDE,
            Sharing::Asked | Sharing::Eager if public == RING_SLOTS => LONGEST_STRIDE,
            Sharing::Asked | Sharing::Eager => {
                let private = hot.len.get() - hot.published.get();
                public.saturating_sub(private).clamp(1, LONGEST_STRIDE)
            }
        };
        let due = hot.len.get() + stride;
        self.core
            .limit
            .store(due.min(self.wall()), Ordering::Relaxed);
    }

    /// Moves up to `count` of the oldest private items to the ring; returns how many fitted.
    fn publish(self, count: usize) -> usize {
        self.publish_labelled(count, |raw| {
            // SAFETY: the item is looked at, not taken: it goes to the ring as the pointer it was.
            let item = std::mem::ManuallyDrop::new(unsafe { T::from_raw(raw) });
            item.label()
        })
    }

    fn publish_labelled(self, count: usize, label: impl Fn(NonNull<()>) -> *mut ()) -> usize {
        let hot = self.hot();
        let first = hot.published.get();
        let count = count.min(LARGEST_EXPOSURE).min(self.core.ring.room());
        if count == 0 {
            return 0;
        }
        self.core.ring.publish((first..first + count).map(|index| {
            let raw = self
                .slot(index)
                .take()
                .expect("bywash: a private slot holds an item");
            if mutant("split.publish.no_hole") {
                self.slot(index).set(Some(raw));
            }
            (raw, label(raw))
        }));
        hot.published.set(first + count);
        self.core.counters.published();
        count
    }

    /// Takes back all that is still public, each item into the slot it came from.
    fn reclaim(self) -> usize {
        let hot = self.hot();
        let end = hot.published.get();
        let count = self.core.ring.reclaim(|index, count, raw| {
            self.slot(end - count + index).set(Some(raw));
        });
        hot.published.set(end - count);
        count
    }

    #[cold]
    #[inline(never)]
    fn pop_slow(self, floor: Position) -> Option<T> {
        let hot = self.hot();
        // The top is a hole, so all below `len` was published; what thieves left comes back on top.
        let count = self.reclaim();
        if count == 0 {
            hot.len.set(floor);
            hot.published.set(floor);
        }
        let item = if count == 0 { None } else { self.pop(floor) };
        self.offer_again(count.saturating_sub(1));
        item
    }

    /// After so many items came back unstolen: the older half of them goes out again at once. What was
    /// public at a greater height need not be so again when the stack comes back there, so the limit
    /// stays; but an empty stack begins anew, unless a question stands that nobody has answered.
    fn offer_again(self, count: usize) {
        if count == 0 {
            if !self.is_asked() {
                self.rearm();
            }
        } else if self.hot().sharing.get().is_on() {
            self.publish(count.div_ceil(2));
        }
    }
}
