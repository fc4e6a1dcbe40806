//! Loops and reductions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bywash::{Granularity, JobSystem, LoopHints, Partitioner};

pub(crate) fn systems() -> impl Iterator<Item = JobSystem> {
    [1, 2, 3, 7, 16, 32]
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
    let refuse = |name: &str, call: &dyn Fn()| {
        let words = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let words = words.downcast_ref::<&str>();
        assert!(words.unwrap().contains("grain of 0"), "{name}");
    };
    let items = [1, 2, 3];
    let mine = || items;
    refuse("chunks", &|| jobs.parallel_for_chunks(0..10, 0, |_| ()));
    refuse("with", &|| {
        jobs.parallel_for_chunks_with(0..10, 0, |_, _| ());
    });
    refuse("spawn", &|| {
        jobs.frame(|frame| _ = frame.spawn_for_chunks(0..10, 0, |_| ()));
    });
    refuse("slice", &|| jobs.par_chunks(&items, 0, |_, _| ()));
    refuse("mut", &|| jobs.par_chunks_mut(&mut mine(), 0, |_, _| ()));
    refuse("zip", &|| {
        jobs.par_zip_chunks((&items[..], &mut mine()[..]), 0, |_, _| ());
    });
    refuse("try", &|| {
        _ = jobs.try_parallel_for_chunks(0..10, 0, |_| Ok::<_, ()>(()));
    });
    refuse("try slice", &|| {
        _ = jobs.try_par_chunks(&items, 0, |_, _| Ok::<_, ()>(()));
    });
    refuse("empty", &|| jobs.parallel_for_chunks(0..0, 0, |_| ()));
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

#[test]
fn hints_change_nothing_that_a_loop_does() {
    let mut hints: Vec<LoopHints> = vec![
        Partitioner::Auto.into(),
        Partitioner::Static.into(),
        Partitioner::Guided.into(),
        Granularity::Trivial.into(),
        Granularity::Light.into(),
        Granularity::Moderate.into(),
        (Partitioner::Guided, Granularity::Heavy).into(),
    ];
    hints.extend([1, 7, usize::MAX].map(|count| LoopHints::from(Partitioner::Fixed(count))));
    for jobs in systems() {
        for &hints in &hints {
            let seen: Vec<AtomicU32> = (0..3_000).map(|_| AtomicU32::new(0)).collect();
            jobs.parallel_for_by(hints, 0..3_000, |i| {
                seen[i].fetch_add(1, Ordering::Relaxed);
            });
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }
}

#[test]
fn a_partitioner_that_makes_no_progress_is_refused_with_words() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let refused = catch_unwind(AssertUnwindSafe(|| {
        jobs.parallel_for_by(Partitioner::Fixed(0), 0..10, |_| ())
    }));
    let words = refused.unwrap_err();
    assert!(words.downcast_ref::<&str>().unwrap().contains("Fixed(0)"));
}

#[test]
fn a_panic_in_a_huge_range_comes_out_though_the_rest_would_take_years() {
    for jobs in systems() {
        for (range, at) in [
            (0..usize::MAX / 2, 0),
            (0..usize::MAX / 2, 100_000),
            (0..usize::MAX, 3),
            (usize::MAX - 100..usize::MAX, usize::MAX - 1),
        ] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_for(range.clone(), |i| assert!(i != at, "at the index"));
            }));
            assert!(result.is_err());
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_reduce(
                    range,
                    || (),
                    |(), i| assert!(i != at, "at the index"),
                    |(), ()| (),
                );
            }));
            assert!(result.is_err());
        }
    }
}

#[test]
fn a_grain_larger_than_the_range_is_one_piece() {
    for jobs in systems() {
        for range in [3..10, usize::MAX - 7..usize::MAX] {
            let pieces = AtomicUsize::new(0);
            jobs.parallel_for_chunks(range.clone(), usize::MAX, |piece| {
                assert_eq!(piece, range);
                pieces.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(pieces.into_inner(), 1);
        }
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "they are what is tested")]
fn a_reversed_range_is_empty() {
    for jobs in systems() {
        jobs.parallel_for(10..3, |_| unreachable!());
        jobs.parallel_for_chunks(10..3, 4, |_| unreachable!());
        assert_eq!(jobs.parallel_reduce(10..3, || 7, |_, _| 0, |_, _| 0), 7);
        assert_eq!(jobs.parallel_find(usize::MAX..0, |_| true), None);
    }
}

#[test]
fn more_workers_than_slices_run_each_index_once() {
    let jobs = JobSystem::builder().workers(100).build().unwrap();
    for _ in 0..20 {
        let seen: Vec<AtomicU32> = (0..20_000).map(|_| AtomicU32::new(0)).collect();
        jobs.parallel_for_by(Granularity::Heavy, 0..20_000, |i| {
            seen[i].fetch_add(1, Ordering::Relaxed);
        });
        assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn guests_that_share_slices_run_each_index_once() {
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let seen: Vec<AtomicU32> = (0..2_000).map(|_| AtomicU32::new(0)).collect();
                    jobs.parallel_for_by(Granularity::Heavy, 0..2_000, |i| {
                        seen[i].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            });
        }
    });
}

#[test]
fn a_loop_that_was_spawned_is_done_when_its_counter_is_zero() {
    for jobs in systems() {
        let sum = AtomicUsize::new(0);
        let add = |i| {
            sum.fetch_add(i, Ordering::Relaxed);
        };
        jobs.frame(|frame| {
            let counter = frame.spawn_for(0..1_000, add);
            frame.wait(counter);
            assert_eq!(sum.swap(0, Ordering::Relaxed), 499_500);
            let counter = frame.spawn_for_chunks(0..1_000, 64, |piece| piece.for_each(add));
            frame.wait(counter);
            assert_eq!(sum.swap(0, Ordering::Relaxed), 499_500);
            let counter = frame.spawn_for_with(0..10, |ctx, i| {
                ctx.spawn_detached(move |_| add(i));
            });
            frame.wait(counter);
            let counter = frame.spawn_for_by(Granularity::Heavy, 0..10, add);
            frame.spawn_after(counter, |_| add(10));
        });
        assert_eq!(sum.into_inner(), 100);
    }
}

#[test]
fn a_panic_in_a_loop_that_was_spawned_comes_out_at_the_frames_end() {
    for jobs in systems() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let counter = frame.spawn_for(0..100, |i| assert!(i != 50, "at the index"));
                frame.wait(counter);
                17
            })
        }));
        assert!(result.is_err());
    }
}

