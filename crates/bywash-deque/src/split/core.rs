//! The private half and the rules between the halves: push, pop, take back, expose.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicUsize, Ordering};
use bywash_sync::mutant;

use super::ring::{Haul, RING_SLOTS, Ring, Steal};
use crate::item::Item;
use crate::stats::Counters;

/// The stack's first allocation, in slots; it doubles from there.
const FIRST_CAPACITY: usize = 256;

/// After this many pops that found nothing, with no burst in between that used half of the stack,
/// the stack halves.
const PATIENCE: usize = 256;

/// A stream of pushes looks at the latest after this many whether the ring has room.
const LONGEST_STRIDE: usize = if cfg!(bywash_loom) { 2 } else { 64 };

/// How much one exposure moves at most: half the ring, so that a reclaim stays short.
const LARGEST_EXPOSURE: usize = RING_SLOTS / 2;

const NEVER_NULL: &str = "bywash: the ring holds items only, never null";

/// A height of the owner's stack: how many slots lie below.
pub type Position = usize;

/// When an owner makes its oldest items public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Only if somebody asks: there is nobody who could steal.
    Off,
    /// If somebody asks, and in the course of a stream of pushes: thieves keep looking.
    Asked,
    /// At once, as soon as nothing is public: thieves may be asleep and have to be woken.
    Eager,
}

impl Sharing {
    fn is_on(self) -> bool {
        self != Self::Off
    }
}

/// Where an item was when its owner came back for it.
#[derive(Debug, PartialEq, Eq)]
pub enum TakeBack<T> {
    /// On top of the stack; now taken off.
    Mine,
    /// Below this item, which was taken off and must be dealt with first.
    Under(T),
    /// A thief has it.
    Stolen,
}

type Slot = Cell<Option<NonNull<()>>>;

/// Both halves of one deque, to be embedded where a worker keeps its state.
///
/// Thieves use it through `&Core`; the one owner through [`Core::owner`].
pub struct Core<T: Item> {
    hot: CachePadded<Hot>,
    /// A push that reaches this length takes the slow way: the stack is full, the stream is due,
    /// or (0) somebody asks. On a line of its own: hungry thieves read it over and over.
    limit: CachePadded<AtomicUsize>,
    ring: Ring,
    counters: Counters,
    _items: PhantomData<T>,
}

/// What the owner alone touches.
struct Hot {
    slots: Cell<NonNull<Slot>>,
    len: Cell<usize>,
    published: Cell<usize>,
    capacity: Cell<usize>,
    /// Pops that found nothing since half of the stack was last in use.
    lulls: Cell<usize>,
    /// False while there is nobody who could steal; then nothing is exposed unasked.
    sharing: Cell<Sharing>,
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
        Owner {
            core: self,
            _not_send: PhantomData,
        }
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
    fn take(
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

/// The owner's operations. Neither `Send` nor `Sync`.
pub struct Owner<'core, T: Item> {
    core: &'core Core<T>,
    _not_send: PhantomData<*const ()>,
}

impl<T: Item> Clone for Owner<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Item> Copy for Owner<'_, T> {}

impl<'core, T: Item> Owner<'core, T> {
    #[inline(always)]
    fn hot(self) -> &'core Hot {
        &self.core.hot
    }

    #[inline(always)]
    fn slot(self, index: usize) -> &'core Slot {
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

    /// How many slots the stack has just now.
    pub fn capacity(self) -> usize {
        self.hot().capacity.get()
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
            if hot.sharing.get().is_on() && self.core.ring.is_empty() && hot.published.get() == len
            {
                self.publish_labelled(haul.len / 2, |_| haul.label);
            }
            self.rearm();
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

    /// Comes back for `raw`, which was pushed at `position` and was not popped since.
    #[cold]
    pub fn take_back(self, raw: NonNull<()>, position: Position) -> TakeBack<T> {
        let hot = self.hot();
        loop {
            let len = hot.len.get();
            let is_there = position < len && self.slot(position).get() == Some(raw);
            if is_there && len == position + 1 {
                hot.len.set(position);
                self.core.counters.popped();
                // What was public below it is offered again.
                self.expose();
                return TakeBack::Mine;
            }
            if is_there {
                if let Some(above) = self.pop(position + 1) {
                    return TakeBack::Under(above);
                }
            } else if position >= hot.published.get() || self.reclaim() == 0 {
                self.settle(position);
                return TakeBack::Stolen;
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
        let published = self.publish(private.div_ceil(2)) != 0;
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

    /// Says whether anybody could steal; while nobody can, nothing is published unasked.
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
            Sharing::Asked if public == 0 => LONGEST_STRIDE,
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

    /// The length that no push may reach unnoticed: half of the stack, then the whole of it.
    fn wall(self) -> usize {
        let (len, capacity) = (self.hot().len.get(), self.hot().capacity.get());
        if len < capacity / 2 && capacity > FIRST_CAPACITY {
            capacity / 2
        } else {
            capacity
        }
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
        } else if hot.sharing.get().is_on() {
            // The newest is popped here; of the others the older half goes out again at once.
            self.publish(count / 2);
        }
        let item = if count == 0 { None } else { self.pop(floor) };
        // What was public at a greater height need not be so again when the stack comes back there; an
        // empty stack begins anew. A question that nobody has answered stands.
        if count <= 1 && !self.is_asked() {
            self.rearm();
        }
        item
    }

    fn grow(self) {
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

fn stack_of(capacity: usize) -> NonNull<Slot> {
    let slots: Box<[Slot]> = (0..capacity).map(|_| Cell::new(None)).collect();
    NonNull::from(Box::leak(slots)).cast()
}

fn free_stack(slots: NonNull<Slot>, capacity: usize) {
    let slots = NonNull::slice_from_raw_parts(slots, capacity);
    // SAFETY: `stack_of` leaked exactly this boxed slice, and the caller gives it up.
    drop(unsafe { Box::from_raw(slots.as_ptr()) });
}
