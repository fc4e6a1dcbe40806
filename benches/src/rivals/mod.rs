//! How each rival is entered with a given number of threads; the rows hold what it then does.
//!
//! Every pool is built for one sample and gone after it, so that no pool that spins or ticks
//! while idle stands beside another's measurement. `workers` always means threads taking part:
//! where the calling thread works too, one thread fewer is started.

pub(crate) mod bevy;
pub(crate) mod chili;
pub(crate) mod fork_union;
pub(crate) mod forte;
#[expect(unsafe_code, reason = "gives general heaps the allocator trait")]
pub(crate) mod heaps;
pub(crate) mod paralight;
pub(crate) mod rayon;
pub(crate) mod std_threads;
