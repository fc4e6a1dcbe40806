//! A placement worked out on a machine: each worker's PU, tier and victims.

use crate::error::Error;
use crate::level::Level;
use crate::model::{NodeId, PuId, Topology};
use crate::placement::{Placement, Strategy};
use crate::tiers::{self, Tier};

/// What becomes of workers beyond the PUs that a placement has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beyond {
    /// Planning fails.
    Error,
    /// They are left out: the plan has fewer workers than were asked for.
    Truncate,
    /// They share PUs, from the first one on.
    Wrap,
    /// They run unbound.
    #[default]
    Unbound,
}

/// Where one worker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worker {
    /// The PU to bind to, or none to run unbound.
    pub pu: Option<PuId>,
    /// Its tier, from 1. All workers are in tier 1 unless the strategy is `tiered-spillover`;
    /// workers beyond the placement's capacity belong to the last tier.
    pub tier: usize,
    /// The NUMA node of its PU.
    pub node: Option<NodeId>,
    /// The LLC group of its PU, an index into [`Topology::llcs`].
    pub llc: Option<usize>,
}

/// A [`Placement`] worked out for a number of workers on a [`Topology`].
///
/// A plain value that no longer needs the topology's borrow. It holds a few words a worker
/// and the distances between nodes.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) workers: Vec<Worker>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) sites: Vec<Option<Site>>,
    pub(crate) unbound_level: Level,
    pub(crate) unbound_slit: u32,
    /// Node distances, row-major, with a last row and column for "no node".
    slit: Vec<u32>,
    slit_width: usize,
}

/// What of a PU decides how near it is to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    core: usize,
    llc: usize,
    node: Option<usize>,
    package: Option<usize>,
}

impl Placement {
    /// Works out where `workers` workers run on `topology`, and in which tiers.
    /// Allocates; takes time in proportion to the PUs and workers (times a logarithm).
    ///
    /// # Errors
    /// [`Error::BeyondCapacity`] when `beyond` is [`Beyond::Error`] and the placement has
    /// fewer PUs; [`Error::NoSuchNode`] when `numa-local:N` names a node without usable PUs.
    pub fn plan(&self, topology: &Topology, workers: usize, beyond: Beyond) -> Result<Plan, Error> {
        let order = self.order(topology)?;
        let is_bound = self.strategy() != Strategy::None;
        let capacity = order.len();
        let count = match beyond {
            _ if !is_bound || workers <= capacity => workers,
            Beyond::Truncate => capacity,
            Beyond::Wrap | Beyond::Unbound => workers,
            Beyond::Error => {
                return Err(Error::BeyondCapacity {
                    workers,
                    capacity,
                    placement: self.to_string(),
                });
            }
        };
        let position = |worker: usize| match beyond {
            _ if worker < capacity => Some(order[worker]),
            Beyond::Wrap if is_bound => Some(order[worker % capacity]),
            _ => None,
        };

        let tiers = tiers::of(self, topology, &order, count);
        let mut plan = Plan::new(topology, tiers);
        let mut tier = 0;
        for worker in 0..count {
            while plan.tiers[tier].workers.end <= worker {
                tier += 1;
            }
            let pu = position(worker).map(|position| &topology.pus()[position]);
            plan.workers.push(Worker {
                pu: pu.map(|pu| pu.id),
                tier: plan.tiers[tier].number,
                node: pu.and_then(|pu| Some(topology.nodes()[pu.node?].id)),
                llc: pu.map(|pu| pu.llc),
            });
            plan.sites.push(pu.map(|pu| Site {
                core: pu.core,
                llc: pu.llc,
                node: pu.node,
                package: pu.package,
            }));
        }
        Ok(plan)
    }
}

impl Plan {
    fn new(topology: &Topology, tiers: Vec<Tier>) -> Plan {
        let width = topology.nodes().len() + 1;
        let node = |index: usize| (index + 1 < width).then_some(index);
        let slit: Vec<u32> = (0..width * width)
            .map(|pair| topology.node_distance(node(pair / width), node(pair % width)))
            .collect();
        Plan {
            workers: Vec::new(),
            tiers,
            sites: Vec::new(),
            unbound_level: topology.farthest_level(),
            unbound_slit: slit.iter().copied().max().unwrap_or(0),
            slit,
            slit_width: width,
        }
    }

    /// How many workers the plan has.
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Worker `index`.
    ///
    /// # Panics
    /// When there is no such worker.
    pub fn worker(&self, index: usize) -> &Worker {
        &self.workers[index]
    }

    /// All workers.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// The tiers, first to open first. Each has at least one worker; without workers there
    /// are none.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// How near two workers are, and the distance of their nodes. An unbound worker is taken
    /// to be as far as any usable PU.
    ///
    /// # Panics
    /// When there is no such worker.
    pub fn level(&self, from: usize, to: usize) -> (Level, u32) {
        match (self.sites[from], self.sites[to]) {
            (Some(a), Some(b)) => (Site::level(a, b), self.node_distance(a, b)),
            _ => (self.unbound_level, self.unbound_slit),
        }
    }

    fn node_distance(&self, a: Site, b: Site) -> u32 {
        let none = self.slit_width - 1;
        let from = a.node.unwrap_or(none);
        self.slit[from * self.slit_width + b.node.unwrap_or(none)]
    }
}

impl Site {
    fn level(a: Site, b: Site) -> Level {
        Level::nearest(
            a.core == b.core,
            a.llc == b.llc,
            a.node == b.node,
            a.package == b.package,
        )
    }
}
