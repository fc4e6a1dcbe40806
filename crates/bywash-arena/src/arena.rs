//! The arena: a bump pointer through chunks, and the one compare that every allocation makes.
//!
//! `limit` is that compare. Usually it is the end of the current range; it is lowered to meet a
//! budget, and to zero where every allocation has to be counted. So budgets, tags and statistics
//! cost nothing while the allocation fits below `limit`: whatever is unusual happens in
//! [`refill`](crate::refill).
//!
//! An arena is also what a [nested frame](crate::Nested) holds: a *level* with a range of its own,
//! first lent by its parent, then taken from the root's chunks.

use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::num::NonZero;
use core::ptr::NonNull;

use crate::budget::Budget;
use crate::chunk::{Chunk, ChunkSource, HeapChunks};
use crate::count::{Mode, Pending};
use crate::error::{ArenaError, refuse};
use crate::poison;
use crate::store::Store;

/// Every allocation takes a multiple of this many bytes, so that the pointer is always aligned for
/// the common types and the compiler can drop the alignment step.
pub const GRAIN: usize = 8;

/// A bump allocator whose memory is returned all at once.
///
/// Allocation takes `&self`, hands out references that live as long as that borrow, and may be
/// re-entered from an initialiser. The arena is `Send` (if its source is) and not `Sync`: one
/// thread at a time.
///
/// Values are **not dropped** when their memory is returned; use [`frame_box`](Arena::frame_box) or
/// [`frame_vec`](Arena::frame_vec) for values that must be.
///
/// ```
/// use bywash_arena::Arena;
///
/// let mut arena = Arena::new();
/// let name = arena.alloc_str("spillway");
/// let levels = arena.alloc_slice_fill_with(4, |i| i as f32 * 0.5);
/// assert_eq!((&*name, levels[3]), ("spillway", 1.5));
/// arena.reset();
/// assert_eq!(arena.used(), 0);
/// ```
/// Two threads cannot share one:
/// ```compile_fail,E0277
/// let arena = bywash_arena::Arena::new();
/// std::thread::scope(|scope| { scope.spawn(|| { arena.alloc(1); }); });
/// ```
pub struct Arena<S: ChunkSource = HeapChunks> {
    /// The last byte that is handed out: the byte before a multiple of GRAIN.
    pub(crate) tip: Cell<NonNull<u8>>,
    /// An allocation whose last byte is not below this address takes the cold path.
    pub(crate) limit: Cell<usize>,
    /// The address after the range that this level may bump through; where the free bytes begin
    /// while the rest of the range is lent to a nested frame.
    pub(crate) end: Cell<usize>,
    /// The oldest and the youngest chunk that this level took, linked in that order.
    pub(crate) first: Cell<Option<Chunk>>,
    pub(crate) last: Cell<Option<Chunk>>,
    /// The chunk that `tip` points into; `None` while in the range the level began with.
    pub(crate) current: Cell<Option<Chunk>>,
    /// Bytes taken outside the current range.
    pub(crate) filled: Cell<usize>,
    /// The range this level began with: lent by its parent, or empty.
    pub(crate) lent: Lent,
    pub(crate) budget: Cell<Budget>,
    /// Grows by one with every event that the end of a frame has to know of: a chunk that was
    /// taken, an allocation that was counted.
    pub(crate) turn: Cell<usize>,
    /// What `limit` would be, were nothing counted.
    pub(crate) cap: Cell<usize>,
    /// What is counted; if anything is, `limit` is zero.
    pub(crate) mode: Cell<Mode>,
    pub(crate) pending: Pending,
    /// The level's number in the ledger, once it has an entry there that its end has to strike
    /// out; else 0.
    pub(crate) charged: Cell<usize>,
    pub(crate) home: Home<S>,
}

/// A range of memory that a level was given when it began.
#[derive(Clone, Copy)]
pub(crate) struct Lent {
    /// The byte before it.
    pub(crate) tip: NonNull<u8>,
    pub(crate) end: usize,
}

impl Lent {
    /// No byte: the range of a root before its first chunk.
    pub(crate) const NOTHING: Self = Self {
        tip: NonNull::without_provenance(NonZero::new(GRAIN - 1).unwrap()),
        end: GRAIN,
    };

    /// The address of its first byte.
    #[inline(always)]
    pub(crate) fn start(&self) -> usize {
        self.tip.addr().get() + 1
    }
}

/// Where a level's chunks come from.
pub(crate) enum Home<S: ChunkSource> {
    Root(Store<S>),
    /// The parent level, which the nested frame borrows and therefore neither moves nor ends.
    Nested(NonNull<Arena<S>>),
}

// SAFETY: everything an arena points to is its own: chunks that nobody else uses. A nested level,
// which does point elsewhere, never leaves its frame, and that frame is not `Send`.
unsafe impl<S: ChunkSource + Send> Send for Arena<S> {}

