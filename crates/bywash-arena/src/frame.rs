//! Frames: guards that take back, when they end, everything that was allocated in them.
//!
//! [`Frame`] has the arena to itself and costs a load, a compare and a store. [`Nested`] opens
//! from a shared reference, beside live allocations of the frame around it, and bumps through a
//! range of its own; it is what a function uses that is only given `&Arena`.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::arena::{Arena, Home, Lent};
use crate::budget::Budget;
use crate::chunk::{ChunkSource, HeapChunks};
use crate::refill::Mark;

/// A frame of an arena: what is allocated through it lives until it ends.
///
/// It ends when dropped: at the scope's end, on `?`, in a panic, or by [`end`](Frame::end). A
/// forgotten frame only leaks: its memory returns with the frame or reset around it.
///
/// ```
/// let mut arena = bywash_arena::Arena::new();
/// for step in 0..3 {
///     let frame = arena.begin_frame();
///     let xs = frame.alloc_slice_fill(100, step);
///     assert_eq!(xs.iter().sum::<i32>(), 100 * step);
/// }
/// assert_eq!(arena.used(), 0);
/// ```
///
/// Returning a reference does not compile:
/// ```compile_fail,E0515
/// fn escape(arena: &mut bywash_arena::Arena) -> &mut u32 {
///     let frame = arena.begin_frame();
///     frame.alloc(1)
/// }
/// ```
/// nor does storing it outside,
/// ```compile_fail,E0597
/// let mut arena = bywash_arena::Arena::new();
/// let mut kept = Vec::new();
/// {
///     let frame = arena.begin_frame();
///     kept.push(frame.alloc(1));
/// }
/// assert_eq!(*kept[0], 1);
/// ```
/// using it after the frame was ended,
/// ```compile_fail,E0505
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// let value = frame.alloc(1);
/// frame.end();
/// *value = 2;
/// ```
/// sending it to a thread that may outlive the frame,
/// ```compile_fail,E0597
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// let value: &u32 = frame.alloc(1);
/// std::thread::spawn(move || assert_eq!(*value, 1));
/// ```
/// resetting the arena under it,
/// ```compile_fail,E0499
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// arena.reset();
/// frame.alloc(1);
/// ```
/// resetting the frame itself,
/// ```compile_fail,E0502
/// let mut arena = bywash_arena::Arena::new();
/// let mut frame = arena.begin_frame();
/// let value = frame.alloc(1);
/// frame.reset();
/// *value = 2;
/// ```
/// allocating beside it,
/// ```compile_fail,E0502
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// arena.alloc(1);
/// frame.alloc(2);
/// ```
/// ending a frame under one inside it,
/// ```compile_fail,E0505
/// let mut arena = bywash_arena::Arena::new();
/// let mut outer = arena.begin_frame();
/// let inner = outer.begin_frame();
/// outer.end();
/// inner.alloc(1);
/// ```
/// or moving the frame to another thread.
/// ```compile_fail,E0277
/// let mut arena = bywash_arena::Arena::new();
/// let frame = arena.begin_frame();
/// std::thread::scope(|scope| { scope.spawn(move || { frame.alloc(1); }); });
/// ```
pub struct Frame<'arena, S: ChunkSource = HeapChunks> {
    arena: &'arena Arena<S>,
    mark: Mark,
    /// The arena was borrowed exclusively: nothing else can allocate from it meanwhile.
    exclusive: PhantomData<&'arena mut Arena<S>>,
}

impl<S: ChunkSource> Arena<S> {
    /// Opens a frame that has the arena to itself.
    ///
    /// Cost: two loads; ending it is a compare and a store, or a splice of the chunks it took.
    #[inline(always)]
    pub fn begin_frame(&mut self) -> Frame<'_, S> {
        Frame {
            mark: self.mark(),
            arena: self,
            exclusive: PhantomData,
        }
    }

    /// Like [`begin_frame`](Self::begin_frame), with a budget for everything allocated in it.
    ///
    /// ```
    /// use bywash_arena::{Arena, Budget};
    ///
    /// let mut arena = Arena::new();
    /// let frame = arena.begin_frame_within(Budget::hard(100));
    /// assert!(frame.try_alloc([0u8; 200]).is_err());
    /// frame.end();
    /// assert!(arena.try_alloc([0u8; 200]).is_ok());
    /// ```
    pub fn begin_frame_within(&mut self, budget: Budget) -> Frame<'_, S> {
        let frame = self.begin_frame();
        frame.set_budget(budget);
        frame
    }

    /// Opens a frame inside whatever is open: allocations around it stay usable, and may go on
    /// being made, while it lives.
    ///
    /// The rest of the current range is lent to it; if it needs more, it takes chunks of its own.
    /// Nested frames may end in any order. Cost: about a dozen stores.
    ///
    /// ```
    /// let mut arena = bywash_arena::Arena::new();
    /// let frame = arena.begin_frame();
    /// let total = frame.alloc(0);
    /// for i in 0..10 {
    ///     let nested = frame.begin_nested();
    ///     let scratch = nested.alloc_slice_fill(64, i);
    ///     *total += scratch.iter().sum::<i32>();
    /// }
    /// assert_eq!(*total, 64 * 45);
    /// ```
    /// What is allocated in it cannot leave it:
    /// ```compile_fail,E0597
    /// let arena = bywash_arena::Arena::new();
    /// let value;
    /// {
    ///     let nested = arena.begin_nested();
    ///     value = nested.alloc(1);
    /// }
    /// *value = 2;
    /// ```
    #[inline(always)]
    pub fn begin_nested(&self) -> Nested<'_, S> {
        let lent = Lent {
            tip: self.tip.get(),
            end: self.end.get(),
        };
        let (limit, cap) = (self.limit.get(), self.cap.get());
        // Nothing is left here until the range returns: an allocation takes the cold path.
        let free = self.free().addr().get();
        self.limit.set(free);
        self.cap.set(free);
        self.end.set(free);
        let home = Home::Nested(NonNull::from(self));
        let level = Arena::level(lent, limit, home, self.mode.get());
        level.cap.set(cap);
        Nested {
            level: ManuallyDrop::new(level),
            limit,
            cap,
            turn: self.turn.get(),
            parent: self,
        }
    }

    /// Like [`begin_nested`](Self::begin_nested), with a budget for everything allocated in it.
    pub fn begin_nested_within(&self, budget: Budget) -> Nested<'_, S> {
        let nested = self.begin_nested();
        nested.set_budget(budget);
        nested
    }
}

