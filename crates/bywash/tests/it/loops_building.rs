//! Collecting, scanning, sorting, tiles, and a value for each worker.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::{JobSystem, PerWorker};

use super::loops::systems;

fn scattered(i: usize) -> usize {
    i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

#[test]
fn a_mapped_range_is_collected_in_order() {
    for jobs in systems() {
        for len in [0, 1, 5, 4_096, 30_001] {
            let texts = jobs.parallel_map_collect(7..7 + len, |i| i.to_string());
            assert!(
                texts
                    .iter()
                    .zip(7..)
                    .all(|(text, i)| *text == i.to_string())
            );
            assert_eq!(texts.len(), len);
        }
        assert_eq!(jobs.parallel_map_collect(0..1_000, |_| ()).len(), 1_000);
    }
}

#[test]
fn what_was_collected_before_a_panic_is_dropped_once() {
    for jobs in systems() {
        for at in [0, 1, 5_000, 9_999] {
            let life = Arc::new(());
            let made = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_map_collect(0..10_000, |i| {
                    assert!(i != at, "at the index");
                    made.fetch_add(1, Ordering::Relaxed);
                    Arc::clone(&life)
                })
            }));
            assert!(result.is_err());
            assert_eq!(Arc::strong_count(&life), 1, "{made:?} were made");
        }
    }
}

#[test]
fn a_collection_that_fails_gives_the_error_at_the_lowest_index_and_drops_the_rest() {
    for jobs in systems() {
        let life = Arc::new(());
        for first in [0, 1, 5_000, 9_999] {
            let result = jobs.try_parallel_map_collect(0..10_000, |i| {
                if i >= first {
                    Err(i)
                } else {
                    Ok(Arc::clone(&life))
                }
            });
            assert_eq!(result.map(|values| values.len()), Err(first));
            assert_eq!(Arc::strong_count(&life), 1);
        }
        let all: Result<Vec<usize>, ()> = jobs.try_parallel_map_collect(5..3_000, Ok);
        assert!(all.unwrap().into_iter().eq(5..3_000));
    }
}

#[test]
fn scans_agree_with_their_serial_twins() {
    for jobs in systems() {
        for len in [0, 1, 2, 4_096, 4_097, 30_001] {
            let values: Vec<usize> = (0..len).map(scattered).collect();
            let mut inclusive = values.clone();
            jobs.parallel_scan_inclusive(&mut inclusive, |a, b| a + b);
            let mut exclusive = values.clone();
            let total = jobs.parallel_scan_exclusive(&mut exclusive, 5, |a, b| a + b);
            let mut sum = 5;
            for index in 0..len {
                assert_eq!(exclusive[index], sum);
                sum += values[index];
                assert_eq!(inclusive[index], sum - 5);
            }
            assert_eq!(total, sum);
        }
    }
}

#[test]
fn a_scan_of_floats_is_the_same_bits_for_any_number_of_workers() {
    for len in [1_000, 4_097, 30_001] {
        let mut first: Option<Vec<u32>> = None;
        for jobs in systems() {
            let mut values: Vec<f32> = (0..len)
                .map(|i| 1.0 / (scattered(i) as f32 + 0.1))
                .collect();
            jobs.parallel_scan_inclusive(&mut values, |a, b| a + b);
            let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
            assert!(*first.get_or_insert_with(|| bits.clone()) == bits, "{len}");
        }
    }
}

#[test]
fn sorts_agree_with_the_standard_librarys() {
    for jobs in systems() {
        for len in [0, 1, 2, 2_049, 100_000] {
            let values: Vec<(usize, usize)> = (0..len).map(|i| (scattered(i) % 100, i)).collect();
            let mut expected = values.clone();
            expected.sort_by_key(|value| value.0);
            let mut sorted = values.clone();
            jobs.parallel_sort_by(&mut sorted, |a, b| a.0.cmp(&b.0));
            assert!(sorted == expected, "stable, {len}");
            let mut sorted = values;
            jobs.parallel_sort_unstable(&mut sorted);
            assert!(sorted == expected, "unstable, {len}");
        }
    }
}

#[test]
fn an_unstable_sort_leaves_equals_in_the_same_places_for_any_number_of_workers() {
    let mut first: Option<Vec<(usize, usize)>> = None;
    for jobs in systems() {
        let mut values: Vec<(usize, usize)> = (0..50_000).map(|i| (scattered(i) % 9, i)).collect();
        jobs.parallel_sort_unstable_by(&mut values, |a, b| a.0.cmp(&b.0));
        assert!(*first.get_or_insert_with(|| values.clone()) == values);
    }
}