impl Arena {
    /// An empty arena on the heap. Allocates nothing until its first allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_source(HeapChunks)
    }

    /// An arena on the heap with room for `bytes` in its first chunk, which it takes at once.
    ///
    /// # Errors
    /// [`ArenaError::Exhausted`] when the heap refuses.
    pub fn with_capacity(bytes: usize) -> Result<Self, ArenaError> {
        let arena = Self::new();
        arena.reserve(bytes)?;
        Ok(arena)
    }
}

impl<S: ChunkSource> Arena<S> {
    /// An empty arena whose chunks come from `source`. Takes none until its first allocation.
    #[must_use]
    pub const fn with_source(source: S) -> Self {
        Self::level(
            Lent::NOTHING,
            GRAIN,
            Home::Root(Store::new(source)),
            Mode::OFF,
        )
    }

    /// A level that begins in `lent`.
    #[inline(always)]
    pub(crate) const fn level(lent: Lent, limit: usize, home: Home<S>, mode: Mode) -> Self {
        Self {
            tip: Cell::new(lent.tip),
            limit: Cell::new(limit),
            end: Cell::new(lent.end),
            first: Cell::new(None),
            last: Cell::new(None),
            current: Cell::new(None),
            filled: Cell::new(0),
            lent,
            budget: Cell::new(Budget::NONE),
            turn: Cell::new(0),
            cap: Cell::new(limit),
            mode: Cell::new(mode),
            pending: Pending::new(),
            charged: Cell::new(0),
            home,
        }
    }

    /// Memory for `layout`, uninitialised, until the arena is reset or the frame around it ends.
    ///
    /// Cost: about ten instructions; a new chunk when the current one is full.
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it; see
    /// [`try_alloc_layout`](Self::try_alloc_layout).
    #[inline(always)]
    pub fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        match self.bump(layout) {
            Some(place) => place,
            None => self.refill_or_panic(layout),
        }
    }

    /// Like [`alloc_layout`](Self::alloc_layout), but refuses with an error.
    ///
    /// # Errors
    /// [`ArenaError`] when the arena can get no more memory, or a budget forbids it.
    #[inline(always)]
    pub fn try_alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, ArenaError> {
        match self.bump(layout) {
            Some(place) => Ok(place),
            None => self.refill(layout),
        }
    }

    /// Memory for one `T`: the layout is a constant, and for common alignments no step is left of it.
    #[inline(always)]
    pub(crate) fn place<T>(&self) -> NonNull<T> {
        let layout = Layout::new::<T>();
        match self.bump_constant(layout) {
            Some(place) => place.cast(),
            None => {
                core::hint::cold_path();
                self.refill_or_panic(layout).cast()
            }
        }
    }

    /// The hot path. No branch on the alignment: it would be mispredicted where they are mixed.
    #[inline(always)]
    pub(crate) fn bump(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.bump_past(layout, layout.align() - 1)
    }

    /// The hot path where the layout is a constant: up to the grain, no step aligns.
    #[inline(always)]
    pub(crate) fn bump_constant(&self, layout: Layout) -> Option<NonNull<u8>> {
        let is_aligned = layout.align() <= GRAIN;
        self.bump_past(layout, if is_aligned { 0 } else { layout.align() - 1 })
    }

    /// Align, add, compare, store. What is aligned is the last byte taken, not the first one free:
    /// one `or` with the alignment less one.
    #[inline(always)]
    fn bump_past(&self, layout: Layout, below_align: usize) -> Option<NonNull<u8>> {
        let tip = self.tip.get();
        let size = round_up(layout.size());
        if !cfg!(target_pointer_width = "64") {
            // On 64 bits nothing below can wrap: chunks end below `isize::MAX` by more than a
            // grain, and size and alignment of a layout together stay below it too.
            let most = layout.align().checked_add(size)?;
            tip.addr().get().checked_add(most)?;
        }
        let before = tip.addr().get() | below_align;
        let last = before + size;
        if last >= self.limit.get() {
            core::hint::cold_path();
            // The second test never holds. It is there because a second use keeps `tip` in a
            // register: as an operand of the `or` it would wait for the store of the allocation
            // before, which a plain load does not.
            if last >= self.cap.get() || last < tip.addr().get() {
                return None;
            }
            self.note(layout.size());
        }
        // SAFETY: below the limit, so inside the range that `tip` points into, and not null.
        let place = unsafe { at(tip, before + 1) };
        // SAFETY: as above.
        self.tip.set(unsafe { at(tip, last) });
        // SAFETY: the bytes from `place` on belong to this level and were not handed out.
        unsafe { poison::taken(place, layout.size()) };
        Some(place)
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) fn refill_or_panic(&self, layout: Layout) -> NonNull<u8> {
        match self.refill(layout) {
            Ok(place) => place,
            Err(error) => refuse(error),
        }
    }

    /// The first byte that is free, a multiple of the grain.
    #[inline(always)]
    pub(crate) fn free(&self) -> NonNull<u8> {
        after(self.tip.get())
    }

    /// Goes on from `free`, which lies behind a byte of the arena's.
    #[inline(always)]
    pub(crate) fn set_free(&self, free: NonNull<u8>) {
        // SAFETY: free bytes begin behind an allocation, a header, or the last byte of a parent's.
        self.tip.set(unsafe { free.sub(1) });
    }

    /// Gives `size` bytes at `place` back, if nothing was allocated after them.
    #[inline]
    pub(crate) fn give_back(&self, place: NonNull<u8>, size: usize) {
        let size = round_up(size);
        if place.addr().get() + size == self.free().addr().get() && size > 0 {
            self.set_free(place);
            // SAFETY: the caller owned the bytes and gives them up; nothing lies above them.
            unsafe { poison::freed(place, size) };
        }
    }

    /// Makes sure that the next `bytes` bytes come from one chunk that is already there.
    ///
    /// # Errors
    /// [`ArenaError`] when the source refuses.
    pub fn reserve(&self, bytes: usize) -> Result<(), ArenaError> {
        let overflow = ArenaError::LayoutOverflow {
            count: 1,
            size: bytes,
        };
        let layout = Layout::from_size_align(bytes, GRAIN).map_err(|_| overflow)?;
        let place = self.try_alloc_layout(layout)?;
        self.give_back(place, bytes);
        Ok(())
    }

    /// Bytes handed out by this level since it began or was reset, padding included.
    ///
    /// Bytes of nested frames that are open are not counted.
    #[must_use]
    pub fn used(&self) -> usize {
        let base = self.current.get().map_or(self.lent.tip, Chunk::tip);
        self.filled.get() + (self.tip.get().addr().get() - base.addr().get())
    }

    /// Bytes of all chunks that the arena holds, in use or kept for reuse.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.store().capacity.get()
    }

    /// The source of the arena's chunks.
    #[must_use]
    pub fn source(&self) -> &S {
        self.store().source()
    }

    /// Bytes that can be allocated before the arena needs another chunk.
    #[must_use]
    pub fn room(&self) -> usize {
        self.end.get() - self.free().addr().get()
    }

    /// Hands every spare chunk back to the source, and says how many bytes that were.
    ///
    /// Takes time proportional to the number of chunks; chunks in use stay.
    pub fn trim(&self) -> usize {
        self.store().trim()
    }

    /// Takes every allocation back and keeps the memory for reuse.
    ///
    /// The cost depends neither on bytes nor on allocations nor on chunks: the first chunk becomes
    /// the current one and the others are spliced onto the spare list. (Debug builds overwrite the
    /// freed bytes, so that a stale pointer shows.)
    ///
    /// An outstanding reference keeps the arena borrowed, so this does not compile:
    /// ```compile_fail,E0502
    /// let mut arena = bywash_arena::Arena::new();
    /// let value = arena.alloc(1);
    /// arena.reset();
    /// *value = 2;
    /// ```
    #[inline]
    pub fn reset(&mut self) {
        match self.settled_tip() {
            Some(tip) => {
                self.poison_after(tip);
                self.tip.set(tip);
            }
            None => self.reset_level(),
        }
    }

    /// The chunks of the whole tree of levels.
    #[inline]
    pub(crate) fn store(&self) -> &Store<S> {
        let mut level = self;
        loop {
            match &level.home {
                Home::Root(store) => return store,
                // SAFETY: a nested level borrows its parent for as long as it lives.
                Home::Nested(parent) => level = unsafe { parent.as_ref() },
            }
        }
    }

    pub(crate) fn parent(&self) -> Option<&Arena<S>> {
        match &self.home {
            Home::Root(_) => None,
            // SAFETY: a nested level borrows its parent for as long as it lives.
            Home::Nested(parent) => Some(unsafe { parent.as_ref() }),
        }
    }
}

