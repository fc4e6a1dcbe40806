//! Machines described in code: the flat one, and a builder for any other.

use crate::distance::Distances;
use crate::error::Error;
use crate::model::{Backend, CoreKind, NodeId, PuId, Topology};
use crate::parts::{Parts, PuPart};
use crate::pu_set::PuSet;

/// The largest flat machine; more than any system this crate can pin on.
const MAX_FLAT: usize = 1 << 16;

impl Topology {
    /// A machine of `pus` PUs about which nothing else is known: one core each, all in one
    /// package, one NUMA node and one LLC group. Between 1 and 65,536 PUs; other counts are
    /// taken to the nearer end.
    pub fn flat(pus: usize) -> Topology {
        let set = PuSet::first(pus.clamp(1, MAX_FLAT));
        Topology::flat_from(&set, false)
    }

    /// A flat machine of just these PUs, at least one.
    pub(crate) fn flat_from(pus: &PuSet, is_this_system: bool) -> Topology {
        let part = |(core, id)| PuPart {
            id,
            core,
            l2: None,
            cache: None,
            node: Some(0),
            package: Some(0),
            kind: None,
        };
        let parts = Parts {
            backend: Backend::Flat,
            is_this_system,
            pus: pus.iter().enumerate().map(part).collect(),
            packages: vec![0],
            nodes: vec![(NodeId(0), 0)],
            l3_caches: 0,
            kinds: Vec::new(),
            distances: Distances::unknown(),
            present: pus.clone(),
            online: PuSet::new(),
        };
        parts
            .assemble()
            .expect("a flat machine has distinct PUs and at least one")
    }

    /// Starts the description of a synthetic machine.
    pub fn builder() -> MachineBuilder {
        MachineBuilder::default()
    }
}

/// In which order a [`MachineBuilder`] gives OS indices to its PUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OsNumbering {
    /// In logical order: the siblings of a core are neighbours (0,1 on core 0).
    #[default]
    SiblingsAdjacent,
    /// The first PU of each core in logical order, then each core's second, and so on.
    SiblingsLast,
    /// As listed, for the PUs in logical order.
    Listed(Vec<u32>),
}

/// Describes a machine part by part, in logical order.
///
/// Each call opens a part, and what follows lies in it until the next of its sort. A new
/// package also closes the LLC and the L2 cluster before it; a new LLC closes the L2 cluster;
/// a node may span packages, and an LLC may span nodes, as they do on real machines. Parts
/// that get no cores stay empty.
///
/// ```
/// use bywash_topology::{OsNumbering, Topology};
///
/// // Two sockets, one NUMA node each, eight CCXs of three SMT-2 cores a node.
/// let mut machine = Topology::builder();
/// for _ in 0..2 {
///     machine.package().node();
///     for _ in 0..8 {
///         machine.llc().cores(3, 2);
///     }
/// }
/// let machine = machine.numbering(OsNumbering::SiblingsLast).build()?;
/// assert_eq!(machine.counts().pus, 96);
/// # Ok::<(), bywash_topology::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MachineBuilder {
    packages: usize,
    nodes: Vec<(NodeId, u64)>,
    llcs: usize,
    l2s: usize,
    cores: usize,
    in_llc: Option<usize>,
    in_l2: Option<usize>,
    kind: Option<usize>,
    pus: Vec<PuPart>,
    /// SMT position of each PU, for the numbering.
    siblings: Vec<usize>,
    numbering: OsNumbering,
    distances: Option<Vec<Vec<u32>>>,
    offline: PuSet,
}

impl MachineBuilder {
    /// Opens a package.
    pub fn package(&mut self) -> &mut Self {
        self.packages += 1;
        self.in_llc = None;
        self.in_l2 = None;
        self
    }

    /// Opens a NUMA node with the next OS index.
    pub fn node(&mut self) -> &mut Self {
        let next = self.nodes.iter().map(|(NodeId(id), _)| id + 1).max();
        self.node_with(NodeId(next.unwrap_or(0)), 0)
    }

    /// Opens a NUMA node with this OS index and this many bytes of memory.
    pub fn node_with(&mut self, id: NodeId, memory: u64) -> &mut Self {
        self.nodes.push((id, memory));
        self
    }

    /// Opens an LLC (an L3 cache).
    pub fn llc(&mut self) -> &mut Self {
        self.in_llc = Some(self.llcs);
        self.llcs += 1;
        self.in_l2 = None;
        self
    }

    /// Closes the LLC: the cores that follow lie outside any.
    pub fn without_llc(&mut self) -> &mut Self {
        self.in_llc = None;
        self.in_l2 = None;
        self
    }

    /// Opens an L2 cluster: the cores that follow share one L2. Without it each core below an
    /// LLC has its own. Outside any LLC the cluster is what its cores share last.
    pub fn l2(&mut self) -> &mut Self {
        self.in_l2 = Some(self.l2s);
        self.l2s += 1;
        self
    }

