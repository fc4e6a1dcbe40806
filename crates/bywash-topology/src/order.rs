//! A placement's total order on the usable PUs of a machine.

use std::cmp::Reverse;

use crate::error::Error;
use crate::level::Level;
use crate::model::{Pu, Topology};
use crate::placement::{Placement, Strategy};

impl Placement {
    /// The PUs in the order in which workers take them, as positions in [`Topology::pus`].
    /// Empty for `none`, which binds nobody. Allocates; sorts.
    ///
    /// # Errors
    /// [`Error::NoSuchNode`] when `numa-local:N` names a node without usable PUs.
    pub fn order(&self, topology: &Topology) -> Result<Vec<usize>, Error> {
        let pus = topology.pus();
        let mut order: Vec<usize> = (0..pus.len()).filter(|&p| pus[p].is_usable).collect();
        // Every sort is stable and starts from logical order, the last key of each strategy.
        match self.strategy {
            Strategy::None => order.clear(),
            Strategy::Linear => order.sort_by_key(|&p| pus[p].id),
            Strategy::Compact => {}
            Strategy::AvoidSmt => order.sort_by_key(|&p| pus[p].smt_rank),
            Strategy::Scatter => {
                let rank = ScatterRanks::of(topology);
                order.sort_by_key(|&p| rank.key(&pus[p], p));
            }
            Strategy::CcdIsolation => {
                let home = topology.home_llc();
                order.retain(|&p| pus[p].llc == home);
                order.sort_by_key(|&p| pus[p].smt_rank);
            }
            Strategy::NumaLocal(asked) => {
                let node = topology.local_node(asked)?;
                order.retain(|&p| pus[p].node == node);
                order.sort_by_key(|&p| pus[p].smt_rank);
            }
            Strategy::PerformanceCoresFirst => {
                order.sort_by_key(|&p| (pus[p].smt_rank, Reverse(pus[p].kind)));
            }
            Strategy::TieredSpillover => {
                let home = topology.home_pu();
                order.sort_by_key(|&p| {
                    let pu = &pus[p];
                    let (level, slit) = topology.spill_distance(home, pu);
                    (pu.smt_rank > 0, level, slit, pu.llc, pu.smt_rank)
                });
            }
        }
        Ok(order)
    }

    /// How many PUs this placement has for workers on this machine; `none` has all usable ones.
    ///
    /// # Errors
    /// As [`Placement::order`].
    pub fn capacity(&self, topology: &Topology) -> Result<usize, Error> {
        match self.strategy {
            Strategy::None => Ok(topology.usable_count()),
            _ => Ok(self.order(topology)?.len()),
        }
    }
}

impl Topology {
    /// The LLC group where tiered spillover starts and isolation stays, an index into
    /// [`Topology::llcs`]: the one with the fastest kind of core, then the most usable cores,
    /// then the lowest index.
    pub fn home_llc(&self) -> usize {
        let claim = |index: usize| {
            let llc = &self.llcs[index];
            let usable = llc
                .pus
                .iter()
                .map(|&p| &self.pus[p])
                .filter(|pu| pu.is_usable);
            let kind = usable.map(|pu| pu.kind).max();
            (kind, llc.usable_cores, Reverse(index))
        };
        // A topology lists at least one PU, and so at least one group.
        (0..self.llcs.len())
            .max_by_key(|&index| claim(index))
            .unwrap_or(0)
    }

    /// The first usable PU of the home LLC, from which distances are taken.
    fn home_pu(&self) -> &Pu {
        let home = &self.llcs[self.home_llc()].pus;
        let usable = home.iter().find(|&&position| self.pus[position].is_usable);
        &self.pus[*usable.unwrap_or(&home[0])]
    }

    /// How far a PU is from the home LLC: a group's own PUs are all equally near.
    pub(crate) fn spill_distance(&self, home: &Pu, pu: &Pu) -> (Level, u32) {
        match Level::between(home, pu) {
            Level::Core | Level::Llc => (Level::Llc, 0),
            level => (level, self.node_distance(home.node, pu.node)),
        }
    }

    /// The distance between two nodes that may be unknown.
    pub(crate) fn node_distance(&self, from: Option<usize>, to: Option<usize>) -> u32 {
        match (from, to) {
            (Some(from), Some(to)) => self.distance(from, to),
            _ if from == to => crate::distance::LOCAL,
            _ => crate::distance::REMOTE,
        }
    }

    fn local_node(&self, asked: Option<u32>) -> Result<Option<usize>, Error> {
        let has_usable = |&index: &usize| {
            let mut pus = self.nodes[index].pus.iter();
            pus.any(|&position| self.pus[position].is_usable)
        };
        let mut usable = (0..self.nodes.len()).filter(has_usable);
        let Some(asked) = asked else {
            // Without any node, all PUs are in none: that is local enough.
            return Ok(usable.next());
        };
        let available: Vec<usize> = usable.collect();
        let found = available
            .iter()
            .find(|&&index| self.nodes[index].id.0 == asked);
        match found {
            Some(&index) => Ok(Some(index)),
            None => Err(Error::NoSuchNode {
                asked,
                available: available
                    .iter()
                    .map(|&index| self.nodes[index].id.0.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}

/// For each PU, by position: the rank of its core in its LLC, of its LLC in its node (within
/// its package), and of its node in its package, among usable ones, in logical order.
struct ScatterRanks {
    core_in_llc: Vec<usize>,
    llc_in_node: Vec<usize>,
    node_in_package: Vec<usize>,
}

impl ScatterRanks {
    fn of(topology: &Topology) -> ScatterRanks {
        let usable = || topology.pus.iter().map(|pu| pu.is_usable.then_some(pu));
        ScatterRanks {
            core_in_llc: ranks(usable(), |pu| pu.llc, |pu| pu.core),
            llc_in_node: ranks(usable(), |pu| (pu.package, pu.node), |pu| pu.llc),
            node_in_package: ranks(usable(), |pu| pu.package, |pu| pu.node),
        }
    }

    fn key(&self, pu: &Pu, position: usize) -> impl Ord + use<> {
        (
            pu.smt_rank,
            self.core_in_llc[position],
            self.llc_in_node[position],
            self.node_in_package[position],
            pu.package,
        )
    }
}

/// Ranks `member` by first appearance within each `group`.
fn ranks<'t, G, M>(
    pus: impl Iterator<Item = Option<&'t Pu>>,
    group: impl Fn(&Pu) -> G,
    member: impl Fn(&Pu) -> M,
) -> Vec<usize>
where
    G: std::hash::Hash + Eq,
    M: std::hash::Hash + Eq + Copy,
{
    let mut seen = std::collections::HashMap::<G, std::collections::HashMap<M, usize>>::new();
    pus.map(|pu| {
        let Some(pu) = pu else { return 0 };
        let members = seen.entry(group(pu)).or_default();
        let next = members.len();
        *members.entry(member(pu)).or_insert(next)
    })
    .collect()
}
