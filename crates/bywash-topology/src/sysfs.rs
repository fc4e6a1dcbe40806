//! The machine as Linux's sysfs describes it, below any root folder.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cgroup;
use crate::error::Error;
use crate::kinds::{CORE_TYPES, Traits};
use crate::model::{NodeId, PuId, Topology};
use crate::pu_set::PuSet;

mod cut;
mod files;

use files::{folder, memory, number, numbered, set, text};

impl Topology {
    /// Reads the machine below `root`: `/` for the running one, else a folder that holds a
    /// copy of `sys/devices/system/cpu` and, as far as there are, of `sys/devices/system/node`,
    /// `proc/self/cgroup`, `proc/self/mountinfo` and the control groups they name.
    ///
    /// For `/` the calling thread's affinity decides what is usable; in a copy all is. Reads
    /// some ten small files a PU.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when there is no CPU folder; [`Error::BadFile`] when a file in
    /// it is malformed; [`Error::NoUsablePu`] when cgroup and affinity leave nothing.
    pub fn from_sysfs(root: impl AsRef<Path>) -> Result<Topology, Error> {
        let root = root.as_ref();
        let is_this_system = cfg!(target_os = "linux") && root == Path::new("/");
        let mut parts = Machine::read(root)?.into_parts();
        parts.is_this_system = is_this_system;
        if parts.pus.is_empty() {
            return Err(Error::NoUsablePu {
                offered: parts.present.to_string(),
                allowed: cgroup::allowed_cpus(root).unwrap_or_default().to_string(),
            });
        }
        let mut topology = parts.assemble()?;
        topology.cpu_quota = cgroup::cpu_quota(root);
        if is_this_system && let Some(mask) = crate::bind::allowed_to_thread() {
            topology.apply_affinity(Some(mask))?;
        }
        Ok(topology)
    }
}

/// What a file below `topology` groups PUs by.
enum Grouping {
    Core,
    Package,
    /// Counts for nothing but the order.
    Cluster,
}

/// The files that group PUs, newer names first.
const GROUPINGS: [(Grouping, &[&str]); 6] = [
    (
        Grouping::Core,
        &[
            "core_cpus_list",
            "core_cpus",
            "thread_siblings_list",
            "thread_siblings",
        ],
    ),
    (
        Grouping::Package,
        &[
            "package_cpus_list",
            "package_cpus",
            "core_siblings_list",
            "core_siblings",
        ],
    ),
    (Grouping::Cluster, &["die_cpus_list", "die_cpus"]),
    (Grouping::Cluster, &["cluster_cpus_list", "cluster_cpus"]),
    (Grouping::Cluster, &["book_siblings_list", "book_siblings"]),
    (
        Grouping::Cluster,
        &["drawer_siblings_list", "drawer_siblings"],
    ),
];

/// A group of PUs as one file names it.
struct Group {
    set: PuSet,
    os_index: u32,
}

/// A data or unified cache.
struct Cache {
    set: PuSet,
    level: u32,
}

/// A NUMA node.
struct Node {
    id: NodeId,
    set: PuSet,
    memory: u64,
    distances: Vec<u32>,
}

/// Everything the files say, before it is cut to what the cgroup allows.
struct Machine {
    present: PuSet,
    online: PuSet,
    allowed: PuSet,
    allowed_nodes: Option<PuSet>,
    packages: Vec<Group>,
    cores: Vec<PuSet>,
    /// Dies, clusters, books and drawers: they count for nothing but the order.
    clusters: Vec<PuSet>,
    caches: Vec<Cache>,
    nodes: Vec<Node>,
    /// The node of each column of the distance files.
    columns: Vec<NodeId>,
    traits: BTreeMap<PuId, Traits>,
}

impl Machine {
    fn read(root: &Path) -> Result<Machine, Error> {
        let cpus = root.join("sys/devices/system/cpu");
        let numbered = numbered(&cpus, "cpu")?;
        let listed: PuSet = numbered.iter().copied().map(PuId).collect();
        let mut online = set(&cpus, &["online"])?.unwrap_or_else(|| listed.clone());
        online = online.intersection(&listed);
        let off = |pu: &PuId| text(&folder(&cpus, *pu).join("online")).is_some_and(|t| t == "0");
        online = online.iter().filter(|pu| !off(pu)).collect();
        let present = set(&cpus, &["present"])?.unwrap_or_default().union(&listed);

        let allowed = match cgroup::allowed_cpus(root) {
            Some(cpuset) => online.intersection(&cpuset),
            None => online.clone(),
        };
        let mut machine = Machine {
            present,
            allowed,
            allowed_nodes: cgroup::allowed_nodes(root),
            packages: Vec::new(),
            cores: Vec::new(),
            clusters: Vec::new(),
            caches: Vec::new(),
            nodes: Vec::new(),
            columns: Vec::new(),
            traits: BTreeMap::new(),
            online,
        };
        machine.read_cpus(&cpus)?;
        machine.read_nodes(root)?;
        machine.read_traits(root, &cpus)?;
        Ok(machine)
    }