#[test]
fn partials_are_dropped_once_when_a_body_panics() {
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    struct Part;
    impl Part {
        fn new() -> Self {
            LIVE.fetch_add(1, Ordering::Relaxed);
            Self
        }
    }
    impl Drop for Part {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    for jobs in systems() {
        for at in [0, 700, 9_999] {
            let fold = |part, i| {
                assert!(i != at, "at the index");
                part
            };
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_reduce(0..10_000, Part::new, fold, |a, _| a)
            }));
            assert!(result.is_err());
            let calls = AtomicUsize::new(0);
            let combine = |a, _| {
                assert!(calls.fetch_add(1, Ordering::Relaxed) != at, "at the call");
                a
            };
            let result = catch_unwind(AssertUnwindSafe(|| {
                jobs.parallel_reduce(0..10_000, Part::new, |part, _| part, combine)
            }));
            drop(result);
            assert_eq!(LIVE.load(Ordering::Relaxed), 0);
        }
    }
}

#[test]
fn a_loop_inside_a_reduction_gives_the_same_bits() {
    let mut first = None;
    for jobs in systems() {
        let sum = jobs.frame(|frame| {
            let row = |i: usize| 1.0 / (i as f32 + 0.3);
            let rows = frame.alloc_slice_fill_with(50, |_| 0.0);
            frame.par_for_each_mut_with(rows, |ctx, row_sum| {
                *row_sum = ctx.parallel_sum(0..2_000, row);
            });
            frame.parallel_sum(0..50, |i| rows[i])
        });
        assert_eq!(*first.get_or_insert(sum.to_bits()), sum.to_bits());
    }
}

#[test]
fn the_bodies_of_a_heavy_loop_may_meet() {
    for workers in [2, 3, 7, 16] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let arrived = AtomicUsize::new(0);
        for round in 1..=50 {
            // No ticket may be left behind a body that waits for who would take it.
            jobs.parallel_for_by(Granularity::Heavy, 0..workers, |_| {
                arrived.fetch_add(1, Ordering::AcqRel);
                while arrived.load(Ordering::Acquire) < workers * round {
                    std::thread::yield_now();
                }
            });
        }
    }
}

#[test]
fn every_loop_has_a_form_whose_body_gets_a_context() {
    for jobs in systems() {
        let count = AtomicUsize::new(0);
        let add = |items: usize| {
            count.fetch_add(items, Ordering::Relaxed);
        };
        let (mut a, b) = (vec![0; 100], vec![1; 100]);
        jobs.parallel_for_chunks_with(0..100, 7, |ctx, piece| {
            ctx.parallel_for(piece, |_| add(1));
        });
        jobs.parallel_for_tiles_with((10, 10), (3, 3), |ctx, rows, columns| {
            let items = rows.len() * columns.len();
            ctx.spawn_detached(move |_| std::hint::black_box(()));
            add(items);
        });
        jobs.par_for_each_with(&b, |ctx, &one| ctx.parallel_for(0..1, |_| add(one)));
        jobs.par_chunks_with(&b, 9, |_, _, piece| add(piece.len()));
        jobs.par_chunks_mut_with(&mut a, 9, |_, _, piece| add(piece.len()));
        jobs.par_zip_with((&mut a[..], &b[..]), |_, (a, b)| *a += b);
        jobs.par_zip_chunks_with((&mut a[..], &b[..]), 16, |_, _, (a, b)| add(a.len() * b[0]));
        jobs.par_tiles_mut_with(&mut a, 20, (2, 7), |_, mut tile| {
            for row in tile.rows() {
                add(tile.row(row).iter().sum());
            }
        });
        let sum = jobs.parallel_reduce_with(
            0..100,
            || 0,
            |ctx, sum, i| sum + ctx.parallel_count(0..i, |_| true),
            |a, b| a + b,
        );
        assert_eq!((count.into_inner(), sum), (700, 4_950));
    }
}
