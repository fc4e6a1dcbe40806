//! Where jobs lie: blocks of a frame's arena, by size class, used again as soon as a job has ended.
//!
//! A finished job's block goes to the worker that finished it: two stores. If another worker had spawned
//! the job, the block is *adopted*: after 64 of those a class, a *magazine* of 64 blocks is put by, and
//! further ones go to the frame's record, where a worker that has none left finds them. So a frame's job
//! memory is bounded by the jobs alive at once, not by those ever spawned (Bonwick and Adams, *Magazines
//! and Vmem*, 2001).

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

use bywash_arena::Arena;
use bywash_sync::atomic::{AtomicPtr, Ordering};
use bywash_sync::{mutant, ordering};

use crate::chunks::Chunks;
use crate::prefetch::{LINE, prefetch_to_write};
use crate::record::FrameRecord;

/// Blocks of 32 bytes to 64 KiB, two sizes to each doubling.
pub(crate) const CLASSES: usize = 23;
const SMALLEST: usize = 32;
pub(crate) const LARGEST: usize = layout_of(CLASSES - 1).size();

/// The largest alignment that blocks keep.
const ALIGNMENT: usize = 64;

/// Bytes taken from the arena at a time, if blocks are smaller than that.
const PIECE: usize = 4_096;

/// Blocks in a full magazine. Under loom two are a chain already.
const MAGAZINE: u32 = if cfg!(bywash_loom) { 2 } else { 64 };

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
    /// Blocks to use again, linked.
    free: Cell<*mut Magazine>,
    /// Blocks that were never used: from here to the end of a piece of the arena.
    fresh: Cell<*mut u8>,
    fresh_end: Cell<*mut u8>,
    /// How many blocks were adopted since the last magazine was put by.
    adopted: Cell<u32>,
    /// Magazines put by, linked.
    full: Cell<*mut Magazine>,
}

/// The class whose blocks hold a `T`, if there is one.
pub(crate) const fn class_of<T>() -> Option<usize> {
    let layout = Layout::new::<T>();
    let mut class = 0;
    while class < CLASSES {
        let layout_of_class = layout_of(class);
        if layout.size() <= layout_of_class.size() && layout.align() <= layout_of_class.align() {
            return Some(class);
        }
        class += 1;
    }
    None
}

/// The class whose blocks hold a `T`, and their size.
const fn class_and_size_of<T>() -> Option<(usize, usize)> {
    match class_of::<T>() {
        Some(class) => Some((class, layout_of(class).size())),
        None => None,
    }
}

/// The layout of a class's blocks: 32, 48, 64, 96 … bytes, aligned to the largest power of two that
/// divides their size, up to a cache line.
pub(crate) const fn layout_of(class: usize) -> Layout {
    let size = (SMALLEST + SMALLEST / 2 * (class % 2)) << (class / 2);
    let divisor = 1 << size.trailing_zeros();
    let align = if divisor < ALIGNMENT {
        divisor
    } else {
        ALIGNMENT
    };
    match Layout::from_size_align(size, align) {
        Ok(layout) => layout,
        Err(_) => panic!("bywash: block sizes are small and alignments powers of two"),
    }
}

impl JobMemory {
    pub(crate) fn new() -> Self {
        let shelf = || Shelf {
            free: Cell::new(null_mut()),
            fresh: Cell::new(null_mut()),
            fresh_end: Cell::new(null_mut()),
            adopted: Cell::new(0),
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
            shelf.free.set(null_mut());
            shelf.fresh.set(null_mut());
            shelf.fresh_end.set(null_mut());
            shelf.adopted.set(0);
            shelf.full.set(null_mut());
        }
    }

