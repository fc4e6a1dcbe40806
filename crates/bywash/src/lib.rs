#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "closures written into frame memory")]
mod batch;
#[expect(
    unsafe_code,
    reason = "a letter borrows from the caller, who waits for it"
)]
mod broadcast;
mod builder;
#[expect(
    unsafe_code,
    reason = "pages of a node, or the heap, as an arena's chunks"
)]
mod chunks;
#[expect(
    unsafe_code,
    reason = "names the frame's lifetime where a job's type was erased"
)]
mod context;
#[expect(unsafe_code, reason = "counters lie in frame memory")]
mod counter;
mod critical;
#[expect(unsafe_code, reason = "a thread-local list of stack frames")]
mod current;
#[expect(unsafe_code, reason = "the owner's view is handed out on a promise")]
mod deque;
mod env;
mod error;
#[expect(unsafe_code, reason = "opens a frame's lifetime")]
mod frame;
mod global;
#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod idle;
#[expect(unsafe_code, reason = "closures written into the inbox's blocks")]
mod inbox;
#[expect(unsafe_code, reason = "type-erased jobs")]
mod job;
mod jobs;
#[expect(unsafe_code, reason = "the second closure of a join lies on the stack")]
mod join;
mod lanes;
#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
#[expect(
    unsafe_code,
    reason = "a job's home is a pointer until the job is finished"
)]
mod latch;
mod loops;
#[expect(unsafe_code, reason = "free lists through the blocks themselves")]
mod memory;
mod patience;
mod payload;
#[expect(unsafe_code, reason = "an instruction that has no safe name")]
mod prefetch;
#[expect(
    unsafe_code,
    reason = "records outlive their frames and are looked at late"
)]
mod record;
mod rings;
#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod roll;
#[expect(
    unsafe_code,
    reason = "a seat is taken on behalf of the calling thread"
)]
mod seating;
mod session;
#[expect(unsafe_code, reason = "one worker's part of a frame")]
mod share;
#[expect(unsafe_code, reason = "closures written into frame memory")]
mod spawn;
mod spill;
#[expect(unsafe_code, reason = "a place in the source, kept as a pointer")]
mod stall;
mod stats;
#[cfg_attr(
    not(any(bywash_loom, bywash_shuttle)),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
#[expect(unsafe_code, reason = "follows the links of continuations")]
mod sums;
#[expect(unsafe_code, reason = "tells its seats where it is")]
mod system;
#[expect(unsafe_code, reason = "closure and result of a job share one place")]
mod task;
#[expect(unsafe_code, reason = "a thread takes the seat that a token gives it")]
mod thread;
mod trace;
#[expect(unsafe_code, reason = "runs jobs and hauls")]
mod wait;
#[expect(
    unsafe_code,
    reason = "labels are records, which live as long as the system"
)]
mod wake;
#[expect(unsafe_code, reason = "the occupant's private part of a seat")]
mod worker;

/// The parts that the model checker drives by themselves.
#[cfg(any(bywash_loom, bywash_shuttle))]
#[doc(hidden)]
#[expect(unsafe_code, reason = "gives blocks to scenarios and takes them back")]
pub mod model;

pub use builder::{Builder, MOST_WORKERS};
pub use chunks::Chunks;
pub use context::Context;
pub use counter::Counter;
pub use critical::LatencyGuard;
pub use error::BuildError;
pub use frame::Frame;
pub use global::{
    frame, global, join, parallel_for, parallel_for_auto, parallel_for_chunks, parallel_reduce,
    scope, spawn_detached, try_global,
};
pub use jobs::JobSystem;
pub use lanes::Priority;
pub use loops::{Granularity, InStep, LoopHints, Partitioner, PerWorker, Tile};
pub use patience::WaitPolicy;
pub use stall::{Doing, StallWatch, WorkerReport};
pub use stats::{SystemStats, WorkerStats};
pub use task::JobHandle;

#[doc(no_inline)]
pub use bywash_topology as topology;
pub use bywash_topology::Placement;
