//! Loops and reductions: one descriptor, a slice of the range for each worker, no allocation.

#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod blocks;
#[expect(unsafe_code, reason = "fills a vector's spare room")]
mod collect;
mod costs;
#[expect(unsafe_code, reason = "a loop's body lies on its caller's stack")]
mod crew;
#[expect(unsafe_code, reason = "slices written where the descriptor lies")]
mod field;
mod first;
mod grid;
mod hints;
#[expect(unsafe_code, reason = "hands out disjoint parts of exclusive slices")]
mod in_step;
#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod latch;
/// The parts that the model checker drives by themselves.
#[cfg(any(bywash_loom, bywash_shuttle))]
#[expect(unsafe_code, reason = "gives slices a place outside a frame")]
pub(crate) mod model;
mod pace;
#[expect(
    unsafe_code,
    reason = "one place for each block, written by its runner"
)]
mod partials;
#[expect(unsafe_code, reason = "each worker touches its own value alone")]
mod per_worker;
mod places;
mod range;
mod reduce;
#[expect(unsafe_code, reason = "lends a body's address to the loop's workers")]
mod run;
mod scan;
mod search;
mod slice;
#[expect(unsafe_code, reason = "hands each part of the slices to one body")]
mod slices;
mod sort;
mod system;
#[expect(unsafe_code, reason = "hands out disjoint parts of a matrix")]
mod tiles;
mod tries;

pub(crate) use costs::LoopCosts;
pub use hints::{Granularity, LoopHints, Partitioner};
pub use in_step::InStep;
pub(crate) use latch::LoopLatch;
pub use per_worker::PerWorker;
pub(crate) use places::Places;
pub use tiles::Tile;
