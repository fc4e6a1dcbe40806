//! Where jobs lie: blocks of a frame's arena, by size class, used again as soon as a job has ended.
//!
//! A finished job's block goes to the worker that finished it. Each worker keeps up to two full
//! *magazines* of 64 blocks a class; a further one goes to the frame's record, where a worker that
//! has none left finds it. So a frame's job memory is bounded by the jobs alive at once, not by
//! those ever spawned (Bonwick and Adams, *Magazines and Vmem*, 2001).

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

use bywash_arena::Arena;
use bywash_sync::atomic::{AtomicPtr, Ordering};

use crate::record::FrameRecord;

/// Blocks of 32 bytes to 64 KiB, doubling.
pub(crate) const CLASSES: usize = 12;
pub(crate) const SMALLEST: usize = 32;
pub(crate) const LARGEST: usize = SMALLEST << (CLASSES - 1);

/// The largest alignment that blocks keep.
pub(crate) const ALIGNMENT: usize = 64;

/// Bytes taken from the arena at a time, if blocks are smaller than that.
const PIECE: usize = 2_048;

/// Blocks in a full magazine.
const MAGAZINE: u32 = 64;

/// A chain of free blocks of one class; lies in the first of them.
#[repr(C)]
pub(crate) struct Magazine {
    next_block: *mut Magazine,
    next_magazine: *mut Magazine,
}

/// One worker's free blocks of one frame.
pub(crate) struct JobMemory {
    classes: [Shelf; CLASSES],
    /// One bit for each class that has blocks.
    used: Cell<u32>,
}

struct Shelf {
    /// Blocks that were never used: from here to the end of a piece of the arena.
    fresh: Cell<*mut u8>,
    fresh_end: Cell<*mut u8>,
    open: Cell<*mut Magazine>,
    count: Cell<u32>,
    /// Full magazines, linked.
    full: Cell<*mut Magazine>,
}

/// The class whose blocks hold a `T`, if there is one.
pub(crate) const fn class_of<T>() -> Option<usize> {
    let layout = Layout::new::<T>();
    if layout.size() > LARGEST || layout.align() > ALIGNMENT {
        return None;
    }
    let size = if layout.size() < layout.align() {
        layout.align()
    } else {
        layout.size()
    };
    let mut class = 0;
    while (SMALLEST << class) < size {
        class += 1;
    }
    Some(class)
}

impl JobMemory {
    pub(crate) fn new() -> Self {
        let shelf = || Shelf {
            fresh: Cell::new(null_mut()),
            fresh_end: Cell::new(null_mut()),
            open: Cell::new(null_mut()),
            count: Cell::new(0),
            full: Cell::new(null_mut()),
        };
        Self {
            classes: std::array::from_fn(|_| shelf()),
            used: Cell::new(0),
        }
    }

    /// Forgets every block: their arena starts anew.
    pub(crate) fn clear(&self) {
        let mut used = self.used.replace(0);
        while used != 0 {
            let shelf = &self.classes[used.trailing_zeros() as usize];
            used &= used - 1;
            shelf.fresh.set(null_mut());
            shelf.fresh_end.set(null_mut());
            shelf.open.set(null_mut());
            shelf.count.set(0);
            shelf.full.set(null_mut());
        }
    }

    /// Room for a `T`. A used block if there is one, else a new one from `arena`.
    ///
    /// What is too large for every class lives in the arena until the frame ends.
    #[inline(always)]
    pub(crate) fn take<T>(&self, arena: &Arena, record: &FrameRecord) -> NonNull<T> {
        let Some(class) = (const { class_of::<T>() }) else {
            return arena.alloc_layout(Layout::new::<T>()).cast();
        };
        let shelf = &self.classes[class];
        if let Some(block) = NonNull::new(shelf.open.get()) {
            // SAFETY: a block on the shelf is free memory of this frame, and its link was written
            // when it was put there.
            shelf.open.set(unsafe { block.as_ref() }.next_block);
            shelf.count.set(shelf.count.get() - 1);
            return block.cast();
        }
        let fresh = shelf.fresh.get();
        if let Some(block) = NonNull::new(fresh).filter(|_| fresh != shelf.fresh_end.get()) {
            shelf.fresh.set(fresh.wrapping_add(SMALLEST << class));
            return block.cast();
        }
        self.used.set(self.used.get() | 1 << class);
        shelf.take_slow(class, arena, record).cast()
    }

