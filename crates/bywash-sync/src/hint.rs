//! Hints to the processor.

pub use std::hint::spin_loop;
