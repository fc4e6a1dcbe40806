#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "affinity masks of any width need the C library's raw calls"
)]
mod affinity;
mod berth;
mod bind;
mod cgroup;
mod count;
mod detect;
mod distance;
#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "memory straight from the global allocator")]
mod elsewhere;
mod error;
#[cfg(windows)]
#[expect(
    unsafe_code,
    reason = "processor groups are reached by raw system calls"
)]
mod groups;
#[cfg(feature = "hwloc")]
mod hwloc;
mod kinds;
mod level;
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "mapping memory and choosing its node are raw system calls"
)]
mod mapping;
#[expect(
    unsafe_code,
    reason = "a range of raw memory is sent, shared and taken back by promise"
)]
mod memory;
mod model;
mod order;
mod parts;
mod pinning;
mod placement;
mod plan;
mod pu_set;
pub mod spillover;
mod synthetic;
mod sysfs;
mod tiers;
mod tree;
#[cfg(not(target_os = "linux"))]
mod unmoved;
#[cfg(not(any(target_os = "linux", windows)))]
mod unpinned;
mod victims;
#[cfg(feature = "hwloc")]
mod xml;

pub use berth::Berth;
pub use bind::{Binding, bind_current_thread, unbind_current_thread};
pub use count::{Limit, WorkerCount, default_workers};
pub use error::Error;
pub use level::Level;
pub use memory::{MemoryBinding, NodeMemory, PageReport};
pub use model::{
    Backend, Core, CoreKind, Counts, LlcGroup, NodeId, NumaNode, Package, Pu, PuId, Topology,
};
pub use pinning::{Pinned, Pinning};
pub use placement::{Placement, Strategy};
pub use plan::{Beyond, Plan, Worker};
pub use pu_set::PuSet;
pub use synthetic::{MachineBuilder, OsNumbering};
pub use tiers::Tier;
pub use victims::Victim;
