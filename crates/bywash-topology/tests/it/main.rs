//! The crate's integration tests, one module a subject.

mod expectations;
#[cfg(feature = "hwloc")]
mod hwloc_machines;
mod machines;
mod memory;
mod properties;
mod running_machine;
mod spillover;
mod sysfs_machines;
mod sysfs_tree;
mod tiers;
mod victims;
mod worker_count;
