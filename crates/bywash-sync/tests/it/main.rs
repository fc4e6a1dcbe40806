//! The parker and the futex on real threads.
#![cfg(not(any(bywash_loom, bywash_shuttle)))]

mod parker;
