//! The scheduler's protocols under loom, each alone, on the types that ship; `mutants.tsv` lists what
//! must turn them red.
#![cfg(bywash_loom)]

mod books;
mod idle;
mod latch;
mod loops;
mod memory;
mod sums;
