//! How each rival is entered with a given number of threads; the rows hold what it then does.
//!
//! Every pool is built for one sample and gone after it, so that no pool that spins or ticks
//! while idle stands beside another's measurement. `workers` always means threads taking part:
//! where the calling thread works too, one thread fewer is started.

pub mod bevy;
pub mod chili;
pub mod fork_union;
pub mod forte;
#[expect(unsafe_code, reason = "gives general heaps the allocator trait")]
pub mod heaps;
pub mod paralight;
pub mod rayon;
pub mod std_threads;
