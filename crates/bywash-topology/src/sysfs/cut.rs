//! A machine as sysfs showed it: put into logical order and cut to what the cgroup allows.

use super::{Cache, Machine, Node};
use crate::distance::Distances;
use crate::kinds;
use crate::model::{Backend, PuId};
use crate::parts::{Parts, PuPart};
use crate::pu_set::PuSet;
use crate::tree::SetTree;

impl Machine {
    fn logical_order(&self) -> Vec<PuId> {
        let mut tree = SetTree::new(self.online.clone());
        let packages = self.packages.iter().map(|package| &package.set);
        let caches = self.caches.iter().map(|cache| &cache.set);
        // What the cores' own files say goes before the NUMA nodes, should they contradict.
        let own = packages
            .chain(&self.clusters)
            .chain(caches)
            .chain(&self.cores);
        for set in own.chain(self.nodes.iter().map(|node| &node.set)) {
            tree.insert(set);
        }
        for level in self.distances().clusters() {
            let pus = |cluster: &Vec<usize>| {
                let sets = cluster.iter().map(|&node| &self.nodes[node].set);
                sets.fold(PuSet::new(), |all, set| all.union(set))
            };
            let fits = level.iter().filter(|cluster| tree.insert(&pus(cluster)));
            // Clusters of clusters that contradict the cores' own files mean nothing either.
            if fits.count() < level.len() {
                break;
            }
        }
        tree.order()
    }

    /// Cuts the machine to what the cgroup allows.
    pub(super) fn into_parts(mut self) -> Parts {
        let order = self.logical_order();
        if let Some(allowed) = &self.allowed_nodes {
            let all = std::mem::take(&mut self.nodes);
            let (kept, dropped): (Vec<_>, Vec<_>) = all
                .into_iter()
                .partition(|node| allowed.contains(PuId(node.id.0)));
            // A cpuset that names no node we know says nothing.
            self.nodes = if kept.is_empty() { dropped } else { kept };
        }
        let (kinds, kind_of) = kinds::rank(std::mem::take(&mut self.traits));
        let packages = self.kept_packages(&order);
        let has_l3 = |cache: &&Cache| cache.level == 3 && self.is_cache_kept(cache);
        let distances = self.distances();

        let core = |pu| self.cores.iter().position(|core| core.contains(pu));
        let package = |pu| {
            packages
                .iter()
                .position(|&p| self.packages[p].set.contains(pu))
        };
        let outermost = |pu: PuId| {
            let around = self
                .caches
                .iter()
                .enumerate()
                .filter(|(_, c)| c.set.contains(pu));
            around
                .max_by_key(|(_, cache)| (cache.level, cache.set.len()))
                .map(|(index, _)| index)
        };
        let part = |pu: PuId| PuPart {
            id: pu,
            // A PU that a contradiction left out of every core is one of its own.
            core: core(pu).unwrap_or(self.cores.len() + pu.0 as usize),
            l2: self
                .caches
                .iter()
                .position(|c| c.level == 2 && c.set.contains(pu)),
            cache: outermost(pu),
            node: self.node_of(pu),
            package: package(pu),
            kind: kind_of.get(&pu).copied(),
        };
        let allowed = order
            .iter()
            .copied()
            .filter(|&pu| self.allowed.contains(pu));
        Parts {
            backend: Backend::Sysfs,
            is_this_system: false,
            pus: allowed.map(part).collect(),
            l3_caches: self.caches.iter().filter(has_l3).count(),
            nodes: self
                .nodes
                .iter()
                .map(|node| (node.id, node.memory))
                .collect(),
            packages: packages
                .iter()
                .map(|&p| self.packages[p].os_index)
                .collect(),
            kinds,
            distances,
            present: self.present.clone(),
            online: self.online.clone(),
        }
    }

    /// The packages that have an allowed PU or node, in logical order.
    fn kept_packages(&self, order: &[PuId]) -> Vec<usize> {
        let is_kept = |&package: &usize| {
            let set = &self.packages[package].set;
            let mut nodes = self.nodes.iter();
            set.intersects(&self.allowed)
                || nodes.any(|node| !node.set.is_empty() && node.set.is_subset(set))
        };
        let mut kept: Vec<usize> = (0..self.packages.len()).filter(is_kept).collect();
        kept.sort_by_key(|&package| {
            let set = &self.packages[package].set;
            order.iter().position(|&pu| set.contains(pu))
        });
        kept
    }

    /// Whether a cache has an allowed PU, or lies around the memory of an allowed node. A node
    /// that is a whole package belongs to the package, not to the cache inside.
    fn is_cache_kept(&self, cache: &Cache) -> bool {
        let is_package = |set: &PuSet| self.packages.iter().any(|package| package.set == *set);
        let mut nodes = self.nodes.iter().filter(|node| !node.set.is_empty());
        let holds = |node: &Node| {
            node.set.is_subset(&cache.set) && !(node.set == cache.set && is_package(&node.set))
        };
        cache.set.intersects(&self.allowed) || nodes.any(holds)
    }

    /// The smallest node around a PU; of equal ones the first, which is ordinary memory.
    fn node_of(&self, pu: PuId) -> Option<usize> {
        let around = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.set.contains(pu));
        around
            .min_by_key(|(_, node)| node.set.len())
            .map(|(index, _)| index)
    }

    fn distances(&self) -> Distances {
        let width = self.columns.len();
        if self.nodes.iter().any(|node| node.distances.len() != width) {
            return Distances::unknown();
        }
        Distances::from_fn(self.nodes.len(), |from, to| {
            let column = self.columns.iter().position(|&id| id == self.nodes[to].id);
            let row = &self.nodes[from].distances;
            column
                .and_then(|column| row.get(column).copied())
                .unwrap_or(0)
        })
    }
}
