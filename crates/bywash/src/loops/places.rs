//! Which slice of a loop is whose: neighbours on the machine have neighbouring slices.

use bywash_topology::Plan;

use crate::rings::Rings;

/// A place in the row of workers for each of them: those of one LLC side by side, then the LLCs of one
/// NUMA node. A worker begins each loop with the slice at its place, so that what one LLC works on is
/// one stretch of the range, and the same one in the next frame.
pub(crate) struct Places(Box<[u32]>);

impl Places {
    /// The places of a planned system's workers; without a plan, they stand in order.
    pub(crate) fn of(plan: Option<&Plan>, workers: usize) -> Self {
        let mut row: Vec<u32> = (0..workers as u32).collect();
        if let Some(plan) = plan {
            // Who runs unbound is everywhere, and stands at the end.
            row.sort_by_key(|&worker| {
                let worker = plan.worker(worker as usize);
                (worker.llc.is_none(), worker.node, worker.llc)
            });
        }
        let mut places: Box<[u32]> = vec![0; workers].into();
        for (place, worker) in row.into_iter().enumerate() {
            places[worker as usize] = place as u32;
        }
        Self(places)
    }

    /// The slice of a worker, of so many: its own if there are enough, else that of its part of the
    /// row. Guests stand behind the others, from the first slice on.
    pub(super) fn slice_of(&self, worker: usize, slices: usize) -> usize {
        match self.0.get(worker) {
            Some(&place) => place as usize * slices / self.0.len(),
            None => (worker - self.0.len()) % slices,
        }
    }

    /// The slices of others, the nearest worker's first.
    pub(super) fn slices_near<'a>(
        &'a self,
        rings: &'a Rings,
        slices: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        rings
            .nearest_first()
            .map(move |worker| self.slice_of(worker, slices))
    }
}

#[cfg(test)]
mod tests {
    use bywash_topology::{Beyond, Placement, Topology};

    use super::Places;
    use crate::rings::Rings;

    #[test]
    fn who_runs_out_goes_to_its_own_cache_first_and_to_another_node_last() {
        let mut machine = Topology::builder();
        let package = machine.package();
        package.node().llc().cores(2, 1).llc().cores(2, 1);
        package.node().llc().cores(2, 1);
        let machine = machine.build().unwrap();
        let plan = Placement::scatter()
            .plan(&machine, 6, Beyond::Unbound)
            .unwrap();
        let places = Places::of(Some(&plan), 6);
        for worker in 0..6 {
            let own = places.slice_of(worker, 6);
            let near: Vec<usize> = places.slices_near(&Rings::of(&plan, worker), 6).collect();
            assert_eq!(near.len(), 5);
            assert_eq!(near[0], own ^ 1, "the other core of its cache");
            let node = |slice: usize| slice / 4;
            assert!(near.is_sorted_by_key(|&slice| node(slice) != node(own)));
        }
    }

    #[test]
    fn few_slices_are_shared_by_neighbours_and_guests_have_one_too() {
        let places = Places::of(None, 8);
        let slices: Vec<usize> = (0..8).map(|worker| places.slice_of(worker, 3)).collect();
        assert_eq!(slices, [0, 0, 0, 1, 1, 1, 2, 2]);
        assert_eq!(places.slice_of(8, 3), 0);
        assert_eq!(places.slice_of(12, 3), 1);
    }
}
