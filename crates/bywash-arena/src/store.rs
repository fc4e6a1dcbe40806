//! All chunks of one arena: those its levels use, and the spare ones.

use alloc::boxed::Box;
use core::alloc::Layout;
use core::cell::{Cell, OnceCell};

use crate::chunk::{CHUNK_ALIGN, Chunk, ChunkSource, NoChunk};
use crate::ledger::Ledger;
use crate::poison;

/// What the first chunk holds unless more is asked for.
const FIRST_CHUNK: usize = 4 * 1024;

/// Growth stops here: beyond it, chunks are large enough that their number no longer matters.
const LARGEST_CHUNK: usize = 16 * 1024 * 1024;

/// The chunks of a root and of every level below it.
pub(crate) struct Store<S: ChunkSource> {
    source: S,
    /// Every chunk that was acquired and not yet released.
    owned: Cell<Option<Chunk>>,
    /// Those of them that no level uses, most recently returned first.
    spare: Cell<Option<Chunk>>,
    pub(crate) count: Cell<usize>,
    pub(crate) capacity: Cell<usize>,
    /// Nested levels that hold chunks; not zero at a reset if one was forgotten.
    pub(crate) borrowers: Cell<usize>,
    /// The root's turn when it last changed the chunk that it keeps while empty. Marks from before
    /// name a chunk that is not there any more; they can only have meant the start.
    pub(crate) base_turn: Cell<usize>,
    /// The books, once something is to be counted.
    ledger: OnceCell<Box<Ledger>>,
}

impl<S: ChunkSource> Store<S> {
    pub(crate) const fn new(source: S) -> Self {
        Self {
            source,
            owned: Cell::new(None),
            spare: Cell::new(None),
            count: Cell::new(0),
            capacity: Cell::new(0),
            borrowers: Cell::new(0),
            base_turn: Cell::new(0),
            ledger: OnceCell::new(),
        }
    }

    fn keeps_spare(&self) -> bool {
        self.source.keeps_spare()
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        self.ledger.get_or_init(|| Box::new(Ledger::new()))
    }

    /// The books, if there is anything in them.
    pub(crate) fn opened_ledger(&self) -> Option<&Ledger> {
        self.ledger.get().map(|ledger| &**ledger)
    }

    /// Whether no nested level holds chunks, and no entry of the books waits for a reset.
    #[inline]
    pub(crate) fn is_settled(&self) -> bool {
        self.borrowers.get() == 0 && self.ledger.get().is_none_or(|ledger| ledger.is_settled())
    }

    /// A chunk with room for `bytes` after its header: the largest spare one, else a new one.
    pub(crate) fn take(&self, bytes: usize) -> Result<Chunk, NoChunk> {
        self.take_spare(bytes)
            .map_or_else(|| self.acquire(bytes), Ok)
    }

    /// The largest spare chunk, if it has room for `bytes` after its header.
    pub(crate) fn take_spare(&self, bytes: usize) -> Option<Chunk> {
        let mut best: Option<(Option<Chunk>, Chunk)> = None;
        let (mut before, mut spare) = (None, self.spare.get());
        while let Some(chunk) = spare {
            let fits = chunk.end() - chunk.start().addr().get() >= bytes;
            if fits && best.is_none_or(|(_, best)| chunk.size() > best.size()) {
                best = Some((before, chunk));
            }
            before = spare;
            spare = chunk.next();
        }
        let (before, chunk) = best?;
        match before {
            Some(before) => before.set_next(chunk.next()),
            None => self.spare.set(chunk.next()),
        }
        chunk.set_next(None);
        Some(chunk)
    }

    /// A new chunk. Chunks double what the arena holds, so that a growing frame needs few of them,
    /// and each is larger than those before, so that what it converges to is one.
    fn acquire(&self, bytes: usize) -> Result<Chunk, NoChunk> {
        let none = NoChunk {
            left: 0,
            limit: usize::MAX,
        };
        let least = bytes.checked_add(Chunk::HEADER).ok_or(none)?;
        let wanted = self
            .capacity
            .get()
            .saturating_add(FIRST_CHUNK)
            .min(LARGEST_CHUNK)
            .max(least);
        let layout = |size| Layout::from_size_align(size, CHUNK_ALIGN).map_err(|_| none);
        let memory = self
            .source
            .acquire_between(layout(least)?, layout(wanted)?)?;
        // SAFETY: `memory` came from `acquire`, asked for the alignment and at least the header.
        let Some(chunk) = (unsafe { Chunk::install(memory) }) else {
            // SAFETY: acquired just above, and not used.
            unsafe { self.source.release(memory) };
            return Err(none);
        };
        chunk.set_owned(self.owned.get());
        self.owned.set(Some(chunk));
        self.count.set(self.count.get() + 1);
        self.capacity.set(self.capacity.get() + chunk.size());
        // SAFETY: the chunk is the arena's and holds nothing yet.
        unsafe { poison::freed(chunk.start(), chunk.end() - chunk.start().addr().get()) };
        Ok(chunk)
    }

    /// Puts the list from `head` to `tail` in front of the spare ones: one store each way, however
    /// long the list is. (Where freed memory is poisoned, that walks it.)
    pub(crate) fn splice(&self, head: Chunk, tail: Chunk) {
        self.put_in_front(head, tail);
        if !self.keeps_spare() {
            self.trim();
        }
    }

    fn put_in_front(&self, head: Chunk, tail: Chunk) {
        if cfg!(any(debug_assertions, bywash_asan)) {
            let mut next = Some(head);
            while let Some(chunk) = next {
                // SAFETY: the level that used the chunk gave it up, with everything in it.
                unsafe { poison::freed(chunk.start(), chunk.end() - chunk.start().addr().get()) };
                next = if chunk == tail { None } else { chunk.next() };
            }
        }
        tail.set_next(self.spare.get());
        self.spare.set(Some(head));
    }

    /// Makes every chunk spare, also those of levels that were forgotten.
    pub(crate) fn recover(&self) {
        self.spare.set(None);
        self.borrowers.set(0);
        let mut owned = self.owned.get();
        while let Some(chunk) = owned {
            owned = chunk.owned();
            self.put_in_front(chunk, chunk);
        }
        if !self.keeps_spare() {
            self.trim();
        }
    }

    /// Releases every spare chunk.
    pub(crate) fn trim(&self) -> usize {
        // A spare chunk is marked by being its own successor; no list in use has such a link.
        let mut spare = self.spare.take();
        while let Some(chunk) = spare {
            spare = chunk.next();
            chunk.set_next(Some(chunk));
        }
        let mut released = 0;
        let mut owned = self.owned.take();
        while let Some(chunk) = owned {
            owned = chunk.owned();
            if chunk.next() == Some(chunk) {
                released += chunk.size();
                self.release(chunk);
            } else {
                chunk.set_owned(self.owned.get());
                self.owned.set(Some(chunk));
            }
        }
        released
    }

    fn release(&self, chunk: Chunk) {
        self.count.set(self.count.get() - 1);
        self.capacity.set(self.capacity.get() - chunk.size());
        let memory = chunk.memory();
        // SAFETY: the whole chunk is addressable memory of the arena's.
        unsafe { poison::taken(memory.cast(), memory.len()) };
        // SAFETY: it came from this source, is in no list any more, and is released here alone.
        unsafe { self.source.release(memory) };
    }
}

impl<S: ChunkSource> Drop for Store<S> {
    fn drop(&mut self) {
        let mut owned = self.owned.take();
        while let Some(chunk) = owned {
            owned = chunk.owned();
            self.release(chunk);
        }
    }
}
