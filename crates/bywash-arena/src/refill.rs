//! The cold path of an allocation: budgets, counting, and the next chunk.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::arena::{Arena, Home, after, round_up};
use crate::chunk::{Before, CHUNK_ALIGN, Chunk, ChunkSource};
use crate::error::ArenaError;
use crate::poison;
use crate::store::Store;

impl<S: ChunkSource> Arena<S> {
    /// Serves what did not end below `limit`.
    #[cold]
    #[inline(never)]
    pub(crate) fn refill(&self, layout: Layout) -> Result<NonNull<u8>, ArenaError> {
        let is_counted = self.mode.get().is_on();
        if layout.size() == 0 {
            if is_counted {
                self.note(0);
            }
            // No byte is needed, so any address of that alignment will do.
            return Ok(Layout::dangling_ptr(&layout));
        }
        let size = round_up(layout.size());
        let free = self.free();
        let pad = free.addr().get().wrapping_neg() & (layout.align() - 1);
        let place = if size.saturating_add(pad) <= self.room() {
            self.admit(pad + size)?;
            // SAFETY: padding and size fit into the room up to `end`.
            let place = unsafe { free.add(pad) };
            // SAFETY: as above.
            self.set_free(unsafe { place.add(size) });
            place
        } else {
            // A chunk starts at CHUNK_ALIGN; a larger alignment may cost the rest of it as padding.
            let needed = size.saturating_add(layout.align().saturating_sub(CHUNK_ALIGN));
            self.admit(needed)?;
            self.place_in_new_chunk(layout, needed)?
        };
        if is_counted {
            self.note(layout.size());
        }
        self.tell_soft();
        self.retune();
        // SAFETY: the bytes belong to this level and were not handed out.
        unsafe { poison::taken(place, layout.size()) };
        Ok(place)
    }

    /// Takes a chunk; the level goes on in whichever chunk then has more room.
    fn place_in_new_chunk(&self, layout: Layout, needed: usize) -> Result<NonNull<u8>, ArenaError> {
        let size = round_up(layout.size());
        let store = self.store();
        let chunk = store.take(needed).map_err(|none| ArenaError::Exhausted {
            requested: layout.size(),
            left: self.room().max(none.left),
            limit: none.limit,
        })?;
        match self.last.get() {
            Some(last) => last.set_next(Some(chunk)),
            None => {
                self.first.set(Some(chunk));
                if matches!(self.home, Home::Nested(_)) {
                    store.borrowers.set(store.borrowers.get() + 1);
                }
            }
        }
        let before = Before {
            last: self.last.replace(Some(chunk)),
            current: self.current.get(),
            filled: self.filled.get(),
        };
        chunk.set_before(before);
        if !self.mode.get().is_on() {
            // A turn that no allocation is counted for: frames around see that something changed.
            self.turn.set(self.turn.get() + 1);
            self.pending.turn.set(self.turn.get());
        }
        #[cfg(feature = "stats")]
        self.pending.chunks.set(self.pending.chunks.get() + 1);

        let start = chunk.start();
        let pad = start.addr().get().wrapping_neg() & (layout.align() - 1);
        // SAFETY: `needed` covers the padding, and the chunk has room for `needed`.
        let place = unsafe { start.add(pad) };
        // SAFETY: as above.
        let behind = unsafe { place.add(size) };
        if self.room() > chunk.end() - behind.addr().get() {
            // The chunk serves this one allocation; smaller ones go on where they were.
            self.filled.set(self.filled.get() + pad + size);
        } else {
            self.filled.set(self.used());
            self.current.set(Some(chunk));
            self.set_free(behind);
            self.end.set(chunk.end());
        }
        Ok(place)
    }

    /// Sets `limit` again after anything that it depends on has changed.
    pub(crate) fn retune(&self) {
        let free = self.free().addr().get();
        let cap = self.end.get().min(free.saturating_add(self.allowance()));
        self.cap.set(cap);
        self.limit
            .set(if self.mode.get().is_on() { 0 } else { cap });
    }

