//! What an arena promises, one sentence a test.

mod forms;
mod frames;
mod limits;
mod memory;
mod model;
#[cfg(feature = "pool")]
mod pages;
#[cfg(feature = "pool")]
mod pools;
mod tags;
#[cfg(feature = "std")]
mod threads;
mod tiers;
