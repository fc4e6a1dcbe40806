//! Whom a worker looks at next: its neighbours, then outward ring by ring.

use bywash_topology::{Level, Plan};

/// A worker's victims, nearest ring first; within a ring all are equally far.
pub(crate) struct Rings {
    victims: Box<[u32]>,
    /// Where each ring ends in `victims`.
    ends: Box<[u32]>,
    /// How near each worker is, by its index; empty where nothing is known.
    levels: Box<[Level]>,
}

impl Rings {
    /// The rings around worker `seat` of a planned system.
    pub(crate) fn of(plan: &Plan, seat: usize) -> Self {
        let order = plan.victims(seat);
        let distance = |index: usize| (order[index].level, order[index].slit);
        let ends = (1..=order.len())
            .filter(|&end| end == order.len() || distance(end) != distance(end - 1))
            .map(|end| end as u32)
            .collect();
        let mut levels = vec![Level::Core; order.len() + 1];
        for victim in &order {
            levels[victim.worker] = victim.level;
        }
        Self {
            victims: order.iter().map(|victim| victim.worker as u32).collect(),
            ends,
            levels: levels.into(),
        }
    }

    /// One ring of everybody else, beginning behind `seat`: for a machine nothing is known of.
    pub(crate) fn flat(seat: usize, seats: usize) -> Self {
        let victims: Box<[u32]> = (1..seats)
            .map(|step| ((seat + step) % seats) as u32)
            .collect();
        let ends = [victims.len() as u32]
            .into_iter()
            .filter(|&end| end != 0)
            .collect();
        Self {
            victims,
            ends,
            levels: [].into(),
        }
    }

    /// One ring of all seats, for a guest.
    pub(crate) fn guest(seats: usize) -> Self {
        Self {
            victims: (0..seats as u32).collect(),
            ends: [seats as u32].into(),
            levels: [].into(),
        }
    }

    /// How near worker `seat` is, if that is known.
    pub(crate) fn level_of(&self, seat: usize) -> Option<Level> {
        self.levels.get(seat).copied()
    }

    /// Everybody, nearest first.
    pub(crate) fn nearest_first(&self) -> impl Iterator<Item = usize> + '_ {
        self.victims.iter().map(|&seat| seat as usize)
    }

    /// Everybody, nearest ring first; each ring from a start that `random` gives, so that hungry
    /// workers do not queue up at the same victim.
    pub(crate) fn shuffled(&self, random: u64) -> impl Iterator<Item = usize> + '_ {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).flat_map(move |(&start, &end)| {
            let ring = &self.victims[start as usize..end as usize];
            let (behind, ahead) = ring.split_at(random as usize % ring.len());
            ahead.iter().chain(behind).map(|&seat| seat as usize)
        })
    }
}
