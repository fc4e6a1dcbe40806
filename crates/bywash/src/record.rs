//! What the system keeps of a frame: outlives it, and is used again for the next one.
//!
//! A record is never freed while its system lives, so a late look at it is at worst out of date.
//! That is what lets a finishing worker ask whether somebody waits *after* it counted its last job,
//! when the frame's own memory may already be gone; and what lets a thief ask whether a public job
//! belongs to the frame it waits for, before the job is its own.

use std::any::Any;
use std::ptr::{NonNull, null_mut};
use std::sync::PoisonError;

use bywash_sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};
use bywash_sync::lock::Mutex;
use bywash_sync::{CachePadded, mutant, ordering};

use crate::memory::{CLASSES, Magazine};
use crate::payload::drop_quietly;
use crate::share::Share;
use crate::wait::Awaited;
use crate::worker::Worker;

/// How many frames deep a thief looks for a common ancestor before it gives up on a job.
const DEEPEST_ANCESTRY: usize = 64;

/// A frame's identity, its books, and what its workers pass to each other.
#[repr(C)]
pub(crate) struct FrameRecord {
    books: CachePadded<Books>,
    /// Whether somebody may sleep until this frame is quiet.
    waited: AtomicBool,
    /// Blocks that workers freed in excess, for those that need some.
    magazines: [AtomicPtr<Magazine>; CLASSES],
    /// Whether workers passed magazines to each other.
    has_magazines: AtomicBool,
    /// Whether `panic` is worth a look.
    has_panic: AtomicBool,
    /// The first panic that nobody claimed.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// What each frame writes anew, and each worker that comes to it.
struct Books {
    /// Grows by one when the frame ends: shares and their memory of an older count are free.
    generation: AtomicU64,
    parent: AtomicPtr<FrameRecord>,
    /// The shares of this frame, linked; one for each worker that touched it.
    shares: AtomicPtr<Share>,
}

impl FrameRecord {
    pub(crate) fn new() -> Self {
        let books = Books {
            generation: AtomicU64::new(1),
            parent: AtomicPtr::new(null_mut()),
            shares: AtomicPtr::new(null_mut()),
        };
        Self {
            books: CachePadded::new(books),
            waited: AtomicBool::new(false),
            magazines: std::array::from_fn(|_| AtomicPtr::new(null_mut())),
            has_magazines: AtomicBool::new(false),
            has_panic: AtomicBool::new(false),
            panic: Mutex::new(None),
        }
    }

    /// Opens a frame inside `parent`. The caller is the record's only user.
    pub(crate) fn open(&self, parent: Option<&'static FrameRecord>) {
        let parent = parent.map_or(null_mut(), |parent| std::ptr::from_ref(parent).cast_mut());
        // Relaxed: published to thieves with the frame's first job.
        self.books.parent.store(parent, Ordering::Relaxed);
    }

