//! Frame, pool and batch allocation per thread: a bump pointer with lifetimes that make misuse a
//! compile error.
//!
#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[expect(
    unsafe_code,
    reason = "hands out memory that is borrowed from the arena"
)]
mod allocator;
#[expect(unsafe_code, reason = "moves the bump pointer inside its range")]
mod arena;
#[expect(unsafe_code, reason = "turns fresh memory into slices")]
mod batch;
#[expect(
    unsafe_code,
    reason = "owns a value behind a raw pointer, as a box does"
)]
mod boxed;
mod budget;
#[expect(
    unsafe_code,
    reason = "writes and reads the header at the start of a chunk"
)]
mod chunk;
mod count;
mod error;
mod frame;
mod ledger;
#[cfg(feature = "map")]
mod map;
#[cfg(feature = "perf")]
#[cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "opens a kernel counter")
)]
mod perf;
#[expect(unsafe_code, reason = "tells the sanitizer which bytes are free")]
mod poison;
#[cfg(feature = "pool")]
#[expect(
    unsafe_code,
    reason = "cuts pages into blocks that any thread may free"
)]
pub mod pool;
#[expect(unsafe_code, reason = "moves the bump pointer into another chunk")]
mod refill;
#[expect(unsafe_code, reason = "turns fresh memory into slices")]
mod slice;
#[cfg(feature = "stats")]
mod stats;
#[expect(
    unsafe_code,
    reason = "acquires chunks from their source, and releases them"
)]
mod store;
mod tag;
#[cfg(feature = "std")]
#[expect(unsafe_code, reason = "reaches a thread's slots through its list")]
mod thread;
#[expect(unsafe_code, reason = "lends a caller's buffers as chunks")]
mod tiers;
#[expect(unsafe_code, reason = "turns fresh memory into values")]
mod value;
#[expect(
    unsafe_code,
    reason = "writes an item past the length, as `Vec::push` does"
)]
mod vec;

pub use arena::{Arena, GRAIN};
pub use batch::CACHE_LINE;
pub use boxed::FrameBox;
pub use budget::{Budget, Overrun};
pub use chunk::{ChunkSource, HeapChunks, NoChunk};
pub use error::ArenaError;
pub use frame::{Frame, Nested};
#[cfg(feature = "map")]
pub use map::FrameMap;
#[cfg(feature = "perf")]
pub use perf::{CacheMisses, MissRate, PerfUnavailable};
pub use poison::FREED;
#[cfg(feature = "pool")]
pub use pool::{ClassPool, HeapBox, Leaks, Pool, PoolBox, PoolUse};
#[cfg(feature = "stats")]
pub use stats::{FrameStats, History};
pub use tag::TagUse;
#[cfg(feature = "std")]
pub use thread::{THREAD_ARENA_BYTES, ThreadArena, ThreadArenas};
pub use tiers::{Exhausted, Tiers};
pub use vec::FrameVec;