    /// Where a reset takes the tip of a root to, if it changes nothing else.
    #[inline]
    pub(crate) fn settled_tip(&self) -> Option<NonNull<u8>> {
        let Home::Root(store) = &self.home else {
            return None;
        };
        let first = self.first.get();
        let (tip, end) = first.map_or((self.lent.tip, self.lent.end), |chunk| {
            (chunk.tip(), chunk.end())
        });
        let is_settled = Chunk::same(first, self.last.get())
            && self.limit.get() == end
            && self.budget.get().is_none()
            && store.is_settled();
        is_settled.then_some(tip)
    }

    /// Whether a reset would change nothing.
    #[inline]
    #[cfg(feature = "std")]
    pub(crate) fn is_pristine(&self) -> bool {
        self.settled_tip() == Some(self.tip.get())
    }

    /// Everything this level took goes back; it begins anew.
    pub(crate) fn reset_level(&self) {
        match &self.home {
            Home::Root(store) => {
                if store.borrowers.get() != 0 {
                    store.recover();
                    self.first.set(None);
                    self.current.set(None);
                    self.last.set(None);
                    self.tip.set(self.lent.tip);
                    self.end.set(self.lent.end);
                    self.filled.set(0);
                }
            }
            Home::Nested(_) => {}
        }
        self.rewind(self.lent.tip, None, 0);
        if let Home::Root(store) = &self.home
            && let Some(ledger) = store.opened_ledger()
        {
            ledger.settle_all();
        }
        self.budget.set(self.budget.get().afresh());
        self.retune();
    }

    /// Takes back what was allocated since `mark`, in constant time.
    #[cold]
    #[inline(never)]
    pub(crate) fn rewind(&self, tip: NonNull<u8>, last: Option<Chunk>, turn: usize) {
        let mark = Mark { tip, last, turn };
        self.enter();
        if self.charged.get() != 0 {
            self.store().ledger().lift(self.charged.get(), turn);
        }
        if let Home::Root(store) = &self.home
            && let (Some(first), Some(last)) = (self.first.get(), self.last.get())
            && self.is_start(store, mark)
        {
            self.rewind_to_start(store, first, last);
            return;
        }
        let young = match mark.last {
            Some(last) => last.next(),
            None => self.first.get(),
        };
        let (Some(young), Some(tail)) = (young, self.last.get()) else {
            // No chunk was taken since: only the pointer moves.
            self.poison_after(mark.tip);
            self.tip.set(mark.tip);
            self.end
                .set(self.current.get().map_or(self.lent.end, Chunk::end));
            self.retune();
            self.settle();
            return;
        };
        let before = young.before();
        self.current.set(before.current);
        self.filled.set(before.filled);
        self.last.set(mark.last);
        self.tip.set(mark.tip);
        self.end
            .set(before.current.map_or(self.lent.end, Chunk::end));
        self.poison_up_to_end(mark.tip);
        if let Some(last) = mark.last {
            last.set_next(None);
        } else {
            // A nested level that is back in the range it was lent.
            self.first.set(None);
            let borrowers = &self.store().borrowers;
            borrowers.set(borrowers.get() - 1);
        }
        self.store().splice(young, tail);
        self.retune();
        self.settle();
    }

    /// Bytes that the level had handed out at `mark`.
    pub(crate) fn used_at(&self, mark: Mark) -> usize {
        if let Home::Root(store) = &self.home
            && self.is_start(store, mark)
        {
            return 0;
        }
        let young = match mark.last {
            Some(last) => last.next(),
            None => self.first.get(),
        };
        let (current, filled) = match young.map(Chunk::before) {
            Some(before) => (before.current, before.filled),
            None => (self.current.get(), self.filled.get()),
        };
        let base = current.map_or(self.lent.tip, Chunk::tip);
        filled + (mark.tip.addr().get() - base.addr().get())
    }

