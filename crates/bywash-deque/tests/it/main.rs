//! What the deques promise, one file a deque.
#![cfg(not(any(bywash_loom, bywash_shuttle)))]

mod chase_lev;
mod registry;
mod split;
#[cfg(feature = "stats")]
mod stats;
