//! Both deques under loom, on the types that ship; `mutants.tsv` lists what must turn these red.
#![cfg(bywash_loom)]

mod board;
mod chase_lev;
mod registry;
mod split;
