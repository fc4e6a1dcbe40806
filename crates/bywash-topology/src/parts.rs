//! What a source found, and the one way from there to a [`Topology`], so that sources agree.

use std::collections::HashMap;

use crate::distance::Distances;
use crate::error::Error;
use crate::model::{
    Backend, Core, CoreKind, LlcGroup, NodeId, NumaNode, Package, Pu, PuId, Topology,
};
use crate::pu_set::{MAX_INDEX, PuSet};

/// One PU as a source found it. `core`, `l2` and `cache` are the source's own keys:
/// equal means shared. `package` and `node` are positions in the lists of [`Parts`].
#[derive(Clone, Debug)]
pub(crate) struct PuPart {
    pub(crate) id: PuId,
    pub(crate) core: usize,
    pub(crate) l2: Option<usize>,
    pub(crate) cache: Option<usize>,
    pub(crate) node: Option<usize>,
    pub(crate) package: Option<usize>,
    pub(crate) kind: Option<usize>,
}

/// A machine as a source found it, PUs in logical order.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) backend: Backend,
    pub(crate) is_this_system: bool,
    pub(crate) pus: Vec<PuPart>,
    /// OS index of each package.
    pub(crate) packages: Vec<u32>,
    /// OS index and bytes of each NUMA node.
    pub(crate) nodes: Vec<(NodeId, u64)>,
    pub(crate) l3_caches: usize,
    /// Slowest first.
    pub(crate) kinds: Vec<CoreKind>,
    pub(crate) distances: Distances,
    /// Offline and forbidden PUs too.
    pub(crate) present: PuSet,
    /// Forbidden PUs too; empty where the source does not know.
    pub(crate) online: PuSet,
}

impl Parts {
    /// Numbers groups in logical order and ranks siblings.
    pub(crate) fn assemble(self) -> Result<Topology, Error> {
        let mut cores = Numbering::default();
        let mut l2s = Numbering::default();
        let mut llcs = Numbering::default();
        let mut pus = Vec::with_capacity(self.pus.len());
        let mut positions = Vec::new();
        for (position, part) in self.pus.iter().enumerate() {
            let slot = part.id.0 as usize;
            if part.id.0 > MAX_INDEX {
                let large = format!("PU index {slot} is above the limit of {MAX_INDEX}");
                return Err(Error::InvalidMachine(large));
            }
            if slot >= positions.len() {
                positions.resize(slot + 1, u32::MAX);
            }
            if positions[slot] != u32::MAX {
                let twice = format!("PU {slot} appears twice");
                return Err(Error::InvalidMachine(twice));
            }
            positions[slot] = position as u32;
            let group = match part.cache {
                Some(cache) => LlcKey::Cache(cache),
                None => LlcKey::StandIn(part.node, part.package),
            };
            pus.push(Pu {
                id: part.id,
                core: cores.number(part.core, position),
                smt_rank: 0,
                l2: part.l2.map(|key| l2s.number(key, position)),
                llc: llcs.number(group, position),
                node: part.node,
                package: part.package,
                kind: part.kind,
                is_usable: true,
            });
        }

        let members = |of: &dyn Fn(&Pu) -> Option<usize>, count: usize| {
            let mut lists = vec![Vec::new(); count];
            for (position, pu) in pus.iter().enumerate() {
                if let Some(owner) = of(pu) {
                    lists[owner].push(position);
                }
            }
            lists
        };
        let node_pus = members(&|pu| pu.node, self.nodes.len());
        let package_pus = members(&|pu| pu.package, self.packages.len());
        let nodes = self.nodes.into_iter().zip(node_pus);
        let packages = self.packages.into_iter().zip(package_pus);
        let llc_lists = llcs.keys.into_iter().zip(llcs.members);

        let mut topology = Topology {
            backend: self.backend,
            cores: cores.members.into_iter().map(|pus| Core { pus }).collect(),
            llcs: llc_lists
                .map(|(key, pus)| LlcGroup {
                    pus,
                    has_cache: matches!(key, LlcKey::Cache(_)),
                    usable_cores: 0,
                })
                .collect(),
            nodes: nodes
                .map(|((id, memory), pus)| NumaNode { id, memory, pus })
                .collect(),
            packages: packages
                .map(|(os_index, pus)| Package { os_index, pus })
                .collect(),
            kinds: self.kinds,
            distances: self.distances,
            l3_caches: self.l3_caches,
            present: self.present,
            online: self.online,
            affinity: None,
            cpu_quota: None,
            is_this_system: self.is_this_system,
            fallback: None,
            positions,
            pus,
        };
        topology.online = topology.online.union(&topology.allowed());
        topology.present = topology.present.union(&topology.online);
        topology.apply_affinity(None)?;
        Ok(topology)
    }
}

impl Topology {
    /// Marks the PUs of `affinity` usable (all, where it is `None`) and ranks the siblings anew.
    pub(crate) fn apply_affinity(&mut self, affinity: Option<PuSet>) -> Result<(), Error> {
        let is_usable = |id| affinity.as_ref().is_none_or(|set| set.contains(id));
        if !self.pus.iter().any(|pu| is_usable(pu.id)) {
            return Err(Error::NoUsablePu {
                offered: self.allowed().to_string(),
                allowed: affinity.unwrap_or_default().to_string(),
            });
        }
        for pu in &mut self.pus {
            pu.is_usable = is_usable(pu.id);
        }
        for llc in &mut self.llcs {
            llc.usable_cores = 0;
        }
        for core in &self.cores {
            let mut ranked = core.pus.clone();
            // Stable: usable PUs first, each part in logical order.
            ranked.sort_by_key(|&position| !self.pus[position].is_usable);
            for (rank, &position) in ranked.iter().enumerate() {
                self.pus[position].smt_rank = rank;
            }
            let first = &self.pus[ranked[0]];
            self.llcs[first.llc].usable_cores += usize::from(first.is_usable);
        }
        self.affinity = affinity;
        Ok(())
    }
}

/// What PUs of one LLC group have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum LlcKey {
    Cache(usize),
    StandIn(Option<usize>, Option<usize>),
}

/// Numbers keys by first appearance, and remembers who had which.
struct Numbering<K> {
    numbers: HashMap<K, usize>,
    keys: Vec<K>,
    members: Vec<Vec<usize>>,
}

impl<K> Default for Numbering<K> {
    fn default() -> Self {
        Numbering {
            numbers: HashMap::new(),
            keys: Vec::new(),
            members: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + std::hash::Hash> Numbering<K> {
    fn number(&mut self, key: K, member: usize) -> usize {
        let number = *self.numbers.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.members.push(Vec::new());
            self.keys.len() - 1
        });
        self.members[number].push(member);
        number
    }
}
