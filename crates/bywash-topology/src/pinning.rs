//! Pinning a plan's workers, with one second look at the machine when the first plan fails.

use std::sync::OnceLock;

use crate::bind::{Binding, bind_current_thread};
use crate::error::Error;
use crate::model::{PuId, Topology};
use crate::placement::Placement;
use crate::plan::{Beyond, Plan};

/// Where a worker ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pinned {
    /// The PU it is bound to; none when it runs unbound.
    pub pu: Option<PuId>,
    /// What the last attempt answered; none when the plan asked for no binding.
    pub binding: Option<Binding>,
    /// Whether the machine was read again because the first attempt was refused.
    pub is_second_look: bool,
}

/// A plan and what it was made of, shared by the threads that become its workers.
///
/// When a worker's binding is refused (the cgroup or the affinity changed since, a CPU went
/// offline), the machine is read again, once for all workers, and the worker is bound where
/// the new plan says; when that is refused too it runs unbound.
#[derive(Debug)]
pub struct Pinning {
    topology: Topology,
    placement: Placement,
    beyond: Beyond,
    plan: Plan,
    second: OnceLock<Option<(Topology, Plan)>>,
}

impl Pinning {
    /// Works out the plan. See [`Placement::plan`] for cost and errors.
    pub fn new(
        topology: Topology,
        placement: Placement,
        workers: usize,
        beyond: Beyond,
    ) -> Result<Pinning, Error> {
        Ok(Pinning {
            plan: placement.plan(&topology, workers, beyond)?,
            topology,
            placement,
            beyond,
            second: OnceLock::new(),
        })
    }

    /// The plan: for victims and tiers, which do not change when a worker is bound elsewhere.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The machine the plan was made on.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Binds the calling thread as worker `worker`. A few system calls; after a refusal the
    /// first caller reads the machine again, and others that were refused wait for it.
    ///
    /// # Panics
    /// When the plan has no such worker.
    pub fn bind(&self, worker: usize) -> Pinned {
        let first = attempt(&self.topology, self.plan.worker(worker).pu, false);
        if !matches!(first.binding, Some(Binding::Refused(_))) {
            return first;
        }
        match self.second.get_or_init(|| self.look_again()) {
            Some((topology, plan)) if worker < plan.len() => {
                attempt(topology, plan.worker(worker).pu, true)
            }
            _ => Pinned {
                is_second_look: true,
                ..first
            },
        }
    }

    fn look_again(&self) -> Option<(Topology, Plan)> {
        let topology = Topology::detect().ok()?;
        let plan = self
            .placement
            .plan(&topology, self.plan.len(), self.beyond)
            .ok()?;
        Some((topology, plan))
    }
}

fn attempt(topology: &Topology, pu: Option<PuId>, is_second_look: bool) -> Pinned {
    let binding = pu.map(|pu| bind_current_thread(topology, pu));
    Pinned {
        pu: pu.filter(|_| binding == Some(Binding::Bound)),
        binding,
        is_second_look,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::pu_set::PuSet;

    #[test]
    fn a_refused_worker_is_bound_where_a_second_look_says() {
        // This system, as it would look had a CPU gone away since.
        let gone: PuSet = [PuId(MISSING)].into_iter().collect();
        let stale = Topology::flat_from(&gone, true);
        let pinning = Pinning::new(stale, Placement::linear(), 1, Beyond::Error).unwrap();
        let pinned = pinning.bind(0);
        assert!(pinned.is_second_look);
        assert_eq!(pinned.binding, Some(Binding::Bound));
        assert!(Topology::detect().unwrap().pu(pinned.pu.unwrap()).is_some());
        assert!(crate::bind::unbind_current_thread());
    }

    #[test]
    fn a_worker_without_a_place_in_either_plan_runs_unbound_and_says_so() {
        let gone: PuSet = (MISSING..MISSING + 9_000).map(PuId).collect();
        let stale = Topology::flat_from(&gone, true);
        let pinning = Pinning::new(stale, Placement::linear(), 9_000, Beyond::Truncate).unwrap();
        let pinned = pinning.bind(8_999);
        assert_eq!((pinned.pu, pinned.is_second_look), (None, true));
        assert!(matches!(pinned.binding, Some(Binding::Refused(_))));
    }

    /// An index that no machine running these tests has.
    const MISSING: u32 = 900_000;
}