#[test]
fn a_panic_in_a_comparison_loses_no_item() {
    for jobs in systems() {
        let calls = AtomicUsize::new(0);
        let mut values: Vec<Box<usize>> = (0..20_000).map(|i| Box::new(scattered(i))).collect();
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.parallel_sort_by(&mut values, |a, b| {
                assert!(calls.fetch_add(1, Ordering::Relaxed) != 100_000, "here");
                a.cmp(b)
            });
        }));
        assert!(result.is_err());
        values.sort();
        let mut expected: Vec<usize> = (0..20_000).map(scattered).collect();
        expected.sort();
        assert!(values.into_iter().map(|value| *value).eq(expected));
    }
}

#[test]
fn tiles_cover_a_matrix_once() {
    for jobs in systems() {
        for (rows, columns) in [(0, 0), (0, 5), (5, 0), (1, 1), (7, 13), (64, 100)] {
            for tile in [(1, 1), (4, 8), (100, 3), (usize::MAX, usize::MAX)] {
                let mut matrix = vec![0; rows * columns];
                if columns != 0 {
                    jobs.par_tiles_mut(&mut matrix, columns, tile, |mut tile| {
                        for row in tile.rows() {
                            let first = tile.columns().start;
                            for (nth, value) in tile.row(row).iter_mut().enumerate() {
                                *value += 1 + row * columns + first + nth;
                            }
                        }
                    });
                }
                assert!(
                    matrix
                        .iter()
                        .enumerate()
                        .all(|(at, &value)| value == at + 1)
                );
                let count = AtomicUsize::new(0);
                jobs.parallel_for_tiles((rows, columns), tile, |rows, columns| {
                    count.fetch_add(rows.len() * columns.len(), Ordering::Relaxed);
                });
                assert_eq!(count.into_inner(), rows * columns);
            }
        }
    }
}

#[test]
fn tiles_that_make_no_sense_are_refused_with_words() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let words = |refused: Box<dyn FnOnce() + '_>| -> String {
        let payload = catch_unwind(AssertUnwindSafe(refused)).unwrap_err();
        *payload.downcast().unwrap()
    };
    let empty = Box::new(|| jobs.parallel_for_tiles((3, 3), (0, 2), |_, _| ()));
    assert!(words(empty).contains("a tile of 0 x 2"));
    let many = Box::new(|| jobs.parallel_for_tiles((usize::MAX, 2), (1, 1), |_, _| ()));
    assert!(words(many).contains("more tiles than"));
    let ragged = Box::new(|| jobs.par_tiles_mut(&mut [1, 2, 3], 2, (1, 1), |_| ()));
    assert!(words(ragged).contains("no whole number of rows"));
}

#[test]
fn each_worker_has_a_value_of_its_own_guests_too() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let mut hits = PerWorker::new(&jobs, || Cell::new(0));
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                jobs.parallel_for_with(0..10_000, |ctx, _| {
                    let mine = hits.get(ctx);
                    mine.set(mine.get() + 1);
                });
            });
        }
    });
    assert_eq!(hits.iter_mut().map(|hit| hit.get()).sum::<u32>(), 50_000);
    assert_eq!(hits.drain().map(Cell::into_inner).sum::<u32>(), 50_000);
    assert_eq!(hits.iter_mut().count(), 0);
}

#[test]
fn a_value_for_each_worker_survives_loops_within_loops() {
    for jobs in systems() {
        let mut lists = PerWorker::new(&jobs, || RefCell::new(Vec::new()));
        jobs.parallel_for_with(0..20, |ctx, i| {
            let mine = lists.get(ctx);
            ctx.parallel_for_with(0..50, |ctx, j| lists.get(ctx).borrow_mut().push(i * 50 + j));
            mine.borrow_mut().push(1_000 + i);
        });
        let mut all: Vec<usize> = lists.drain().flat_map(RefCell::into_inner).collect();
        all.sort();
        assert!(all.into_iter().eq(0..1_020));
    }
}

#[test]
fn a_value_for_each_worker_refuses_the_context_of_another_system() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let other = JobSystem::builder().workers(1).build().unwrap();
    let values = PerWorker::new(&jobs, || Cell::new(0));
    let refused = catch_unwind(AssertUnwindSafe(|| {
        other.frame(|frame| values.get(frame).set(1));
    }));
    let words = refused.unwrap_err();
    assert!(
        words
            .downcast_ref::<&str>()
            .unwrap()
            .contains("another job system")
    );
}
