//! The machine as plain data: packages, NUMA nodes, LLC groups, cores, PUs, and what may be used.

use crate::distance::Distances;
use crate::error::Error;
use crate::pu_set::PuSet;

/// A processing unit (hardware thread) by the operating system's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PuId(pub u32);

/// A NUMA node by the operating system's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Where a [`Topology`] was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The running machine or a folder tree, through Linux's sysfs.
    Sysfs,
    /// The running machine through libhwloc.
    Hwloc,
    /// An hwloc XML file.
    HwlocXml,
    /// A synthetic description, through libhwloc.
    HwlocSynthetic,
    /// A description built in code ([`Topology::builder`]).
    Built,
    /// No knowledge: n PUs that share everything ([`Topology::flat`]).
    Flat,
}

/// One processing unit. Indices refer to the lists of the [`Topology`] it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pu {
    /// The operating system's index, which pinning uses.
    pub id: PuId,
    /// Its core, an index into [`Topology::cores`].
    pub core: usize,
    /// Its rank among the usable PUs of its core: 0 for the first, then its SMT siblings.
    /// A PU that is not usable ranks behind those that are.
    pub smt_rank: usize,
    /// Its L2 cluster, an index that PUs behind one L2 cache share.
    pub l2: Option<usize>,
    /// Its LLC group, an index into [`Topology::llcs`].
    pub llc: usize,
    /// Its NUMA node, an index into [`Topology::nodes`].
    pub node: Option<usize>,
    /// Its package, an index into [`Topology::packages`].
    pub package: Option<usize>,
    /// Its kind of core, an index into [`Topology::kinds`]; higher is faster.
    pub kind: Option<usize>,
    /// Whether this process may run on it.
    pub is_usable: bool,
}

/// A physical core.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Core {
    /// Its PUs, as positions in [`Topology::pus`].
    pub pus: Vec<usize>,
}

/// PUs that share their outermost cache (a CCX on an AMD machine); PUs without any cache
/// are grouped by NUMA node and package.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LlcGroup {
    /// Its PUs, as positions in [`Topology::pus`].
    pub pus: Vec<usize>,
    /// Whether a cache is shared, or the group only stands in for one.
    pub has_cache: bool,
    /// Its cores of which at least one PU is usable.
    pub usable_cores: usize,
}

/// A NUMA node: memory, and the PUs that are local to it, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NumaNode {
    /// The operating system's index.
    pub id: NodeId,
    /// Its memory in bytes; 0 for a node without memory or of unknown size.
    pub memory: u64,
    /// Its PUs, as positions in [`Topology::pus`]; empty for a node without CPUs.
    pub pus: Vec<usize>,
}

/// A package (socket). It may be empty, when none of its PUs may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Package {
    /// The operating system's index.
    pub os_index: u32,
    /// Its PUs, as positions in [`Topology::pus`].
    pub pus: Vec<usize>,
}

/// A kind of core (performance, efficiency, …). Kinds are listed slowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoreKind {
    /// What the platform says about it, such as `CoreType=IntelCore` or `FrequencyMaxMHz=5000`.
    pub description: String,
}

/// How many of each there are, empty ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Packages.
    pub packages: usize,
    /// NUMA nodes.
    pub numa_nodes: usize,
    /// L3 caches.
    pub l3_groups: usize,
    /// Cores.
    pub cores: usize,
    /// PUs.
    pub pus: usize,
    /// The most PUs on one core.
    pub max_smt: usize,
    /// Kinds of core; 0 when the platform does not say.
    pub cpu_kinds: usize,
}

/// A machine: its parts in logical order (neighbours in the list are neighbours in hardware),
/// and what of it this process may use.
///
/// It lists the PUs that are online and that the cgroup allows; of these, the PUs of the
/// process's affinity mask are *usable*. Everything here is a plain value: reading it never
/// asks the system again, and cloning it copies its lists.
#[derive(Clone, Debug)]
pub struct Topology {
    pub(crate) backend: Backend,
    pub(crate) pus: Vec<Pu>,
    pub(crate) cores: Vec<Core>,
    pub(crate) llcs: Vec<LlcGroup>,
    pub(crate) nodes: Vec<NumaNode>,
    pub(crate) packages: Vec<Package>,
    pub(crate) kinds: Vec<CoreKind>,
    pub(crate) distances: Distances,
    pub(crate) l3_caches: usize,
    pub(crate) present: PuSet,
    pub(crate) online: PuSet,
    pub(crate) affinity: Option<PuSet>,
    pub(crate) cpu_quota: Option<f64>,
    pub(crate) is_this_system: bool,
    pub(crate) fallback: Option<Error>,
    /// OS index of a PU to its position in `pus`; `u32::MAX` where there is none.
    pub(crate) positions: Vec<u32>,
}

