//! Loops and reductions: one descriptor, a slice of the range for each worker, no allocation.

mod blocks;
mod costs;
#[expect(unsafe_code, reason = "a loop's body lies on its caller's stack")]
mod crew;
mod pace;
#[expect(
    unsafe_code,
    reason = "one place for each block, written by its runner"
)]
mod partials;
#[expect(unsafe_code, reason = "lends a body's address to the loop's workers")]
mod range;
mod reduce;
mod slice;

pub(crate) use costs::LoopCosts;
pub use pace::Partitioner;
