//! Lock-free work stealing: the growable Chase-Lev deque, and a private stack with a public ring.

#![deny(unsafe_code)]

#[expect(
    unsafe_code,
    reason = "a plain-memory stack that one owner uses, and items as raw pointers"
)]
pub mod split;
