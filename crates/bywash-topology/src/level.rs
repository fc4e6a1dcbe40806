//! How near two PUs are to each other: the rings in which work is looked for.

use crate::model::{Pu, Topology};

/// The nearest thing that two PUs share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// A core: SMT siblings.
    Core = 1,
    /// The LLC.
    Llc = 2,
    /// NUMA node and package.
    Node = 3,
    /// The package.
    Package = 4,
    /// The NUMA node, from different packages.
    NodeAcrossPackages = 5,
    /// Nothing but the machine.
    Remote = 6,
}

impl Level {
    /// Every level, nearest first.
    pub const ALL: [Level; 6] = [
        Level::Core,
        Level::Llc,
        Level::Node,
        Level::Package,
        Level::NodeAcrossPackages,
        Level::Remote,
    ];

    /// The level of two PUs.
    pub fn between(a: &Pu, b: &Pu) -> Level {
        let same_package = a.package == b.package;
        Level::nearest(
            a.core == b.core,
            a.llc == b.llc,
            a.node == b.node,
            same_package,
        )
    }

    /// The level of two places, from what they share.
    pub(crate) fn nearest(core: bool, llc: bool, node: bool, package: bool) -> Level {
        match (node, package) {
            _ if core => Level::Core,
            _ if llc => Level::Llc,
            (true, true) => Level::Node,
            (false, true) => Level::Package,
            (true, false) => Level::NodeAcrossPackages,
            (false, false) => Level::Remote,
        }
    }

    /// Its number, 1 to 6.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// How long a cache line takes one way between two cores at this level, in nanoseconds.
    ///
    /// Core-to-core measurements of a two-socket EPYC 7R13 (Zen 3), published by
    /// J. Viennot, <https://github.com/nviennot/core-to-core-latency>: SMT siblings 10,
    /// one CCX 23, one socket 107, the other socket 197. The machine has one node a
    /// socket, so `Node` and `Package` share the socket's figure, and the levels beyond
    /// the socket share the other's. A model for thresholds and simulations, not a
    /// measurement of the machine at hand.
    pub const fn line_latency_ns(self) -> u64 {
        match self {
            Level::Core => 10,
            Level::Llc => 23,
            Level::Node | Level::Package => 107,
            Level::NodeAcrossPackages | Level::Remote => 197,
        }
    }
}

impl Topology {
    /// What is assumed of a worker that is not bound: the nearest level that holds whichever
    /// usable PU it runs on.
    pub(crate) fn farthest_level(&self) -> Level {
        let mut usable = self.pus.iter().filter(|pu| pu.is_usable);
        let Some(first) = usable.next() else {
            return Level::Remote;
        };
        let mut same = (true, true, true, true);
        for pu in usable {
            same.0 &= pu.core == first.core;
            same.1 &= pu.llc == first.llc;
            same.2 &= pu.package == first.package;
            same.3 &= pu.node == first.node;
        }
        Level::nearest(same.0, same.1, same.3, same.2)
    }
}