    /// A set is read from the first of its PUs alone, so that the time is not quadratic.
    fn read_cpus(&mut self, cpus: &Path) -> Result<(), Error> {
        let mut covered: [PuSet; GROUPINGS.len()] = Default::default();
        let mut cached = BTreeMap::new();
        for pu in self.online.clone().iter() {
            let alone: PuSet = [pu].into_iter().collect();
            let place = folder(cpus, pu).join("topology");
            for ((grouping, names), covered) in GROUPINGS.iter().zip(&mut covered) {
                if covered.contains(pu) {
                    continue;
                }
                let set = match (set(&place, names)?, grouping) {
                    (Some(set), _) => set.intersection(&self.online).union(&alone),
                    (None, Grouping::Core) => alone.clone(),
                    (None, _) => continue,
                };
                *covered = covered.union(&set);
                match grouping {
                    Grouping::Core => self.cores.push(set),
                    Grouping::Cluster => self.clusters.push(set),
                    Grouping::Package => {
                        // Systems without packages say -1.
                        let id = number(&place.join("physical_package_id"));
                        let os_index = id.unwrap_or(self.packages.len() as u64) as u32;
                        self.packages.push(Group { set, os_index });
                    }
                }
            }
            self.read_caches(&folder(cpus, pu).join("cache"), pu, &mut cached)?;
        }
        Ok(())
    }

    /// `cached` holds the PUs whose cache of a level is known.
    fn read_caches(
        &mut self,
        folder: &Path,
        pu: PuId,
        cached: &mut BTreeMap<u64, PuSet>,
    ) -> Result<(), Error> {
        for index in numbered(folder, "index").unwrap_or_default() {
            let place = folder.join(format!("index{index}"));
            let holds_data = text(&place.join("type")).is_some_and(|t| t != "Instruction");
            let Some(level) = number(&place.join("level")).filter(|_| holds_data) else {
                continue;
            };
            let known = cached.entry(level).or_default();
            if known.contains(pu) {
                continue;
            }
            let Some(set) = set(&place, &["shared_cpu_list", "shared_cpu_map"])? else {
                continue;
            };
            let set = set.intersection(&self.online);
            *known = known.union(&set);
            self.caches.push(Cache {
                set,
                level: level as u32,
            });
        }
        Ok(())
    }

    fn read_nodes(&mut self, root: &Path) -> Result<(), Error> {
        let nodes = root.join("sys/devices/system/node");
        let mut indices = numbered(&nodes, "node").unwrap_or_default();
        if let Some(online) = set(&nodes, &["online"])? {
            indices.retain(|&index| online.contains(PuId(index)));
        }
        self.columns = indices.iter().copied().map(NodeId).collect();
        for index in indices {
            let place = nodes.join(format!("node{index}"));
            let row = text(&place.join("distance")).unwrap_or_default();
            self.nodes.push(Node {
                id: NodeId(index),
                set: set(&place, &["cpulist", "cpumap"])?
                    .unwrap_or_default()
                    .intersection(&self.online),
                memory: memory(&place.join("meminfo")),
                distances: row
                    .split_whitespace()
                    .filter_map(|d| d.parse().ok())
                    .collect(),
            });
        }
        if self.nodes.is_empty() {
            // A kernel built without NUMA: one node that everything is in.
            self.nodes.push(Node {
                id: NodeId(0),
                set: self.online.clone(),
                memory: memory(&root.join("proc/meminfo")),
                distances: Vec::new(),
            });
        }
        Ok(())
    }

    fn read_traits(&mut self, root: &Path, cpus: &Path) -> Result<(), Error> {
        let devices = root.join("sys/devices");
        let mut types = Vec::new();
        for name in CORE_TYPES {
            types.push(set(&devices.join(name), &["cpus"])?.unwrap_or_default());
        }
        let traits = |pu| {
            let place = folder(cpus, pu);
            Traits {
                core_type: types.iter().position(|pus| pus.contains(pu)),
                capacity: number(&place.join("cpu_capacity")),
                base_clock: number(&place.join("cpufreq/base_frequency")),
                boost_clock: number(&place.join("cpufreq/cpuinfo_max_freq")),
            }
        };
        self.traits = self.online.iter().map(|pu| (pu, traits(pu))).collect();
        Ok(())
    }
}
