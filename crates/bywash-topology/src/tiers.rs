//! Where one tier of workers ends and the next begins.

use std::ops::Range;

use crate::level::Level;
use crate::model::{Pu, Topology};
use crate::placement::{Placement, Strategy};

/// Workers that open and close together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tier {
    /// Its number, from 1, which is the home LLC.
    pub number: usize,
    /// Its workers.
    pub workers: Range<usize>,
    /// The farthest that one of its PUs is from the home LLC.
    pub level: Level,
}

/// The tiers of `count` workers that take PUs in this order. Workers beyond the order's end
/// join the last tier.
pub(crate) fn of(
    placement: &Placement,
    topology: &Topology,
    order: &[usize],
    count: usize,
) -> Vec<Tier> {
    if count == 0 {
        return Vec::new();
    }
    let ends = match placement.strategy() {
        Strategy::TieredSpillover => ends(topology, order, placement.tier_minimum),
        _ => Vec::new(),
    };
    let taken = ends
        .into_iter()
        .take_while(|&end| end < count.min(order.len()));
    let bounds: Vec<usize> = std::iter::once(0).chain(taken).chain([count]).collect();

    let home = order.first().map(|&position| &topology.pus[position]);
    let level_from_home = |&position: &usize| {
        let pu = &topology.pus[position];
        home.map_or(Level::Llc, |home| topology.spill_distance(home, pu).0)
    };
    let tier = |(index, bound): (usize, &[usize])| {
        let workers = bound[0]..bound[1];
        let pus = workers.start.min(order.len())..workers.end.min(order.len());
        let farthest = order[pus].iter().map(level_from_home).max();
        Tier {
            number: index + 1,
            workers,
            level: farthest.unwrap_or_else(|| topology.farthest_level()),
        }
    };
    bounds.windows(2).enumerate().map(tier).collect()
}

/// The positions in the order at which a tier ends: after each LLC group's physical cores,
/// groups that are too small merged, and before the SMT siblings, which are one tier.
///
/// A tier ends at the first group's end where it has the minimum of cores, unless what is then
/// left of its region (NUMA node, within the package if that is not itself too small) would
/// be too small to stand alone: then the region is finished first.
fn ends(topology: &Topology, order: &[usize], minimum: usize) -> Vec<usize> {
    let pu = |index: usize| &topology.pus[order[index]];
    let physical = (0..order.len())
        .take_while(|&index| pu(index).smt_rank == 0)
        .count();
    let mut package_cores = vec![0; topology.packages.len()];
    for package in (0..physical).filter_map(|index| pu(index).package) {
        package_cores[package] += 1;
    }
    let region = |pu: &Pu| {
        let stands_alone = |&package: &usize| package_cores[package] >= minimum;
        (pu.node, pu.package.filter(stands_alone))
    };

    let mut ends = Vec::new();
    let mut start = 0;
    for index in 1..physical {
        if pu(index).llc == pu(index - 1).llc || index - start < minimum {
            continue;
        }
        let here = region(pu(index - 1));
        let rest = (index..physical)
            .take_while(|&next| region(pu(next)) == here)
            .count();
        if rest == 0 || rest >= minimum {
            ends.push(index);
            start = index;
        }
    }
    if physical > 0 && physical < order.len() {
        ends.push(physical);
    }
    ends
}
