//! The one place that knows which world the atomics live in: the real one, loom's or shuttle's.
//!
//! Every other crate of the workspace imports its atomics, cells, locks, threads and futexes from
//! here, so that the code a model checker drives is the code that ships. Which world a build is
//! for is decided by a private cfg, never by a feature:
//!
//! | build | atomics, threads, locks | [`futex`] |
//! |---|---|---|
//! | plain | re-exports of `std` | `atomic-wait` |
//! | `--cfg bywash_loom` | loom's, each with a decoy (see [`atomic`]) | modelled |
//! | `--cfg bywash_shuttle` | shuttle's | modelled |
//!
//! In a plain build everything here is a re-export, an inlined call or a constant: the layer costs
//! nothing.
//!
//! ```
//! use bywash_sync::atomic::{AtomicU32, Ordering};
//! use bywash_sync::{Parker, mutant, ordering};
//!
//! let word = AtomicU32::new(0);
//! // Release unless the model checker asks what happens when it is weaker.
//! word.store(1, ordering!(Release, "example.publish" => Relaxed));
//! assert!(!mutant("example.publish"), "no mutant exists outside a loom build");
//!
//! let parker = Parker::new();
//! parker.unpark();
//! parker.park(); // Returns at once: the token was there.
//! # assert_eq!(word.load(Ordering::Acquire), 1);
//! ```

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "an atomic word is read as a plain one")]
pub mod atomic;
pub mod cell;
pub mod futex;
pub mod hint;
#[cfg_attr(
    bywash_tsan,
    expect(unsafe_code, reason = "tells a sanitizer what it cannot see")
)]
pub mod lock;
#[cfg(any(bywash_loom, bywash_shuttle))]
pub mod model;
mod mutant;
mod parker;
pub mod shadow;
pub mod thread;
pub mod time;

pub use crossbeam_utils::CachePadded;
pub use mutant::mutant;
pub use parker::Parker;