    /// A root without a chunk takes the one that a nested frame has left, so that the next nested
    /// frame is lent a range.
    pub(crate) fn adopt_spare(&self) {
        let Home::Root(store) = &self.home else {
            return;
        };
        if self.last.get().is_none()
            && let Some(chunk) = store.take_spare(1)
        {
            self.turn.set(self.turn.get() + 1);
            self.pending.turn.set(self.turn.get());
            self.keep(chunk);
            self.retune();
        }
    }

    /// `chunk` is the only one that a root has, and empty.
    fn keep(&self, chunk: Chunk) {
        chunk.set_next(None);
        chunk.set_before(Before {
            last: None,
            current: None,
            filled: 0,
        });
        self.first.set(Some(chunk));
        self.last.set(Some(chunk));
        self.current.set(Some(chunk));
        self.filled.set(0);
        self.tip.set(chunk.tip());
        self.end.set(chunk.end());
    }

    /// Whether a root's mark means that nothing is in use.
    fn is_start(&self, store: &Store<S>, mark: Mark) -> bool {
        let is_at_first = |first: Chunk| mark.last == Some(first) && mark.tip == first.tip();
        mark.last.is_none()
            || mark.turn < store.base_turn.get()
            || self.first.get().is_some_and(is_at_first)
    }

    /// An empty root keeps a chunk, so that its next allocation is a hot one: the larger of its
    /// first and its last, so that a frame soon finds room in one.
    fn rewind_to_start(&self, store: &Store<S>, first: Chunk, last: Chunk) {
        let takes_last = last.size() > first.size() && !store.source().keeps_first();
        let (kept, rest) = match last.before().last {
            Some(second_last) if takes_last => (last, Some((first, second_last))),
            _ => (first, first.next().map(|second| (second, last))),
        };
        if kept != first {
            self.turn.set(self.turn.get() + 1);
            self.pending.turn.set(self.turn.get());
            store.base_turn.set(self.turn.get());
        }
        self.keep(kept);
        self.poison_up_to_end(kept.tip());
        if let Some((head, tail)) = rest {
            store.splice(head, tail);
        }
        self.retune();
        self.settle();
    }

    /// Poisons what was handed out after `tip` in the current range.
    #[inline]
    pub(crate) fn poison_after(&self, tip: NonNull<u8>) {
        if cfg!(any(debug_assertions, bywash_asan)) {
            let size = self.tip.get().addr().get() - tip.addr().get();
            // SAFETY: the frame is over: the compiler saw its borrows end, and nothing of it is used.
            unsafe { poison::freed(after(tip), size) };
        }
    }

    /// Poisons from `tip` to the end of the range that is current again; another one was since.
    fn poison_up_to_end(&self, tip: NonNull<u8>) {
        if cfg!(any(debug_assertions, bywash_asan)) {
            let start = after(tip);
            let size = self.end.get() - start.addr().get();
            // SAFETY: as above; what lies beyond the frame's allocations is not handed out.
            unsafe { poison::freed(start, size) };
        }
    }
}

/// A position that a level can be taken back to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) tip: NonNull<u8>,
    pub(crate) last: Option<Chunk>,
    /// What the level's `turn` was.
    pub(crate) turn: usize,
}

impl<S: ChunkSource> Arena<S> {
    #[inline(always)]
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            tip: self.tip.get(),
            last: self.last.get(),
            turn: self.turn.get(),
        }
    }

    /// Takes back what was allocated since `mark`: one store while no chunk was taken
    /// and nothing counted since.
    #[inline(always)]
    pub(crate) fn end_at(&self, mark: Mark) {
        if self.turn.get() == mark.turn {
            self.poison_after(mark.tip);
            self.tip.set(mark.tip);
        } else {
            // By its parts: a whole mark would be kept in memory for the call.
            self.rewind(mark.tip, mark.last, mark.turn);
        }
    }
}