    /// Gives the block of a `T` back.
    ///
    /// # Safety
    /// `block` came from `take::<T>` of the same frame, on whatever worker, and is not used again.
    #[inline(always)]
    pub(crate) unsafe fn give<T>(&self, block: NonNull<T>, record: &FrameRecord) {
        if let Some(class) = const { class_of::<T>() } {
            // SAFETY: as the caller promises; the class is the one `take` used.
            unsafe { self.give_class(block.cast(), class, record) };
        }
    }

    /// # Safety
    /// As for [`JobMemory::give`], for a block of class `class`.
    #[inline(always)]
    pub(crate) unsafe fn give_class(
        &self,
        block: NonNull<Magazine>,
        class: usize,
        record: &FrameRecord,
    ) {
        let shelf = &self.classes[class];
        // SAFETY: the block is free, large enough and aligned for a pointer, its first field; the
        // other is written when the magazine is full.
        unsafe { block.cast().write(shelf.open.get()) };
        shelf.open.set(block.as_ptr());
        shelf.count.set(shelf.count.get() + 1);
        self.used.set(self.used.get() | 1 << class);
        if shelf.count.get() == MAGAZINE {
            shelf.file(class, record);
        }
    }
}

impl Shelf {
    #[cold]
    #[inline(never)]
    fn take_slow(&self, class: usize, arena: &Arena, record: &FrameRecord) -> NonNull<Magazine> {
        let passed = record.magazines(class, false);
        if self.full.get().is_null() && !passed.load(Ordering::Relaxed).is_null() {
            // Acquire: pairs with the Release in `donate`; the links of the chain are then readable.
            self.full.set(passed.swap(null_mut(), Ordering::Acquire));
        }
        if let Some(magazine) = NonNull::new(self.full.get()) {
            // SAFETY: a filed magazine is free memory of this frame, and its links were written
            // when it was filed.
            let links = unsafe { magazine.read() };
            self.full.set(links.next_magazine);
            self.open.set(links.next_block);
            self.count.set(MAGAZINE - 1);
            return magazine;
        }
        let size = SMALLEST << class;
        let blocks = (PIECE / size).max(1);
        let layout = Layout::from_size_align(size * blocks, size.min(ALIGNMENT))
            .expect("bywash: block sizes and alignments are powers of two");
        let piece = arena.alloc_layout(layout);
        self.fresh.set(piece.as_ptr().wrapping_add(size));
        self.fresh_end
            .set(piece.as_ptr().wrapping_add(layout.size()));
        piece.cast()
    }

    /// Closes the open magazine: kept if there is no other, else handed to the frame.
    #[cold]
    #[inline(never)]
    fn file(&self, class: usize, record: &FrameRecord) {
        let magazine = self.open.replace(null_mut());
        self.count.set(0);
        if !self.full.get().is_null() {
            return donate(record.magazines(class, true), magazine);
        }
        // SAFETY: a block of this shelf, free, and large enough for both links.
        unsafe { (*magazine).next_magazine = null_mut() };
        self.full.set(magazine);
    }
}

/// Puts a full magazine where any worker of the frame finds it.
fn donate(stack: &AtomicPtr<Magazine>, magazine: *mut Magazine) {
    let mut head = stack.load(Ordering::Relaxed);
    loop {
        // SAFETY: the magazine is not shared before the compare-and-swap below succeeds.
        unsafe { (*magazine).next_magazine = head };
        // Release: pairs with the Acquire swap in `take_slow`. Takers take all, so there is no ABA.
        match stack.compare_exchange_weak(head, magazine, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(other) => head = other,
        }
    }
}
