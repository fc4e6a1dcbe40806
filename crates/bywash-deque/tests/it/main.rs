//! What the deques and the registry promise.
#![cfg(not(any(bywash_loom, bywash_shuttle)))]

mod chase_lev;
mod memory;
mod numbers;
mod registry;
mod split;
#[cfg(feature = "stats")]
mod stats;
mod thieves;