    /// Ends the frame: one store, whatever its size. Returns the panic nobody claimed.
    pub(crate) fn close(&self) -> Option<Box<dyn Any + Send>> {
        self.books.shares.store(null_mut(), Ordering::Relaxed);
        if self.has_magazines.load(Ordering::Relaxed) && !mutant("record.magazines") {
            self.has_magazines.store(false, Ordering::Relaxed);
            for magazine in &self.magazines {
                magazine.store(null_mut(), Ordering::Relaxed);
            }
        }
        let generation = self.books.generation.load(Ordering::Relaxed);
        // Release: pairs with the Acquire load in `generation`; a worker that sees its share
        // outlived may then reuse the memory, since all that used it came before.
        let order = ordering!(Release, "record.close" => Relaxed);
        self.books.generation.store(generation + 1, order);
        if !self.has_panic.load(Ordering::Relaxed) {
            return None;
        }
        self.has_panic.store(false, Ordering::Relaxed);
        self.panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(crate) fn generation(&self) -> u64 {
        // Acquire: pairs with the Release store in `close`.
        self.books
            .generation
            .load(ordering!(Acquire, "record.generation" => Relaxed))
    }

    /// Keeps the first panic; a later one is dropped, and what its `Drop` throws is forgotten.
    pub(crate) fn keep_panic(&self, payload: Box<dyn Any + Send>) {
        let mut kept = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_some() {
            drop(kept);
            return drop_quietly(payload);
        }
        // Relaxed: read when the frame is quiet, which acquires all that its jobs did.
        self.has_panic.store(true, Ordering::Relaxed);
        *kept = Some(payload);
    }

    /// The frame's store of full magazines of one class; `passing` says that one is put there.
    pub(crate) fn magazines(&self, class: usize, passing: bool) -> &AtomicPtr<Magazine> {
        if passing && !self.has_magazines.load(Ordering::Relaxed) {
            // Relaxed: as for `has_panic`; the job that passes one is not counted yet.
            self.has_magazines.store(true, Ordering::Relaxed);
        }
        &self.magazines[class]
    }

    /// Adds a worker's share to the frame's books.
    pub(crate) fn enrol(&self, share: &'static Share) {
        let mut head = self.books.shares.load(Ordering::Relaxed);
        loop {
            share.link(head);
            let new = std::ptr::from_ref(share).cast_mut();
            // Release: pairs with the Acquire in `is_quiet`, which then reads the share's link.
            let order = ordering!(Release, "record.enrol" => Relaxed);
            match self
                .books
                .shares
                .compare_exchange_weak(head, new, order, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// Whether every job that was spawned in this frame has ended: all that was executed is read
    /// first, all that was spawned afterwards, so equality means that there was a moment between at
    /// which nothing was left (Mattern, *Algorithms for distributed termination detection*, 1987).
    pub(crate) fn is_quiet(&self) -> bool {
        // Acquire: pairs with the Release in `enrol`.
        let head = NonNull::new(
            self.books
                .shares
                .load(ordering!(Acquire, "record.shares" => Relaxed)),
        );
        if mutant("record.spawned_first") {
            let spawned: u64 = Share::chain(head).map(Share::spawned).sum();
            return Share::chain(head).map(Share::executed).sum::<u64>() == spawned;
        }
        let executed: u64 = Share::chain(head).map(Share::executed).sum();
        let spawned: u64 = Share::chain(head).map(Share::spawned).sum();
        executed == spawned
    }

    /// Asked by a worker that has counted its last job of this frame for now: whether somebody may
    /// be asleep until the frame is quiet.
    pub(crate) fn is_waited(&self) -> bool {
        // SeqCst: pairs with the fence in `Idle::start_waiting`: either the waiter's last look sees
        // this worker's count, or this sees the waiter.
        if !mutant("record.tell.fence") {
            fence(Ordering::SeqCst);
        }
        self.waited.load(Ordering::Relaxed)
    }

    /// Whether this frame is `ancestor` or nested in it. Safe to ask of a record whose frame has
    /// ended; the answer is then meaningless.
    pub(crate) fn is_within(&self, ancestor: &FrameRecord) -> bool {
        let mut frame = std::ptr::from_ref(self).cast_mut();
        for _ in 0..DEEPEST_ANCESTRY {
            if std::ptr::eq(frame, ancestor) {
                return true;
            }
            let Some(record) = NonNull::new(frame) else {
                return false;
            };
            // SAFETY: records are freed with their system, which outlives all who ask.
            let record: &FrameRecord = unsafe { record.as_ref() };
            frame = record.books.parent.load(Ordering::Relaxed);
        }
        false
    }
}

impl Awaited for FrameRecord {
    fn address(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn is_over(&self) -> bool {
        self.is_quiet()
    }

    /// A frame's sum takes a walk; while this worker has jobs of it the answer is no anyway.
    fn is_over_already(&self, _: &Worker) -> bool {
        false
    }

    fn add_waiter(&self) {
        self.waited.store(true, Ordering::Relaxed);
    }

    fn remove_waiter(&self) {
        self.waited.store(false, Ordering::Relaxed);
    }
}
