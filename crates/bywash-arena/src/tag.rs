//! Tags: who allocates how much, by name.

use alloc::vec::Vec;

use crate::arena::Arena;
use crate::chunk::ChunkSource;
use crate::count::Mode;

/// What was allocated under one tag. Real counts: of each allocation, with its padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TagUse {
    /// The tag.
    pub name: &'static str,
    /// Allocations so far.
    pub count: usize,
    /// Bytes so far, without what a vector gave back at once.
    pub bytes: usize,
    /// Bytes of frames that have not ended, or of heap boxes that have not been dropped.
    pub live: usize,
    /// The most that `live` has been.
    pub peak: usize,
}

impl TagUse {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            count: 0,
            bytes: 0,
            live: 0,
            peak: 0,
        }
    }

    /// The place of a tag among `tags`, which is made at its first use.
    pub(crate) fn place(tags: &mut Vec<Self>, name: &'static str) -> usize {
        if let Some(place) = tags.iter().position(|tag| tag.name == name) {
            return place;
        }
        tags.push(Self::new(name));
        tags.len() - 1
    }

    /// `count` allocations of `bytes` together.
    pub(crate) fn add(&mut self, count: usize, bytes: usize) {
        self.count += count;
        self.bytes += bytes;
        self.live += bytes;
        self.peak = self.peak.max(self.live);
    }
}

/// Sets the level back to what it counted before.
struct Restore<'arena, S: ChunkSource>(&'arena Arena<S>, Mode);

impl<S: ChunkSource> Drop for Restore<'_, S> {
    fn drop(&mut self) {
        self.0.set_mode(self.1);
    }
}

impl<S: ChunkSource> Arena<S> {
    /// Runs `run`, and counts what is allocated meanwhile here, and in frames that are opened here,
    /// under `tag`.
    ///
    /// The innermost tag counts. What is allocated lives on as usual. Costs a look through the
    /// tags by name, and on each allocation inside a call; outside of it, nothing. The books are on
    /// the heap, and grow when a tag is new.
    ///
    /// ```
    /// let mut arena = bywash_arena::Arena::new();
    /// let bodies = arena.with_tag("physics", |arena| arena.alloc_slice_fill(10, 0.0f64));
    /// bodies[0] = 1.0;
    /// assert_eq!(arena.tag_use("physics").unwrap().live, 80);
    /// arena.reset();
    /// let physics = arena.tag_use("physics").unwrap();
    /// assert_eq!((physics.count, physics.bytes, physics.live, physics.peak), (1, 80, 0, 80));
    /// ```
    pub fn with_tag<'arena, R>(
        &'arena self,
        tag: &'static str,
        run: impl FnOnce(&'arena Self) -> R,
    ) -> R {
        let mode = self.mode.get();
        let _restore = Restore(self, mode);
        self.set_mode(mode.with_tag(self.store().ledger().tag(tag)));
        run(self)
    }

    /// What was allocated under `tag`, if it was ever used.
    #[must_use]
    pub fn tag_use(&self, tag: &str) -> Option<TagUse> {
        self.tags().find(|used| used.name == tag)
    }

    /// What was allocated under each tag, in the order of their first use.
    pub fn tags(&self) -> impl Iterator<Item = TagUse> {
        self.enter_all();
        let ledger = self.store().opened_ledger();
        (0..).map_while(move |place| ledger?.tag_at(place))
    }
}
