//! The strategies: which PU the first worker takes, which the second, and so on.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The names [`Placement`] is read from.
pub(crate) const NAMES: &str = "none, linear, compact, avoid-smt, scatter, ccd-isolation, \
     numa-local, numa-local:N, performance-cores-first, tiered-spillover";

/// A strategy: a total order on the usable PUs, of which worker *i* takes element *i*.
///
/// A plain value: making, copying and comparing it costs nothing. What it means on a machine
/// is worked out by [`Placement::plan`]. Its text form ([`FromStr`], [`Display`](fmt::Display))
/// is the name in each constructor's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    pub(crate) strategy: Strategy,
    pub(crate) tier_minimum: usize,
}

/// The strategy of a [`Placement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// See [`Placement::none`].
    None,
    /// See [`Placement::linear`].
    Linear,
    /// See [`Placement::compact`].
    Compact,
    /// See [`Placement::avoid_smt`].
    AvoidSmt,
    /// See [`Placement::scatter`].
    Scatter,
    /// See [`Placement::ccd_isolation`].
    CcdIsolation,
    /// See [`Placement::numa_local`]; `None` is the first node that has usable PUs.
    NumaLocal(Option<u32>),
    /// See [`Placement::performance_cores_first`].
    PerformanceCoresFirst,
    /// See [`Placement::tiered_spillover`].
    TieredSpillover,
}

impl Placement {
    /// The fewest physical cores that make a tier of their own, unless
    /// [`Placement::tier_minimum`] says otherwise.
    pub const DEFAULT_TIER_MINIMUM: usize = 4;

    const fn of(strategy: Strategy) -> Placement {
        Placement {
            strategy,
            tier_minimum: Placement::DEFAULT_TIER_MINIMUM,
        }
    }

    /// `none`: threads are not bound (`OMP_PROC_BIND=false`).
    pub const fn none() -> Placement {
        Placement::of(Strategy::None)
    }

    /// `linear`: by the operating system's index.
    pub const fn linear() -> Placement {
        Placement::of(Strategy::Linear)
    }

    /// `compact`: neighbours in hardware, SMT siblings together (OpenMP's `close` over threads).
    pub const fn compact() -> Placement {
        Placement::of(Strategy::Compact)
    }

    /// `avoid-smt`: neighbours in hardware, one PU a core before any sibling (`close` over cores).
    pub const fn avoid_smt() -> Placement {
        Placement::of(Strategy::AvoidSmt)
    }

    /// `scatter`: as far apart as can be, one PU a core before any sibling (`spread`).
    pub const fn scatter() -> Placement {
        Placement::of(Strategy::Scatter)
    }

    /// `ccd-isolation`: only the home LLC, its cores before its siblings. The home LLC is the
    /// one with the fastest kind of core, then the most cores, then the lowest index.
    pub const fn ccd_isolation() -> Placement {
        Placement::of(Strategy::CcdIsolation)
    }

    /// `numa-local:N`: only the PUs of the NUMA node with OS index `node`, cores before
    /// siblings (`numactl --cpunodebind`).
    pub const fn numa_local(node: u32) -> Placement {
        Placement::of(Strategy::NumaLocal(Some(node)))
    }

    /// `numa-local`: as [`Placement::numa_local`], on the first node that has usable PUs.
    pub const fn numa_local_first() -> Placement {
        Placement::of(Strategy::NumaLocal(None))
    }

    /// `performance-cores-first`: the fastest kind of core first, then the next, siblings last.
    pub const fn performance_cores_first() -> Placement {
        Placement::of(Strategy::PerformanceCoresFirst)
    }

    /// `tiered-spillover`: the home LLC's cores, then further LLCs by distance, SMT siblings
    /// last, in tiers of which a [`spillover::Policy`](crate::spillover::Policy) opens as many
    /// as the load needs.
    pub const fn tiered_spillover() -> Placement {
        Placement::of(Strategy::TieredSpillover)
    }

    /// The same placement with another fewest number of cores to a tier. It moves where tiers
    /// end, never the order of the PUs, and means something to `tiered-spillover` alone.
    /// 0 is taken as 1.
    pub const fn tier_minimum(mut self, cores: usize) -> Placement {
        self.tier_minimum = if cores == 0 { 1 } else { cores };
        self
    }

    /// The strategy.
    pub const fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Every strategy once, in the order of the documentation.
    pub const fn all() -> [Placement; 9] {
        [
            Placement::none(),
            Placement::linear(),
            Placement::compact(),
            Placement::avoid_smt(),
            Placement::scatter(),
            Placement::ccd_isolation(),
            Placement::numa_local_first(),
            Placement::performance_cores_first(),
            Placement::tiered_spillover(),
        ]
    }
}

impl Default for Placement {
    /// `tiered-spillover`.
    fn default() -> Placement {
        Placement::tiered_spillover()
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.strategy {
            Strategy::None => "none",
            Strategy::Linear => "linear",
            Strategy::Compact => "compact",
            Strategy::AvoidSmt => "avoid-smt",
            Strategy::Scatter => "scatter",
            Strategy::CcdIsolation => "ccd-isolation",
            Strategy::NumaLocal(None) => "numa-local",
            Strategy::NumaLocal(Some(node)) => return f.pad(&format!("numa-local:{node}")),
            Strategy::PerformanceCoresFirst => "performance-cores-first",
            Strategy::TieredSpillover => "tiered-spillover",
        };
        f.pad(name)
    }
}

impl FromStr for Placement {
    type Err = Error;

    fn from_str(name: &str) -> Result<Placement, Error> {
        let unknown = || Error::UnknownPlacement {
            name: name.chars().take(60).collect(),
        };
        // As a node is written: `+1` and `01` are nobody's name.
        let node_of = |text: &str| {
            let node: Option<u32> = text.parse().ok();
            node.filter(|node| node.to_string() == text)
                .ok_or_else(unknown)
        };
        match name {
            "none" => Ok(Placement::none()),
            "linear" => Ok(Placement::linear()),
            "compact" => Ok(Placement::compact()),
            "avoid-smt" => Ok(Placement::avoid_smt()),
            "scatter" => Ok(Placement::scatter()),
            "ccd-isolation" => Ok(Placement::ccd_isolation()),
            "numa-local" => Ok(Placement::numa_local_first()),
            "performance-cores-first" => Ok(Placement::performance_cores_first()),
            "tiered-spillover" => Ok(Placement::tiered_spillover()),
            _ => match name.strip_prefix("numa-local:") {
                Some(node) => Ok(Placement::numa_local(node_of(node)?)),
                None => Err(unknown()),
            },
        }
    }
}