impl<S: ChunkSource> Frame<'_, S> {
    /// Opens a frame inside this one that has the arena to itself; see also
    /// [`Arena::begin_nested`].
    #[inline(always)]
    pub fn begin_frame(&mut self) -> Frame<'_, S> {
        Frame {
            mark: self.arena.mark(),
            arena: self.arena,
            exclusive: PhantomData,
        }
    }

    /// Ends the frame; the same as dropping it.
    #[inline(always)]
    pub fn end(self) {}

    /// Takes back everything allocated in the frame so far, and goes on.
    #[inline(always)]
    pub fn reset(&mut self) {
        if self.arena.turn.get() == self.mark.turn {
            self.arena.end_at(self.mark);
        } else {
            self.reset_cold();
        }
    }

    #[cold]
    #[inline(never)]
    fn reset_cold(&mut self) {
        let budget = self.budget();
        self.arena.end_at(self.mark);
        self.set_budget(budget);
    }

    /// Limits what this frame, with those in it, hands out; ends with the frame.
    ///
    /// What it has handed out already counts. Costs an entry in the arena's books, which are on
    /// the heap, and makes the frame's end a cold one.
    pub fn set_budget(&self, budget: Budget) {
        self.arena.set_budget_after(self.mark, budget);
    }

    /// The budget that was set for this frame, [`Budget::NONE`] at first.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.arena.budget_after(self.mark)
    }
}

impl<S: ChunkSource> Deref for Frame<'_, S> {
    type Target = Arena<S>;

    #[inline(always)]
    fn deref(&self) -> &Arena<S> {
        self.arena
    }
}

impl<S: ChunkSource> Drop for Frame<'_, S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.arena.end_at(self.mark);
    }
}

impl<S: ChunkSource> core::fmt::Debug for Frame<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Frame")
            .field("arena", self.arena)
            .finish_non_exhaustive()
    }
}

/// A frame opened from a shared reference; see [`Arena::begin_nested`].
pub struct Nested<'arena, S: ChunkSource = HeapChunks> {
    level: ManuallyDrop<Arena<S>>,
    /// The parent's limit and cap, and its turn, before it lent its range.
    limit: usize,
    cap: usize,
    turn: usize,
    parent: &'arena Arena<S>,
}

impl<S: ChunkSource> Nested<'_, S> {
    /// Opens a frame inside this one that has its level to itself.
    #[inline(always)]
    pub fn begin_frame(&mut self) -> Frame<'_, S> {
        self.level.begin_frame()
    }

    /// Ends the frame; the same as dropping it.
    #[inline(always)]
    pub fn end(self) {}

    /// Takes back everything allocated in the frame so far, and goes on.
    pub fn reset(&mut self) {
        self.level.reset_level();
    }

    /// The frame took chunks, or its parent has changed since it was opened.
    #[cold]
    #[inline(never)]
    fn end_cold(&mut self) {
        let level = &self.level;
        level.reset_level();
        if self.parent.end.get() == level.lent.start() {
            self.parent.end.set(level.lent.end);
            self.parent.retune();
        }
        self.parent.adopt_spare();
    }
}

impl<S: ChunkSource> Deref for Nested<'_, S> {
    type Target = Arena<S>;

    #[inline(always)]
    fn deref(&self) -> &Arena<S> {
        &self.level
    }
}

impl<S: ChunkSource> Drop for Nested<'_, S> {
    #[inline(always)]
    fn drop(&mut self) {
        let level = &self.level;
        let undisturbed = level.turn.get() == 0
            && self.parent.turn.get() == self.turn
            && self.parent.limit.get() == level.lent.start();
        if undisturbed && !cfg!(any(debug_assertions, bywash_asan)) {
            self.parent.end.set(level.lent.end);
            self.parent.limit.set(self.limit);
            self.parent.cap.set(self.cap);
        } else {
            self.end_cold();
        }
    }
}

impl<S: ChunkSource> core::fmt::Debug for Nested<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Nested")
            .field("level", &*self.level)
            .finish_non_exhaustive()
    }
}
