//! The circular buffer: a power of two of slots, each one atomic pointer, and perhaps as many labels.

use bywash_sync::atomic::{AtomicPtr, Ordering};
use bywash_sync::shadow::{Reading, Shadow};
use std::ptr::{NonNull, null_mut};

/// One place for an item.
///
/// The accesses are relaxed: `bottom` publishes a slot, and `top` decides whether a reading counts.
#[derive(Debug)]
pub(super) struct Slot {
    item: AtomicPtr<()>,
    shadow: Shadow,
}

impl Slot {
    #[inline(always)]
    pub(super) fn put(&self, item: NonNull<()>) {
        self.put_unclaimed(item.as_ptr());
    }

    /// Owner: puts what a thief has read and may not get; then it is never published.
    #[inline(always)]
    pub(super) fn put_unclaimed(&self, raw: *mut ()) {
        self.shadow.write();
        self.item.store(raw, Ordering::Relaxed);
    }

    /// Owner: the item at an index that is the owner's alone.
    #[inline(always)]
    pub(super) fn get(&self) -> NonNull<()> {
        item(self.item.load(Ordering::Relaxed))
    }

    /// Thief: what is here just now. Worthless until the claim on its index succeeds; then the
    /// reading is to be kept at once.
    #[inline(always)]
    pub(super) fn glimpse(&self) -> (*mut (), Reading) {
        let raw = self.item.load(Ordering::Relaxed);
        (raw, self.shadow.read())
    }

    /// Thief: the claim on the index of `reading` succeeded.
    #[inline(always)]
    pub(super) fn keep(&self, reading: Reading) {
        reading.keep(&self.shadow);
    }
}

/// What a claimed slot held.
#[inline(always)]
pub(super) fn item(raw: *mut ()) -> NonNull<()> {
    NonNull::new(raw).expect("a slot between top and bottom holds an item")
}

/// All slots of a deque, until it grows or shrinks.
#[derive(Debug)]
pub struct Buffer {
    slots: Box<[Slot]>,
    /// One beside each slot, or none at all: what thieves may read before they claim an index. Relaxed,
    /// as the slots are.
    labels: Box<[AtomicPtr<()>]>,
    #[cfg(bywash_loom)]
    is_freed: std::sync::atomic::AtomicBool,
}

impl Buffer {
    /// A buffer of `capacity` slots, which must be a power of two.
    pub(super) fn new(capacity: usize, is_labelled: bool) -> Self {
        assert!(
            capacity.is_power_of_two(),
            "a buffer's capacity is a power of two"
        );
        let slot = |_| Slot {
            item: AtomicPtr::new(null_mut()),
            shadow: Shadow::default(),
        };
        let labels = if is_labelled { capacity } else { 0 };
        Self {
            slots: (0..capacity).map(slot).collect(),
            labels: (0..labels).map(|_| AtomicPtr::new(null_mut())).collect(),
            #[cfg(bywash_loom)]
            is_freed: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// How many items fit.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The first slot, from which all others can be reached.
    pub(super) fn first(&self) -> NonNull<Slot> {
        NonNull::from(&*self.slots).cast()
    }

    #[inline(always)]
    pub(super) fn slot(&self, index: u64) -> &Slot {
        #[cfg(bywash_loom)]
        assert!(
            !self.is_freed.load(Ordering::Relaxed),
            "a freed buffer was used"
        );
        &self.slots[index as usize & (self.slots.len() - 1)]
    }

    /// Thief or owner: what stands beside the slot of `index`; null if nothing was ever put there.
    #[inline(always)]
    pub(super) fn label(&self, index: u64) -> *mut () {
        self.labels[self.place_of_label(index)].load(Ordering::Relaxed)
    }

    /// Owner: puts `label` beside the slot of `index`, before that is published.
    #[inline(always)]
    pub(super) fn put_label(&self, index: u64, label: *mut ()) {
        self.labels[self.place_of_label(index)].store(label, Ordering::Relaxed);
    }

    #[inline(always)]
    fn place_of_label(&self, index: u64) -> usize {
        index as usize & (self.labels.len() - 1)
    }

    /// From now on using this buffer is a bug.
    #[cfg(bywash_loom)]
    pub(crate) fn mark_freed(&self) {
        self.is_freed.store(true, Ordering::Relaxed);
    }
}
