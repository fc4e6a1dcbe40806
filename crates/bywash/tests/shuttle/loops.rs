//! A loop's units among many participants, and a reduction's bits, on random schedules.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bywash::Partitioner;
use bywash::model::{Blocks, LoopLatch, Units, combine_here, split, subtrees};
use bywash_sync::model::{SCHEDULES, random};
use bywash_sync::thread;

/// Enough for more blocks than workers, of two items each.
const ITEMS: usize = 601;

/// A sum of these shows any other order of its additions.
fn weigh(item: usize) -> f64 {
    1.0 / (item as f64 + 0.37)
}

fn add(left: f64, right: f64) -> f64 {
    left + right
}

/// What a reduction shares: blocks as units, and a place for each subtree that somebody combined.
struct Reduction {
    blocks: Blocks,
    units: Units,
    latch: LoopLatch,
    partials: Vec<Mutex<Option<(f64, usize)>>>,
}

impl Reduction {
    fn new(workers: usize) -> Self {
        let blocks = Blocks::of(0..ITEMS);
        let count = blocks.count() as u32;
        Self {
            units: Units::new(0..count, workers),
            latch: LoopLatch::new(count),
            partials: (0..count).map(|_| Mutex::new(None)).collect(),
            blocks,
        }
    }

    fn fold(&self, blocks: Range<usize>) -> f64 {
        let leaf = |block| self.blocks.block(block).map(weigh).fold(0.0, add);
        combine_here(blocks, &leaf, &add)
    }

    /// As a worker of the system does, whose slice is `own`.
    fn take_part(&self, own: usize, partitioner: Partitioner) {
        let claimed = self.units.work(own, partitioner, |run| {
            for subtree in subtrees(run.start as usize..run.end as usize) {
                let (start, len) = (subtree.start, subtree.len());
                let before = self.partials[start]
                    .lock()
                    .unwrap()
                    .replace((self.fold(subtree), len));
                assert!(before.is_none(), "a block is folded once");
            }
        });
        if claimed != 0 {
            self.latch.count_done(claimed);
        }
    }

    /// Combines the partials by the fixed tree.
    fn combine(&self, blocks: Range<usize>) -> f64 {
        let partial = self.partials[blocks.start]
            .lock()
            .unwrap()
            .take_if(|(_, len)| *len == blocks.len());
        if let Some((sum, _)) = partial {
            return sum;
        }
        assert!(blocks.len() > 1, "each block has its partial");
        let middle = blocks.start + split(blocks.len());
        self.combine(blocks.start..middle) + self.combine(middle..blocks.end)
    }

    fn run(self: Arc<Self>, workers: usize, partitioner: Partitioner) -> f64 {
        let others: Vec<_> = (1..workers)
            .map(|own| {
                let reduction = Arc::clone(&self);
                thread::spawn(move || reduction.take_part(own, partitioner))
            })
            .collect();
        self.take_part(0, partitioner);
        while !self.latch.is_over() {
            thread::yield_now();
        }
        let sum = self.combine(0..self.blocks.count());
        others.into_iter().for_each(|other| other.join().unwrap());
        sum
    }
}

#[test]
fn a_reduction_has_the_same_bits_for_any_number_of_workers_on_any_schedule() {
    let expected = {
        let alone = Reduction::new(1);
        alone.fold(0..alone.blocks.count())
    };
    for workers in [1, 2, 3, 7, 16, 32] {
        for partitioner in [Partitioner::Guided, Partitioner::Fixed(5)] {
            random(SCHEDULES / 20, move || {
                let sum = Arc::new(Reduction::new(workers)).run(workers, partitioner);
                assert_eq!(sum.to_bits(), expected.to_bits(), "{workers} workers");
            });
        }
    }
}

#[test]
fn participants_who_share_slices_run_each_unit_once() {
    random(SCHEDULES, || {
        let shared = Arc::new((
            Units::new(0..23, 2),
            LoopLatch::new(23),
            Mutex::new(BTreeSet::new()),
        ));
        let others: Vec<_> = (0..4)
            .map(|index| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (units, latch, seen) = &*shared;
                    let claimed = units.work(index % 2, Partitioner::Fixed(2), |run| {
                        for unit in run {
                            assert!(seen.lock().unwrap().insert(unit), "{unit} was run before");
                        }
                    });
                    if claimed != 0 {
                        latch.count_done(claimed);
                    }
                })
            })
            .collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(shared.1.is_over(), "each claim is counted");
        assert!(shared.2.lock().unwrap().iter().copied().eq(0..23));
    });
}