impl Topology {
    /// Where this description is from.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether this describes the running machine, so that pinning to its PUs means something.
    pub fn is_this_system(&self) -> bool {
        self.is_this_system
    }

    /// Why detection fell back to another source or a flat machine, where it did.
    pub fn fallback_reason(&self) -> Option<&Error> {
        self.fallback.as_ref()
    }

    /// The PUs that are online and allowed by the cgroup, in logical order.
    pub fn pus(&self) -> &[Pu] {
        &self.pus
    }

    /// The cores, in logical order.
    pub fn cores(&self) -> &[Core] {
        &self.cores
    }

    /// The LLC groups that have PUs, in logical order.
    pub fn llcs(&self) -> &[LlcGroup] {
        &self.llcs
    }

    /// The NUMA nodes, those without CPUs included.
    pub fn nodes(&self) -> &[NumaNode] {
        &self.nodes
    }

    /// The packages, empty ones included.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The kinds of core, slowest first; empty when the platform does not say.
    pub fn kinds(&self) -> &[CoreKind] {
        &self.kinds
    }

    /// The PU with this OS index, if it is listed. Constant time.
    pub fn pu(&self, id: PuId) -> Option<&Pu> {
        let position = *self.positions.get(id.0 as usize)?;
        self.pus.get(position as usize)
    }

    /// How many of each part there are.
    pub fn counts(&self) -> Counts {
        Counts {
            packages: self.packages.len(),
            numa_nodes: self.nodes.len(),
            l3_groups: self.l3_caches,
            cores: self.cores.len(),
            pus: self.pus.len(),
            max_smt: self.cores.iter().map(|c| c.pus.len()).max().unwrap_or(0),
            cpu_kinds: self.kinds.len(),
        }
    }

    /// Every PU the machine has, offline and forbidden ones too, as far as the source knows.
    pub fn present(&self) -> &PuSet {
        &self.present
    }

    /// The PUs that run, those that the cgroup forbids included. Where the source does not say
    /// (libhwloc and its files do not), the [`allowed`](Topology::allowed) ones.
    pub fn online(&self) -> &PuSet {
        &self.online
    }

    /// The PUs that are online and allowed by the cgroup: those of [`Topology::pus`]. Allocates.
    pub fn allowed(&self) -> PuSet {
        self.pus.iter().map(|pu| pu.id).collect()
    }

    /// The PUs this process may run on: [`allowed`](Topology::allowed) within its affinity. Allocates.
    pub fn usable(&self) -> PuSet {
        let usable = self.pus.iter().filter(|pu| pu.is_usable);
        usable.map(|pu| pu.id).collect()
    }

    /// How many PUs this process may run on.
    pub fn usable_count(&self) -> usize {
        self.pus.iter().filter(|pu| pu.is_usable).count()
    }

    /// The CPUs' worth of time that the cgroup grants this process, as it stood when the
    /// machine was read; `None` without a quota.
    pub fn cpu_quota(&self) -> Option<f64> {
        self.cpu_quota
    }

    /// The firmware's relative memory distance (ACPI SLIT: 10 is local) between two nodes,
    /// given as indices into [`Topology::nodes`]. Where the firmware gave none: 10 within a
    /// node, 20 between nodes.
    pub fn distance(&self, from: usize, to: usize) -> u32 {
        self.distances.between(from, to)
    }

    /// Whether the firmware gave a distance matrix.
    pub fn has_distances(&self) -> bool {
        self.distances.are_known()
    }

    /// The same machine with only the PUs of `allowed` usable: what an affinity mask does.
    /// Further restrictions narrow it down. Allocates a copy.
    ///
    /// # Errors
    /// [`Error::NoUsablePu`] when nothing is left.
    pub fn restricted_to(&self, allowed: &PuSet) -> Result<Topology, Error> {
        let mut narrowed = self.clone();
        let affinity = match &self.affinity {
            Some(before) => before.intersection(allowed),
            None => allowed.clone(),
        };
        narrowed.apply_affinity(Some(affinity))?;
        Ok(narrowed)
    }

    /// The same machine with every listed PU usable again. Allocates a copy.
    pub fn unrestricted(&self) -> Topology {
        let mut widened = self.clone();
        widened
            .apply_affinity(None)
            .expect("a topology lists at least one PU");
        widened
    }
}
