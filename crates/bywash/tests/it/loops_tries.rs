//! Loops that may fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::loops::systems;

#[test]
fn the_error_at_the_lowest_index_wins() {
    for jobs in systems() {
        for first in [0, 1, 4_000, 9_000] {
            let seen: Vec<AtomicU32> = (0..10_000).map(|_| AtomicU32::new(0)).collect();
            let result = jobs.try_parallel_for(0..10_000, |i| {
                seen[i].fetch_add(1, Ordering::Relaxed);
                if i >= first { Err(i) } else { Ok(()) }
            });
            assert_eq!(result, Err(first));
            for (index, count) in seen.iter().enumerate() {
                let count = count.load(Ordering::Relaxed);
                assert!(if index <= first {
                    count == 1
                } else {
                    count <= 1
                });
            }
            let result = jobs.try_parallel_reduce(
                0..10_000,
                || 0,
                |sum, i| if i >= first { Err(i) } else { Ok(sum + i) },
                |a, b| a + b,
            );
            assert_eq!(result, Err(first));
        }
        let calls = AtomicUsize::new(0);
        let result: Result<(), ()> = jobs.try_parallel_for(0..1_000, |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        assert_eq!((result, calls.into_inner()), (Ok(()), 1_000));
        let sum: Result<usize, ()> =
            jobs.try_parallel_reduce(0..1_000, || 0, |sum, i| Ok(sum + i), |a, b| a + b);
        assert_eq!(sum, Ok(499_500));
    }
}

#[test]
fn the_error_of_the_first_item_of_a_slice_wins() {
    for jobs in systems() {
        for first in [0, 1, 4_000, 9_000] {
            let mut items: Vec<usize> = (0..10_000).collect();
            let fail = |item: usize| if item >= first { Err(item) } else { Ok(()) };
            let result = jobs.try_par_for_each(&items, |&item| fail(item));
            assert_eq!(result, Err(first));
            let result = jobs.try_par_for_each_mut(&mut items, |item| {
                let result = fail(*item);
                *item += 10_000;
                result
            });
            assert_eq!(result, Err(first));
            // All before it, and it, were changed once; what lies behind at most once.
            for (index, &item) in items.iter().enumerate() {
                assert!(item == index + 10_000 || index > first && item == index);
            }
        }
    }
}

#[test]
fn the_error_of_the_first_piece_wins() {
    for jobs in systems() {
        for size in [1, 7, 64, 20_000] {
            let (mut a, b) = (vec![0_u8; 10_000], vec![1_u8; 10_000]);
            let fail = |at: usize| if at + size > 5_000 { Err(at) } else { Ok(()) };
            let first = Err(5_000 / size * size);
            assert_eq!(jobs.try_par_chunks(&b, size, |at, _| fail(at)), first);
            let result = jobs.try_par_chunks_mut(&mut a, size, |at, piece| {
                piece.fill(1);
                fail(at)
            });
            assert_eq!(result, first);
            assert!(a[..5_000].iter().all(|&item| item == 1));
            let slices = (&mut a[..], &b[..]);
            let result = jobs.try_par_zip_chunks(slices, size, |at, _| fail(at));
            assert_eq!(result, first);
            let result = jobs.try_parallel_for_chunks(0..10_000, size, |piece| fail(piece.start));
            assert_eq!(result, first);
        }
    }
}

#[test]
fn slices_whose_items_are_all_well_are_walked_once() {
    for jobs in systems() {
        let (mut a, b) = (vec![1_u32; 5_000], vec![2_u32; 5_000]);
        let result = jobs.try_par_zip((&mut a[..], &b[..]), |(a, b)| {
            *a += b;
            Ok::<_, ()>(())
        });
        assert_eq!(result, Ok(()));
        let result = jobs.try_par_chunks_mut(&mut a, 13, |_, piece| {
            piece.iter_mut().for_each(|item| *item += 3);
            Ok::<_, ()>(())
        });
        assert_eq!(result, Ok(()));
        assert!(a.iter().all(|&item| item == 6));
    }
}

#[test]
fn a_panic_comes_out_of_a_loop_that_may_fail() {
    for jobs in systems() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.try_par_for_each(&[0; 1_000], |_| -> Result<(), ()> { panic!("in the body") })
        }));
        assert!(result.is_err());
    }
}
