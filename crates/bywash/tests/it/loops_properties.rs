//! Loops and reductions over whatever ranges, grains, panics and numbers of workers.

use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use bywash::{Granularity, JobSystem, LoopHints, Partitioner};
use proptest::prelude::*;

/// Systems of 1, 2, 3, 7, 16 and 32 workers, for all cases together.
static SYSTEMS: LazyLock<Vec<JobSystem>> = LazyLock::new(|| {
    [1, 2, 3, 7, 16, 32]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
        .collect()
});

/// One of [`SYSTEMS`].
fn system() -> impl Strategy<Value = usize> {
    0..6_usize
}

/// Short ranges anywhere, empty and reversed ones too.
fn range() -> impl Strategy<Value = Range<usize>> {
    let start = prop_oneof![Just(0), Just(usize::MAX - 3_000), any::<usize>()];
    let len = prop_oneof![Just(0), Just(1), 2..70_usize, 70..3_000_usize];
    let forward = (start, len).prop_map(|(start, len)| start..start.saturating_add(len));
    let reversed = (1..=usize::MAX, any::<usize>()).prop_map(|(a, b)| a..b % a);
    prop_oneof![9 => forward, 1 => reversed]
}

fn grain() -> impl Strategy<Value = usize> {
    prop_oneof![1..40_usize, Just(1_000), Just(usize::MAX)]
}

fn hints() -> impl Strategy<Value = LoopHints> {
    let partitioner = prop_oneof![
        Just(Partitioner::Auto),
        Just(Partitioner::Static),
        Just(Partitioner::Guided),
        grain().prop_map(Partitioner::Fixed),
    ];
    let granularity = prop_oneof![
        Just(None),
        Just(Some(Granularity::Trivial)),
        Just(Some(Granularity::Light)),
        Just(Some(Granularity::Moderate)),
        Just(Some(Granularity::Heavy)),
    ];
    (partitioner, granularity).prop_map(|(partitioner, granularity)| match granularity {
        None => partitioner.into(),
        Some(granularity) => (partitioner, granularity).into(),
    })
}

/// How often each index of a range was seen.
struct Seen {
    start: usize,
    counts: Vec<AtomicU32>,
}

impl Seen {
    fn none_of(range: &Range<usize>) -> Self {
        Self {
            start: range.start,
            counts: range.clone().map(|_| AtomicU32::new(0)).collect(),
        }
    }

    fn see(&self, index: usize) {
        self.counts[index - self.start].fetch_add(1, Ordering::Relaxed);
    }

    fn times(&self, index: usize) -> u32 {
        self.counts[index - self.start].load(Ordering::Relaxed)
    }

    fn all(&self, claim: impl Fn(u32) -> bool) -> bool {
        self.counts
            .iter()
            .all(|count| claim(count.load(Ordering::Relaxed)))
    }
}

