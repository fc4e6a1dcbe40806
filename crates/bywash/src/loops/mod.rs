//! Loops and reductions: one descriptor, a slice of the range for each worker, no allocation.

mod blocks;
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
mod range;
mod reduce;
#[expect(unsafe_code, reason = "lends a body's address to the loop's workers")]
mod run;
mod search;
mod slice;
#[expect(unsafe_code, reason = "hands out disjoint parts of exclusive slices")]
mod slices;
mod system;

pub(crate) use costs::LoopCosts;
pub use hints::{Granularity, LoopHints, Partitioner};
pub use slices::InStep;
