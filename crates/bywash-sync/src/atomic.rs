//! The atomic types, in the world the build was made for.
//!
//! A plain build re-exports `std`. Under loom each atomic carries a *decoy*: a second atomic that
//! every operation first stores to. Loom 0.7 remembers one last access per object, and so skips
//! interleavings in which a thread reads an atomic before writing it (a steal: load `top`, then
//! compare-and-swap `top`; tokio-rs/loom #166 and #392). The store to the decoy makes any two
//! accesses of one atomic dependent, and those interleavings are explored again.
//!
//! The loom types offer what std's do, less `get_mut` and `as_ptr` (loom has `with_mut`), and
//! `new` is not `const` there. Code under a model therefore builds its atomics at run time.

#[cfg(bywash_loom)]
mod decoy;

#[cfg(bywash_loom)]
pub use decoy::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

#[cfg(bywash_loom)]
pub use loom::sync::atomic::fence;

#[cfg(bywash_shuttle)]
pub use shuttle::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};

#[cfg(not(any(bywash_loom, bywash_shuttle)))]
pub use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};

pub use std::sync::atomic::{Ordering, compiler_fence};

/// A `SeqCst` load that a model checker can judge.
///
/// Loom takes a `SeqCst` load for an `Acquire` one, and would report what its place in the total
/// order forbids. There this is a `SeqCst` fence before the load: use it only where the argument
/// for the load is written down (`docs/orderings.md`), since the fence is the stronger of the two.
#[inline(always)]
pub fn load_in_total_order(word: &AtomicU64) -> u64 {
    #[cfg(bywash_loom)]
    fence(Ordering::SeqCst);
    word.load(Ordering::SeqCst)
}

/// A plain load: the compiler may fold it into a compare, as it does not with an atomic one.
///
/// # Safety
/// Every store to `word` happens before the load, or after it.
#[inline(always)]
pub unsafe fn load_unshared<T>(word: &AtomicPtr<T>) -> *mut T {
    #[cfg(any(bywash_loom, bywash_shuttle))]
    return word.load(Ordering::Relaxed);
    #[cfg(not(any(bywash_loom, bywash_shuttle)))]
    // SAFETY: a word of an atomic is readable, and nobody writes it meanwhile, as the caller says.
    return unsafe { word.as_ptr().read() };
}
