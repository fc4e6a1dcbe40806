//! What is asked of the heap, on the other deque: bywash's own tests.

extern crate bywash_on_chase_lev as bywash;

#[path = "../../../../crates/bywash/tests/heap/main.rs"]
mod heap;
