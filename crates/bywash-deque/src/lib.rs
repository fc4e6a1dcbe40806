//! Lock-free work stealing: the growable Chase-Lev deque, and a private stack with a public ring.
//!
//! | module | what it is | the owner pays | thieves see |
//! |---|---|---|---|
//! | [`chase_lev`] | the deque of Chase and Lev: grows, shrinks, LIFO or FIFO | a fence or a compare-and-swap a pop | every item, as soon as it is pushed |
//! | [`split`] | the scheduler's: a private stack, a public ring of 256 | two stores and a compare a push | what the owner made public |
//! | [`registry`] | who can be stolen from, while workers come and go | a lock, to join and to leave | a list, read without a lock |
//!
//! Items are pointers: anything that is an [`Item`] (`Box`, `Arc`, `NonNull`, `&'static`).
//!
//! ```
//! use bywash_deque::chase_lev::{Steal, Worker};
//!
//! let worker = Worker::lifo();
//! let thief = worker.stealer();
//! for number in 1..=3 {
//!     worker.push(Box::new(number)).expect("no maximum was set");
//! }
//! assert_eq!(worker.pop(), Some(Box::new(3)));           // the owner: newest first
//! assert_eq!(thief.steal(), Steal::Taken(Box::new(1)));  // a thief: oldest first
//! ```

#![deny(unsafe_code)]

pub mod chase_lev;
mod error;
#[expect(unsafe_code, reason = "items travel as raw pointers")]
mod item;
#[expect(unsafe_code, reason = "frees what no thief can reach any more")]
#[doc(hidden)]
pub mod reclaim;
#[expect(unsafe_code, reason = "lists are read and retired by raw pointer")]
pub mod registry;
#[expect(
    unsafe_code,
    reason = "a plain-memory stack that one owner uses, and items as raw pointers"
)]
pub mod split;
mod stats;

pub use error::Error;
pub use item::Item;
#[cfg(feature = "stats")]
pub use stats::Stats;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
