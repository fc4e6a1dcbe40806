//! The running machine, by the best source there is, and a flat machine when all fail.

use crate::error::Error;
use crate::model::Topology;
use crate::pu_set::PuSet;

impl Topology {
    /// Describes the running machine: through libhwloc with feature `hwloc`, else through
    /// sysfs on Linux, which also stands in when libhwloc fails; on other systems, and when
    /// every source fails, as a flat machine of the PUs that the calling thread may use.
    /// [`Topology::fallback_reason`] says why the first choice was not taken.
    ///
    /// What is usable is fixed at this moment: online, allowed by the cgroup, and in the
    /// calling thread's affinity (as it was before this crate pinned the thread). Reads some
    /// ten small files a PU, so it takes milliseconds on large machines; call it once.
    ///
    /// # Errors
    /// [`Error::NoUsablePu`] when even the flat machine would be empty.
    pub fn detect() -> Result<Topology, Error> {
        Topology::read_running().or_else(Topology::fall_back)
    }

    #[cfg(all(target_os = "linux", not(feature = "hwloc")))]
    fn read_running() -> Result<Topology, Error> {
        Topology::from_sysfs("/")
    }

    #[cfg(feature = "hwloc")]
    fn read_running() -> Result<Topology, Error> {
        Topology::from_hwloc().or_else(|reason| match Topology::from_sysfs("/") {
            Ok(mut topology) if topology.is_this_system() => {
                topology.fallback = Some(reason);
                Ok(topology)
            }
            _ => Err(reason),
        })
    }

    #[cfg(not(any(target_os = "linux", feature = "hwloc")))]
    fn read_running() -> Result<Topology, Error> {
        Err(Error::UnsupportedSystem)
    }

    fn fall_back(reason: Error) -> Result<Topology, Error> {
        let affinity = crate::bind::allowed_to_thread();
        // Only the affinity call names PUs; a bare count cannot be pinned to.
        let names_pus = affinity.is_some();
        let pus = affinity.unwrap_or_else(|| {
            let count = std::thread::available_parallelism();
            PuSet::first(count.map_or(1, usize::from))
        });
        if pus.is_empty() {
            return Err(reason);
        }
        let mut topology = Topology::flat_from(&pus, names_pus);
        topology.fallback = Some(reason);
        topology.cpu_quota = crate::cgroup::cpu_quota("/".as_ref());
        Ok(topology)
    }
}
