//! Drivers for scenarios: loom's exhaustive search, and shuttle's random schedules.

#[cfg(bywash_loom)]
mod exhaustive;
#[cfg(bywash_shuttle)]
mod random;

#[cfg(bywash_loom)]
pub use exhaustive::{BOUND, NEVER_REACHED, model};
#[cfg(bywash_shuttle)]
pub use random::{SCHEDULES, random};
