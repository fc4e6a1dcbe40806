//! Loops and reductions: one descriptor, a slice of the range for each worker, no allocation.

mod blocks;
#[expect(unsafe_code, reason = "fills a vector's spare room")]
mod collect;
mod costs;
#[expect(unsafe_code, reason = "a loop's body lies on its caller's stack")]
mod crew;
mod hints;
mod pace;
#[expect(
    unsafe_code,
    reason = "one place for each block, written by its runner"
)]
mod partials;
#[expect(unsafe_code, reason = "each worker touches its own value alone")]
mod per_worker;
mod range;
mod reduce;
#[expect(unsafe_code, reason = "lends a body's address to the loop's workers")]
mod run;
mod scan;
mod search;
mod slice;
#[expect(unsafe_code, reason = "hands out disjoint parts of exclusive slices")]
mod slices;
mod sort;
mod system;
#[expect(unsafe_code, reason = "hands out disjoint parts of a matrix")]
mod tiles;

pub(crate) use costs::LoopCosts;
pub use hints::{Granularity, LoopHints, Partitioner};
pub use per_worker::PerWorker;
pub use slices::InStep;
pub use tiles::Tile;
