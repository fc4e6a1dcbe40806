//! How many workers a program starts when nobody says: the least of what limits them.

use crate::error::Error;
use crate::model::Topology;
use crate::placement::Placement;

/// What kept a default worker count from being higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The placement has no more PUs on this machine.
    Placement,
    /// The process's affinity mask leaves the placement fewer PUs than the machine has.
    Affinity,
    /// The cgroup's CPU quota, rounded down to whole CPUs.
    CpuQuota,
    /// The limit on the user's processes and threads (`RLIMIT_NPROC`).
    ProcessLimit,
}

/// A default number of workers, at least 1, and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerCount {
    /// The number.
    pub count: usize,
    /// What kept it from being higher.
    pub limited_by: Limit,
}

/// How many workers to start when the program does not say: the least of what the placement
/// has, the affinity mask leaves, the cgroup's CPU quota feeds, and `RLIMIT_NPROC` lets start.
///
/// It is a default only: an explicit count is the program's own business. `RLIMIT_NPROC` is
/// looked up (one system call) when `topology` describes this machine, and taken as it
/// stands, though the system counts the user's other threads against it too. Allocates.
///
/// # Errors
/// [`Error::NoSuchNode`] when `numa-local:N` names a node without usable PUs.
pub fn default_workers(topology: &Topology, placement: &Placement) -> Result<WorkerCount, Error> {
    let usable = placement.capacity(topology)?;
    let offered = placement.capacity(&topology.unrestricted())?;
    let mut least = WorkerCount {
        count: usable,
        limited_by: if usable < offered {
            Limit::Affinity
        } else {
            Limit::Placement
        },
    };
    let quota = topology.cpu_quota().map(|cpus| cpus as usize);
    lower(&mut least, quota, Limit::CpuQuota);
    if topology.is_this_system() {
        lower(&mut least, process_limit(), Limit::ProcessLimit);
    }
    Ok(least)
}

fn lower(least: &mut WorkerCount, bound: Option<usize>, reason: Limit) {
    // Half a CPU still feeds one worker.
    match bound.map(|bound| bound.max(1)) {
        Some(count) if count < least.count => {
            *least = WorkerCount {
                count,
                limited_by: reason,
            };
        }
        _ => {}
    }
}

#[cfg(target_os = "linux")]
fn process_limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nproc);
    usize::try_from(limit.current?).ok()
}

#[cfg(not(target_os = "linux"))]
fn process_limit() -> Option<usize> {
    None
}
