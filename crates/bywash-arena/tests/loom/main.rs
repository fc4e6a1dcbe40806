//! The pool's way home under loom, on the types that ship; `mutants.tsv` lists what must turn it red.
#![cfg(all(bywash_loom, feature = "pool"))]

mod heap;
mod inbox;