    /// The cores that follow are of this kind; higher is faster.
    pub fn kind(&mut self, rank: usize) -> &mut Self {
        self.kind = Some(rank);
        self
    }

    /// Adds `count` cores of `threads` PUs each.
    pub fn cores(&mut self, count: usize, threads: usize) -> &mut Self {
        let has_l2 = self.in_llc.is_some() || self.in_l2.is_some();
        // Even keys for L3s, odd ones for clusters that stand alone.
        let cluster = self.in_l2.map(|l2| 2 * l2 + 1);
        let cache = self.in_llc.map(|llc| 2 * llc).or(cluster);
        for _ in 0..count {
            let l2 = self.in_l2.unwrap_or_else(|| {
                self.l2s += 1;
                self.l2s - 1
            });
            for sibling in 0..threads {
                self.siblings.push(sibling);
                self.pus.push(PuPart {
                    id: PuId(0),
                    core: self.cores,
                    l2: has_l2.then_some(l2),
                    cache,
                    node: self.nodes.len().checked_sub(1),
                    package: self.packages.checked_sub(1),
                    kind: self.kind,
                });
            }
            self.cores += 1;
        }
        self
    }

    /// How the PUs get their OS indices.
    pub fn numbering(&mut self, numbering: OsNumbering) -> &mut Self {
        self.numbering = numbering;
        self
    }

    /// The firmware's distances between the nodes: one row a node, by ascending OS index.
    pub fn distances(&mut self, rows: &[&[u32]]) -> &mut Self {
        self.distances = Some(rows.iter().map(|row| row.to_vec()).collect());
        self
    }

    /// PUs that the machine has and that are offline or forbidden.
    pub fn offline(&mut self, pus: PuSet) -> &mut Self {
        self.offline = pus;
        self
    }

    /// The machine.
    ///
    /// # Errors
    /// [`Error::InvalidMachine`] when an index appears twice, a list or matrix has the wrong
    /// length, or there is no PU at all.
    pub fn build(&self) -> Result<Topology, Error> {
        let invalid = |text: String| Err(Error::InvalidMachine(text));
        let count = self.pus.len();
        if count == 0 {
            return invalid("it has no PU; add at least one core".to_owned());
        }
        let mut by_index: Vec<usize> = (0..self.nodes.len()).collect();
        by_index.sort_by_key(|&opened| self.nodes[opened].0);
        let nodes: Vec<_> = by_index.iter().map(|&opened| self.nodes[opened]).collect();
        if let Some(twice) = nodes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return invalid(format!("NUMA node {} appears twice", twice[0].0.0));
        }
        let distances = match &self.distances {
            None => Distances::unknown(),
            Some(rows)
                if rows.len() != nodes.len() || rows.iter().any(|r| r.len() != nodes.len()) =>
            {
                return invalid(format!(
                    "the distances must be {0} rows of {0} values, one for each NUMA node",
                    nodes.len()
                ));
            }
            Some(rows) => Distances::from_fn(nodes.len(), |from, to| rows[from][to]),
        };
        let mut position_of = vec![0; nodes.len()];
        for (position, &opened) in by_index.iter().enumerate() {
            position_of[opened] = position;
        }

        let mut pus = self.pus.clone();
        for (pu, id) in pus.iter_mut().zip(self.os_indices()?) {
            pu.id = PuId(id);
            pu.node = pu.node.map(|opened| position_of[opened]);
        }
        let listed: PuSet = pus.iter().map(|pu| pu.id).collect();
        if listed.intersects(&self.offline) {
            return invalid("an offline PU is also listed".to_owned());
        }
        let mut kinds: Vec<usize> = pus.iter().filter_map(|pu| pu.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for pu in &mut pus {
            pu.kind = pu.kind.and_then(|rank| kinds.binary_search(&rank).ok());
        }
        let parts = Parts {
            backend: Backend::Built,
            is_this_system: false,
            pus,
            packages: (0..self.packages as u32).collect(),
            nodes,
            l3_caches: self.llcs,
            kinds: kinds
                .iter()
                .map(|rank| CoreKind {
                    description: format!("Kind={rank}"),
                })
                .collect(),
            distances,
            present: self.offline.clone(),
            online: PuSet::new(),
        };
        parts.assemble()
    }

    fn os_indices(&self) -> Result<Vec<u32>, Error> {
        let count = self.pus.len();
        match &self.numbering {
            OsNumbering::SiblingsAdjacent => Ok((0..count as u32).collect()),
            OsNumbering::SiblingsLast => {
                let mut order: Vec<usize> = (0..count).collect();
                order.sort_by_key(|&position| self.siblings[position]);
                let mut indices = vec![0; count];
                for (index, position) in order.into_iter().enumerate() {
                    indices[position] = index as u32;
                }
                Ok(indices)
            }
            OsNumbering::Listed(indices) if indices.len() == count => Ok(indices.clone()),
            OsNumbering::Listed(indices) => Err(Error::InvalidMachine(format!(
                "{} OS indices are listed for {count} PUs",
                indices.len()
            ))),
        }
    }
}
