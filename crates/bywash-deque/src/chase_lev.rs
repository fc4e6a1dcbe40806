//! The deque of Chase and Lev: one owner at the bottom, any number of thieves at the top.
//!
//! Every item is visible to thieves as soon as it is pushed. The owner takes the newest item
//! (LIFO) or the oldest (FIFO); thieves always take the oldest, one at a time or in batches. The
//! buffer doubles when full, up to a maximum if one was set, halves when a pop finds it at most a
//! quarter full, and replaced buffers are freed through `crossbeam-epoch`.
//!
//! The indices `top` and `bottom` have 64 bits and `top` never decreases, so no compare-and-swap
//! succeeds on a value that came round again.
//!
//! ```text
//!              top                    bottom
//!               ▼                       ▼
//!    ┄┄┄┬──────┬──────┬──────┬──────┬┄┄┄┄┄┄
//!       │ gone │ item │ item │ item │        thieves ▶ move top by compare-and-swap
//!    ┄┄┄┴──────┴──────┴──────┴──────┴┄┄┄┄┄┄  owner   ▶ writes bottom, and slots
//! ```
//!
//! From *Dynamic Circular Work-Stealing Deque* (Chase and Lev, SPAA 2005), with the orderings of
//! *Correct and Efficient Work-Stealing for Weak Memory Models* (Lê, Pop, Cohen and Zappa Nardelli,
//! PPoPP 2013) as the start, and these differences:
//!
//! * A push reads `top` only when the buffer seems full. An owner that takes from the top (FIFO, or
//!   the last item) adds to `top`, which cannot fail. If thieves took the rest, it leaves out the
//!   index that it claimed beyond the end.
//! * Thieves look whether there is anything before they pin an epoch, which is a full barrier.
//! * Thieves have no fence of their own: two loads and a compare-and-swap in the total order of
//!   `SeqCst` do its work, and cost nothing more on x86 (`docs/orderings.md`).

#[expect(unsafe_code, reason = "items come back from raw pointers, once each")]
mod batch;
mod buffer;
mod options;
mod outcome;
#[expect(unsafe_code, reason = "the shared buffer is reached by a raw pointer")]
mod shared;
#[expect(unsafe_code, reason = "items come back from raw pointers, once each")]
mod stealer;
#[expect(unsafe_code, reason = "items come back from raw pointers, once each")]
mod worker;

#[doc(hidden)]
pub use buffer::Buffer;
pub use options::{Flavor, Options};
pub use outcome::{Full, Steal};
pub use stealer::Stealer;
pub use worker::Worker;
