//! The shim, the futex and the parker under loom; `mutants.tsv` lists what must turn these red.
#![cfg(bywash_loom)]

mod decoy;
mod futex;
mod parker;
