//! What the job system promises, on the other deque: bywash's own tests.

extern crate bywash_on_chase_lev as bywash;

#[path = "../../../../crates/bywash/tests/it/main.rs"]
mod it;
