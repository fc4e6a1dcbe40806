//! Loops and reductions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bywash::JobSystem;

fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 3, 7, 16]
        .into_iter()
        .map(|workers| JobSystem::builder().workers(workers).build().unwrap())
}

#[test]
fn a_loop_runs_each_index_once() {
    for jobs in systems() {
        for len in [0, 1, 2, 3, 63, 64, 65, 1_000, 100_000] {
            let seen: Vec<AtomicU32> = (0..len).map(|_| AtomicU32::new(0)).collect();
            jobs.parallel_for(0..len, |i| {
                seen[i].fetch_add(1, Ordering::Relaxed);
            });
            assert!(
                seen.iter().all(|count| count.load(Ordering::Relaxed) == 1),
                "{len}"
            );
        }
    }
}

#[test]
fn chunks_cover_the_range_and_none_is_longer_than_the_grain() {
    for jobs in systems() {
        for (len, grain) in [(1, 1), (10, 3), (1_000, 256), (1_000, 2_000), (99_999, 10)] {
            let items = AtomicUsize::new(0);
            jobs.parallel_for_chunks(0..len, grain, |range| {
                assert!(range.start % grain == 0 && range.len() <= grain);
                items.fetch_add(range.len(), Ordering::Relaxed);
            });
            assert_eq!(items.into_inner(), len);
        }
    }
}

#[test]
fn a_grain_of_zero_is_refused_with_words() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let refused = catch_unwind(AssertUnwindSafe(|| {
        jobs.parallel_for_chunks(0..10, 0, |_| ())
    }));
    let words = refused.unwrap_err();
    assert!(words.downcast_ref::<&str>().unwrap().contains("grain of 0"));
}

#[test]
fn a_loop_inside_a_loop_runs_each_pair_once() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        jobs.frame(|frame| {
            frame.parallel_for_with(0..40, |ctx, _| {
                ctx.parallel_for(0..500, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            });
        });
        assert_eq!(count.into_inner(), 20_000);
    }
}

#[test]
fn a_reduction_of_floats_is_the_same_bits_for_any_number_of_workers() {
    for len in [0, 1, 2, 1_000, 4_097, 100_003] {
        let mut first = None;
        for jobs in systems() {
            for _ in 0..5 {
                let sum = jobs.parallel_reduce(
                    0..len,
                    || 0.0_f64,
                    |sum, i| sum + 1.0 / (i as f64 + 0.1),
                    |a, b| a + b,
                );
                assert_eq!(*first.get_or_insert(sum.to_bits()), sum.to_bits(), "{len}");
            }
        }
    }
}

#[test]
fn a_panic_in_a_body_comes_out_once_and_no_index_is_seen_twice() {
    for jobs in systems() {
        for at in [0, 1, 500, 9_999] {
            let seen: Vec<AtomicU32> = (0..10_000).map(|_| AtomicU32::new(0)).collect();
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_for(0..10_000, |i| {
                    seen[i].fetch_add(1, Ordering::Relaxed);
                    assert!(i != at, "at the index");
                });
            }));
            assert!(result.is_err());
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) <= 1));
            assert_eq!(seen[at].load(Ordering::Relaxed), 1);
        }
    }
}