/// `address` inside the range that `of` points into.
///
/// # Safety
/// `address` is not null.
#[inline(always)]
unsafe fn at(of: NonNull<u8>, address: usize) -> NonNull<u8> {
    // SAFETY: the caller vouches for it.
    of.with_addr(unsafe { NonZero::new_unchecked(address) })
}

/// The byte after `tip`: inside the range, or its end.
#[inline(always)]
pub(crate) fn after(tip: NonNull<u8>) -> NonNull<u8> {
    // SAFETY: a range does not end at the top of the address space, so this is not null.
    unsafe { at(tip, tip.addr().get() + 1) }
}

/// Up to the next multiple of the grain; folds away for constant multiples.
#[inline(always)]
pub(crate) const fn round_up(size: usize) -> usize {
    (size + (GRAIN - 1)) & !(GRAIN - 1)
}

impl<S: ChunkSource + Default> Default for Arena<S> {
    fn default() -> Self {
        Self::with_source(S::default())
    }
}

impl<S: ChunkSource> fmt::Debug for Arena<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Arena");
        debug
            .field("used", &self.used())
            .field("room", &self.room())
            .field("capacity", &self.capacity())
            .field("chunks", &self.store().count.get());
        if !self.budget.get().is_none() {
            debug.field("budget", &self.budget.get());
        }
        for tag in self.tags() {
            debug.field(tag.name, &tag);
        }
        debug.finish()
    }
}
