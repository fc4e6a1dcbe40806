//! A hash map in a frame: hashbrown over the arena's allocator.

use core::hash::Hash;

use hashbrown::{DefaultHashBuilder, HashMap};

use crate::arena::Arena;
use crate::chunk::{ChunkSource, HeapChunks};

/// A [`hashbrown::HashMap`] whose table lies in an arena. It drops its entries.
///
/// A map that grows leaves its old table to the frame's end: give it its capacity where you can.
pub type FrameMap<'arena, K, V, S = HeapChunks> =
    HashMap<K, V, DefaultHashBuilder, &'arena Arena<S>>;

impl<S: ChunkSource> Arena<S> {
    /// An empty map; allocates at the first insertion.
    #[must_use]
    pub fn frame_map<K: Eq + Hash, V>(&self) -> FrameMap<'_, K, V, S> {
        HashMap::new_in(self)
    }

    /// An empty map with room for `capacity` entries.
    ///
    /// ```
    /// let arena = bywash_arena::Arena::new();
    /// let mut levels = arena.frame_map_with_capacity(2);
    /// levels.insert("upper", 3.5);
    /// assert_eq!(levels["upper"], 3.5);
    /// ```
    ///
    /// # Panics
    /// When the arena can get no more memory, or a budget forbids it.
    #[must_use]
    pub fn frame_map_with_capacity<K: Eq + Hash, V>(
        &self,
        capacity: usize,
    ) -> FrameMap<'_, K, V, S> {
        HashMap::with_capacity_in(capacity, self)
    }

    /// Like [`frame_map_with_capacity`](Self::frame_map_with_capacity).
    ///
    /// # Errors
    /// The reason that hashbrown gives when the arena can get no more memory, or a budget forbids
    /// it.
    pub fn try_frame_map_with_capacity<K: Eq + Hash, V>(
        &self,
        capacity: usize,
    ) -> Result<FrameMap<'_, K, V, S>, hashbrown::TryReserveError> {
        let mut map = self.frame_map();
        map.try_reserve(capacity)?;
        Ok(map)
    }
}
