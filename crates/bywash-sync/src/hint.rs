//! Hints to the processor; under a model checker a spinning thread gives way instead.

#[cfg(bywash_loom)]
pub use loom::hint::spin_loop;

#[cfg(bywash_shuttle)]
pub use shuttle::hint::spin_loop;

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
pub use std::hint::spin_loop;
