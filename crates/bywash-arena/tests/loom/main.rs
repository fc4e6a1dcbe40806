//! The pool's way home under loom, on the types that ship; `mutants.tsv` lists what must turn it red.
#![cfg(bywash_loom)]

mod heap;
mod inbox;
