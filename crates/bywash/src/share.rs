//! What one worker holds of one frame: its counts, its arena, its job memory.
//!
//! A share belongs to its worker for the system's life and serves one frame after another. Other
//! threads read its counts and its link; and, while they hold a job that was spawned with it, its
//! record.

use std::cell::{Cell, UnsafeCell};
use std::ptr::{NonNull, null_mut};

use bywash_arena::Arena;
use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use bywash_sync::{CachePadded, ordering};

use crate::chunks::Chunks;
use crate::memory::{JobMemory, class_of};
use crate::record::FrameRecord;

/// One worker's part of one frame.
pub(crate) struct Share {
    counts: CachePadded<Counts>,
    /// Read by whoever runs a job that was spawned here; so apart from what this worker writes all the time.
    record: CachePadded<Cell<&'static FrameRecord>>,
    generation: Cell<u64>,
    memory: JobMemory,
    arena: UnsafeCell<Arena<Chunks>>,
}

/// Read by whoever waits for the frame; written by the worker alone.
struct Counts {
    spawned: AtomicU64,
    executed: AtomicU64,
    next: AtomicPtr<Share>,
}

// SAFETY: `counts` is atomic; `record` is written when no job of the share is left, and read by others
// only through a job of it, which they got by an acquiring steal; everything else is touched by the
// owning worker alone, through `&Worker`, which is neither `Send` nor `Sync`.
unsafe impl Sync for Share {}

impl Share {
    /// A share for `record`, not yet enrolled there.
    pub(crate) fn new(record: &'static FrameRecord, chunks: Chunks) -> Self {
        let counts = Counts {
            spawned: AtomicU64::new(0),
            executed: AtomicU64::new(0),
            next: AtomicPtr::new(null_mut()),
        };
        Self {
            counts: CachePadded::new(counts),
            record: CachePadded::new(Cell::new(record)),
            generation: Cell::new(record.generation()),
            memory: JobMemory::new(),
            arena: UnsafeCell::new(Arena::with_source(chunks)),
        }
    }

    /// Whether it serves the present frame of `record`.
    #[inline]
    pub(crate) fn serves(&self, record: &FrameRecord) -> bool {
        std::ptr::eq(self.record.get(), record) && self.generation.get() == record.generation()
    }

    /// Whether the frame it served has ended.
    pub(crate) fn is_outlived(&self) -> bool {
        self.generation.get() != self.record.get().generation()
    }

    /// Turns an outlived share to another frame; its memory starts anew.
    ///
    /// # Safety
    /// The share is outlived, and the caller is its worker.
    pub(crate) unsafe fn turn_to(&self, record: &'static FrameRecord) {
        debug_assert!(self.is_outlived());
        self.counts.spawned.store(0, Ordering::Relaxed);
        self.counts.executed.store(0, Ordering::Relaxed);
        if !std::ptr::eq(self.record.get(), record) {
            self.record.set(record);
        }
        self.generation.set(record.generation());
        self.memory.clear();
        // SAFETY: every borrow of the arena was bounded by the frame, which has ended; and only this
        // worker touches it.
        unsafe { &mut *self.arena.get() }.reset();
    }

    #[inline(always)]
    pub(crate) fn record(&self) -> &'static FrameRecord {
        self.record.get()
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arena<Chunks> {
        // SAFETY: the one exclusive use is in `turn_to`, when no borrow is left.
        unsafe { &*self.arena.get() }
    }

    /// Room for a job. See [`JobMemory::take`].
    #[inline(always)]
    pub(crate) fn take<T>(&self) -> NonNull<T> {
        self.memory.take(|| (self.arena(), self.record()))
    }

    /// Gives the room of a `T` back. What another worker had taken is counted by [`Share::adopt`].
    ///
    /// # Safety
    /// `take::<T>` of a share of this frame gave the room, and it is not used again.
    #[inline(always)]
    pub(crate) unsafe fn give<T>(&self, block: NonNull<T>) {
        if let Some(class) = const { class_of::<T>() } {
            // SAFETY: passed on to the caller; the class is the one that `take` used.
            unsafe { self.memory.give(block.cast(), class) };
        }
    }

    /// Gives a block back that `home` gave.
    ///
    /// # Safety
    /// `home` is a share of this frame and gave the block, of class `class`, which is not used again.
    #[inline(always)]
    pub(crate) unsafe fn give_home(&self, block: NonNull<()>, class: Option<usize>, home: &Share) {
        let Some(class) = class else { return };
        // SAFETY: passed on to the caller.
        unsafe { self.memory.give(block.cast(), class) };
        if !std::ptr::eq(self, home) {
            self.adopt(class);
        }
    }

    /// A job has unwound, which may have given back a block of any class that had been taken elsewhere.
    pub(crate) fn adopt_unknown(&self) {
        self.memory.adopt_unknown();
    }

    /// Counts a block of class `class` that was given back here and had been taken elsewhere.
    pub(crate) fn adopt(&self, class: usize) {
        self.memory.adopt(class, self.record());
    }

    /// Counts a job as spawned, before it can be seen by anybody.
    #[inline(always)]
    pub(crate) fn count_spawned(&self, jobs: u64) {
        let spawned = self.counts.spawned.load(Ordering::Relaxed);
        // Relaxed: whoever counts the job as executed got it through a Release publication that
        // comes after this store, or is this worker.
        self.counts.spawned.store(spawned + jobs, Ordering::Relaxed);
    }

    /// Counts jobs as executed: the last touch of their frame's memory.
    #[inline(always)]
    pub(crate) fn count_executed(&self, jobs: u64) {
        let executed = self.counts.executed.load(Ordering::Relaxed);
        // Release: pairs with the Acquire in `executed`; the waiter then sees what the jobs did, and
        // what they counted as spawned.
        self.counts.executed.store(
            executed + jobs,
            ordering!(Release, "share.executed.put" => Relaxed),
        );
    }

    pub(crate) fn spawned(&self) -> u64 {
        self.counts.spawned.load(Ordering::Relaxed)
    }

    pub(crate) fn executed(&self) -> u64 {
        // Acquire: pairs with the Release in `count_executed`.
        self.counts
            .executed
            .load(ordering!(Acquire, "share.executed.take" => Relaxed))
    }

    pub(crate) fn link(&self, next: *mut Share) {
        self.counts.next.store(next, Ordering::Relaxed);
    }

    /// The shares linked from `head` on.
    pub(crate) fn chain(head: Option<NonNull<Share>>) -> impl Iterator<Item = &'static Share> {
        // SAFETY: shares are freed with their system, which outlives all who ask.
        let first = head.map(|share| unsafe { share.as_ref() });
        std::iter::successors(first, |share: &&'static Share| {
            let next = NonNull::new(share.counts.next.load(Ordering::Relaxed))?;
            // SAFETY: as above.
            Some(unsafe { next.as_ref() })
        })
    }
}