/// A sum that shows its bits, and any other order of its additions.
fn weigh(index: usize) -> f64 {
    1.0 / ((index % 10_007) as f64 + 0.37)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_index_of_any_range_is_run_once(nth in system(), range in range(), hints in hints()) {
        let jobs = &SYSTEMS[nth];
        let seen = Seen::none_of(&range);
        jobs.parallel_for_by(hints, range, |index| seen.see(index));
        prop_assert!(seen.all(|times| times == 1));
    }

    #[test]
    fn pieces_of_any_grain_tile_the_range(nth in system(), range in range(), grain in grain()) {
        let jobs = &SYSTEMS[nth];
        let pieces = Mutex::new(Vec::new());
        jobs.parallel_for_chunks(range.clone(), grain, |piece| pieces.lock().unwrap().push(piece));
        let mut pieces = pieces.into_inner().unwrap();
        pieces.sort_by_key(|piece| piece.start);
        let mut next = range.start;
        for piece in pieces {
            prop_assert_eq!(piece.start, next);
            prop_assert_eq!(piece.len(), grain.min(range.end - next));
            next = piece.end;
        }
        prop_assert_eq!(next, range.end.max(range.start));
    }

    #[test]
    fn no_index_is_run_twice_whichever_bodies_panic(
        nth in system(),
        len in 1..3_000_usize,
        hints in hints(),
        panics in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let jobs = &SYSTEMS[nth];
        let panics: HashSet<usize> = panics.into_iter().map(|at| at.index(len)).collect();
        let (seen, ended) = (Seen::none_of(&(0..len)), Seen::none_of(&(0..len)));
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.parallel_for_by(hints, 0..len, |index| {
                seen.see(index);
                if panics.contains(&index) {
                    std::panic::resume_unwind(Box::new(index));
                }
                ended.see(index);
            });
        }));
        let index = *result.unwrap_err().downcast::<usize>().unwrap();
        prop_assert!(panics.contains(&index));
        prop_assert!(seen.all(|times| times <= 1));
        for index in 0..len {
            let is_cut_short = panics.contains(&index);
            prop_assert_eq!(ended.times(index), if is_cut_short { 0 } else { seen.times(index) });
        }
    }

    #[test]
    fn no_item_is_seen_twice_whichever_piece_or_fold_panics(
        nth in system(),
        len in 1..3_000_usize,
        size in grain(),
        panics in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let jobs = &SYSTEMS[nth];
        let panics: HashSet<usize> = panics.into_iter().map(|at| at.index(len)).collect();
        let meet = |seen: &Seen, index| {
            seen.see(index);
            if panics.contains(&index) {
                std::panic::resume_unwind(Box::new(index));
            }
        };
        let seen = Seen::none_of(&(0..len));
        let mut items: Vec<usize> = (0..len).collect();
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.par_chunks_mut(&mut items, size, |_, piece| {
                piece.iter().for_each(|&item| meet(&seen, item));
            });
        }));
        prop_assert!(panics.contains(&result.unwrap_err().downcast::<usize>().unwrap()));
        prop_assert!(seen.all(|times| times <= 1));
        let seen = Seen::none_of(&(0..len));
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.parallel_reduce(0..len, || (), |(), index| meet(&seen, index), |(), ()| ());
        }));
        prop_assert!(panics.contains(&result.unwrap_err().downcast::<usize>().unwrap()));
        prop_assert!(seen.all(|times| times <= 1));
    }

    #[test]
    fn a_huge_range_is_covered_by_huge_pieces(
        nth in system(),
        start in 0..=usize::MAX / 2,
        pieces in 1..100_usize,
    ) {
        let jobs = &SYSTEMS[nth];
        let len = usize::MAX / 2;
        let covered = AtomicUsize::new(0);
        jobs.parallel_for_chunks(start..start + len, len / pieces, |piece| {
            covered.fetch_add(piece.len(), Ordering::Relaxed);
        });
        prop_assert_eq!(covered.into_inner(), len);
    }

    #[test]
    fn a_panic_in_a_huge_range_comes_out(
        nth in system(),
        start in prop_oneof![Just(0), 0..=usize::MAX / 2],
        at in 0..3_000_usize,
    ) {
        let jobs = &SYSTEMS[nth];
        let range = start..start.saturating_add(usize::MAX / 2);
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.parallel_for(range, |index| {
                if index == start + at {
                    std::panic::resume_unwind(Box::new(index));
                }
            });
        }));
        prop_assert_eq!(*result.unwrap_err().downcast::<usize>().unwrap(), start + at);
    }

    #[test]
    fn a_reduction_has_the_same_bits_on_every_system(range in range()) {
        let sum = |jobs: &JobSystem| {
            jobs.parallel_reduce(range.clone(), || 0.0, |sum, index| sum + weigh(index), |a, b| a + b)
        };
        let first: f64 = sum(&SYSTEMS[0]);
        for jobs in SYSTEMS.iter() {
            prop_assert_eq!(sum(jobs).to_bits(), first.to_bits());
        }
    }

    #[test]
    fn a_reduction_combines_in_index_order(nth in system(), range in range()) {
        let jobs = &SYSTEMS[nth];
        let text = jobs.parallel_reduce(
            range.clone(),
            Vec::new,
            |mut list, index| { list.push(index); list },
            |mut left, right| { left.extend(right); left },
        );
        prop_assert!(text.into_iter().eq(range));
    }

    #[test]
    fn loops_nested_in_reductions_have_the_same_bits(outer in 0..30_usize, inner in 0..300_usize) {
        let nested = |jobs: &JobSystem| jobs.frame(|frame| {
            let rows = frame.alloc_slice_fill_with(outer, |_| 0.0);
            frame.par_for_each_mut_with(rows, |ctx, row| {
                ctx.parallel_for(0..3, |_| ());
                *row = ctx.parallel_sum(0..inner, weigh);
            });
            frame.parallel_sum(0..outer, |row| rows[row])
        });
        let first: f64 = nested(&SYSTEMS[0]);
        for jobs in SYSTEMS.iter() {
            prop_assert_eq!(nested(jobs).to_bits(), first.to_bits());
        }
    }

    #[test]
    fn a_search_agrees_with_a_serial_one(
        nth in system(),
        range in range(),
        hits in prop::collection::hash_set(0..3_000_usize, 0..4),
    ) {
        let jobs = &SYSTEMS[nth];
        let is_hit = |index: usize| hits.contains(&(index - range.start));
        let expected = range.clone().find(|&index| is_hit(index));
        prop_assert_eq!(jobs.parallel_find(range.clone(), is_hit), expected);
        prop_assert_eq!(jobs.parallel_any(range.clone(), is_hit), expected.is_some());
        let fallible = jobs.try_parallel_for(range.clone(), |index| {
            if is_hit(index) { Err(index) } else { Ok(()) }
        });
        prop_assert_eq!(fallible.err(), expected);
        let items: Vec<usize> = range.clone().collect();
        let fallible = jobs.try_par_for_each(&items, |&index| {
            if is_hit(index) { Err(index) } else { Ok(()) }
        });
        prop_assert_eq!(fallible.err(), expected);
        let fallible = jobs.try_parallel_reduce(
            range.clone(),
            || 0,
            |count, index| if is_hit(index) { Err(index) } else { Ok(count + 1) },
            |a, b| a + b,
        );
        prop_assert_eq!(fallible, expected.map_or(Ok(range.len()), Err));
    }

    #[test]
    fn slices_are_walked_once_whatever_their_place(
        nth in system(),
        len in 0..3_000_usize,
        offset in 0..70_usize,
        size in grain(),
    ) {
        let jobs = &SYSTEMS[nth];
        let mut shorts = vec![0_u16; offset + len];
        jobs.par_for_each_mut(&mut shorts[offset..], |short| *short += 1);
        jobs.par_chunks_mut(&mut shorts[offset..], size, |first, piece| {
            assert_eq!(piece.len(), size.min(len - first));
            piece.iter_mut().for_each(|short| *short += 2);
        });
        prop_assert!(shorts[..offset].iter().all(|&short| short == 0));
        prop_assert!(shorts[offset..].iter().all(|&short| short == 3));
    }

    #[test]
    fn a_scan_of_floats_has_the_same_bits_on_every_system(len in 0..10_000_usize) {
        let scan = |jobs: &JobSystem| {
            let mut values: Vec<f64> = (0..len).map(weigh).collect();
            let total = jobs.parallel_scan_exclusive(&mut values, 0.0, |a, b| a + b);
            values.push(total);
            values.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let first = scan(&SYSTEMS[0]);
        for jobs in SYSTEMS.iter() {
            prop_assert_eq!(&scan(jobs), &first);
        }
    }
}
