//! Where a worker looks next: its neighbours, then outward ring by ring.

use crate::level::Level;
use crate::plan::Plan;

/// A worker to steal from, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Victim {
    /// The worker's index in the plan.
    pub worker: usize,
    /// How near its PU is.
    pub level: Level,
    /// The distance of its NUMA node: 10 is the thief's own.
    pub slit: u32,
}

impl Plan {
    /// Every other worker, nearest first: by level, then by the distance of its node, then by
    /// ring distance, which counts workers upward from the thief and round the end. Thieves
    /// far from a ring all find its first worker first, so a scheduler should start at a
    /// random place among victims of equal level and distance. Allocates the list; meant for
    /// start-up.
    ///
    /// # Panics
    /// When there is no worker `thief`.
    pub fn victims(&self, thief: usize) -> Vec<Victim> {
        let count = self.len();
        assert!(
            thief < count,
            "worker {thief} is not one of the plan's {count}"
        );
        // Ring distance is the order of this iterator, and the sort below is stable.
        let ring = (1..count).map(|step| (thief + step) % count);
        let mut victims: Vec<Victim> = ring
            .map(|worker| {
                let (level, slit) = self.level(thief, worker);
                Victim {
                    worker,
                    level,
                    slit,
                }
            })
            .collect();
        victims.sort_by_key(|victim| (victim.level, victim.slit));
        victims
    }
}