    /// Room for a `T`. A used block if there is one, else a new one from the frame's arena.
    ///
    /// What is too large for every class lives in the arena until the frame ends.
    #[inline(always)]
    pub(crate) fn take<'a, T>(
        &self,
        frame: impl FnOnce() -> (&'a Arena<Chunks>, &'a FrameRecord),
    ) -> NonNull<T> {
        let Some((class, size)) = (const { class_and_size_of::<T>() }) else {
            return frame().0.alloc_layout(Layout::new::<T>()).cast();
        };
        let shelf = &self.classes[class];
        if let Some(block) = NonNull::new(shelf.free.get()) {
            // SAFETY: a block on the list is free memory of this frame, and its link was written when
            // it was put there.
            shelf.free.set(unsafe { (*block.as_ptr()).next_block });
            return block.cast();
        }
        let fresh = shelf.fresh.get();
        if fresh != shelf.fresh_end.get() {
            shelf.fresh.set(fresh.wrapping_add(size));
            // SAFETY: the two differ only between a piece's first and last block, which are not null.
            return unsafe { NonNull::new_unchecked(fresh) }.cast();
        }
        self.used.set(self.used.get() | 1 << class);
        let (arena, record) = frame();
        shelf.take_slow(class, arena, record).cast()
    }

    /// Gives a block of class `class` back.
    ///
    /// # Safety
    /// `take` gave the block in this frame, on whatever worker, and it is not used again.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, block: NonNull<Magazine>, class: usize) {
        let shelf = &self.classes[class];
        // SAFETY: the block is free, large enough and aligned for a pointer, its first field.
        unsafe { block.cast().write(shelf.free.get()) };
        shelf.free.set(block.as_ptr());
    }

    /// A job that was taken elsewhere has given its block back here and unwound before anybody learned of
    /// which class: the frame's end is to clear them all.
    #[cold]
    pub(crate) fn adopt_unknown(&self) {
        self.used.set((1 << CLASSES) - 1);
    }

    /// Counts a block of class `class` that was given back here and taken on another worker.
    pub(crate) fn adopt(&self, class: usize, record: &FrameRecord) {
        self.used.set(self.used.get() | 1 << class);
        let shelf = &self.classes[class];
        shelf.adopted.set(shelf.adopted.get() + 1);
        if shelf.adopted.get() == MAGAZINE {
            shelf.adopted.set(0);
            shelf.put_by(record.magazines(class, true));
        }
    }
}

impl Shelf {
    #[cold]
    #[inline(never)]
    fn take_slow(
        &self,
        class: usize,
        arena: &Arena<Chunks>,
        record: &FrameRecord,
    ) -> NonNull<Magazine> {
        let passed = record.magazines(class, false);
        if self.full.get().is_null() && !passed.load(Ordering::Relaxed).is_null() {
            self.full.set(take_all(passed));
        }
        if let Some(magazine) = NonNull::new(self.full.get()) {
            // SAFETY: a filed magazine is free memory of this frame, and its links were written
            // when it was filed.
            let links = unsafe { magazine.read() };
            self.full.set(links.next_magazine);
            self.free.set(links.next_block);
            return magazine;
        }
        let block = layout_of(class);
        let blocks = (PIECE / block.size()).max(1);
        let layout = Layout::from_size_align(block.size() * blocks, block.align())
            .expect("bywash: block sizes are small and alignments powers of two");
        let piece = arena.alloc_layout(layout);
        // Thieves may have had these lines in the last frame: all come back at once, not one by one.
        for line in (0..layout.size().min(PIECE)).step_by(LINE) {
            prefetch_to_write(piece.as_ptr().wrapping_add(line));
        }
        self.fresh.set(piece.as_ptr().wrapping_add(block.size()));
        self.fresh_end
            .set(piece.as_ptr().wrapping_add(layout.size()));
        piece.cast()
    }

    /// Puts a magazine by, if there are as many free blocks: kept if there is no other, else handed to
    /// the frame.
    #[cold]
    #[inline(never)]
    fn put_by(&self, others: &AtomicPtr<Magazine>) {
        let magazine = self.free.get();
        let mut last = magazine;
        for _ in 1..MAGAZINE {
            let Some(block) = NonNull::new(last) else {
                return;
            };
            // SAFETY: a block on the list is free memory of this frame, its link written.
            last = unsafe { (*block.as_ptr()).next_block };
        }
        let Some(last) = NonNull::new(last) else {
            return;
        };
        // SAFETY: as above; only the first field of a block on the list is initialised.
        let next_block = unsafe { &mut (*last.as_ptr()).next_block };
        self.free.set(std::mem::replace(next_block, null_mut()));
        if !self.full.get().is_null() {
            return donate(others, magazine);
        }
        // SAFETY: a free block, large enough for both links.
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
        // Release: pairs with the Acquire in `take_all`: who has a block then comes after those who had it
        // before. Takers take all, so there is no ABA.
        let order = ordering!(Release, "memory.donate" => Relaxed);
        if mutant("memory.donate.claim") {
            return stack.store(magazine, order);
        }
        match stack.compare_exchange_weak(head, magazine, order, Ordering::Relaxed) {
            Ok(_) => return,
            Err(other) => head = other,
        }
    }
}

/// Takes every magazine that was put there, linked.
fn take_all(stack: &AtomicPtr<Magazine>) -> *mut Magazine {
    // Acquire: pairs with the Release in `donate`, of every magazine of the chain.
    let order = ordering!(Acquire, "memory.take" => Relaxed);
    if mutant("memory.take.claim") {
        let all = stack.load(order);
        stack.store(null_mut(), Ordering::Relaxed);
        return all;
    }
    stack.swap(null_mut(), order)
}
