//! Loops over slices: every item once, in the piece that was asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::loops::systems;

const LENGTHS: [usize; 7] = [0, 1, 7, 64, 1_000, 1_023, 20_001];

#[test]
fn each_item_of_a_slice_is_changed_once_wherever_it_begins() {
    for jobs in systems() {
        for len in LENGTHS {
            for offset in [0, 1, 3] {
                let mut bytes = vec![0_u8; len + offset];
                jobs.par_for_each_mut(&mut bytes[offset..], |byte| *byte += 1);
                assert!(bytes[..offset].iter().all(|&byte| byte == 0));
                assert!(bytes[offset..].iter().all(|&byte| byte == 1));
                let mut triples = vec![[0_u64; 3]; len + offset];
                jobs.par_for_each_mut(&mut triples[offset..], |triple| triple[1] += 1);
                assert!(triples[offset..].iter().all(|&triple| triple == [0, 1, 0]));
            }
        }
    }
}

#[test]
fn each_item_of_a_shared_slice_is_seen_once() {
    for jobs in systems() {
        let words: Vec<AtomicUsize> = (0..5_000).map(|_| AtomicUsize::new(0)).collect();
        jobs.par_for_each(&words, |word| {
            word.fetch_add(1, Ordering::Relaxed);
        });
        jobs.par_chunks(&words, 64, |first, piece| {
            for (index, word) in piece.iter().enumerate() {
                word.fetch_add(first + index, Ordering::Relaxed);
            }
        });
        for (index, word) in words.into_iter().enumerate() {
            assert_eq!(word.into_inner(), index + 1);
        }
    }
}

#[test]
fn chunks_of_a_slice_are_as_long_as_asked_and_know_where_they_begin() {
    for jobs in systems() {
        for len in LENGTHS {
            for size in [1, 3, 16, 100, usize::MAX] {
                let mut xs = vec![usize::MAX; len];
                jobs.par_chunks_mut(&mut xs, size, |first, piece| {
                    assert_eq!(piece.len(), size.min(len - first));
                    for (index, x) in piece.iter_mut().enumerate() {
                        assert_eq!(*x, usize::MAX);
                        *x = first + index;
                    }
                });
                assert!(xs.iter().enumerate().all(|(index, &x)| x == index));
            }
        }
    }
}

#[test]
fn items_without_size_are_each_seen_once() {
    for jobs in systems() {
        let mut units = vec![(); 1_000];
        let count = AtomicUsize::new(0);
        jobs.par_for_each_mut(&mut units, |()| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        jobs.par_chunks_mut(&mut units, 16, |_, piece| {
            count.fetch_add(piece.len(), Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 2_000);
    }
}

#[test]
fn slices_in_step_meet_at_the_same_index() {
    for jobs in systems() {
        for len in LENGTHS {
            let a: Vec<usize> = (0..len).collect();
            let (mut b, mut c) = (vec![0_u8; len], vec![0; len]);
            let d = vec![10_u16; len];
            jobs.par_zip((&a[..], &mut c[..]), |(a, c)| *c += a);
            jobs.par_zip((&a[..], &mut b[..], &mut c[..], &d[..]), |(a, b, c, &d)| {
                *b += 1;
                *c += a * usize::from(d);
            });
            assert!(b.iter().all(|&b| b == 1));
            assert!(c.iter().enumerate().all(|(index, &c)| c == index * 11));
            jobs.par_zip_chunks((&a[..], &mut c[..]), 10, |first, (a, c)| {
                assert_eq!(a.first(), Some(&first));
                c.copy_from_slice(a);
            });
            assert_eq!(a, c);
        }
    }
}

#[test]
fn slices_of_different_length_are_refused_with_words() {
    for jobs in systems() {
        let (a, mut b) = ([1, 2, 3], [1, 2]);
        let refused = catch_unwind(AssertUnwindSafe(|| {
            jobs.par_zip((&a[..], &mut b[..]), |_| unreachable!());
        }));
        let words = refused.unwrap_err();
        assert!(
            words
                .downcast_ref::<String>()
                .unwrap()
                .contains("equally long")
        );
    }
}

#[test]
fn a_panic_in_a_chunk_leaves_each_item_changed_at_most_once() {
    for jobs in systems() {
        let mut xs = vec![0; 10_000];
        let result = catch_unwind(AssertUnwindSafe(|| {
            jobs.par_chunks_mut(&mut xs, 10, |first, piece| {
                piece.iter_mut().for_each(|x| *x += 1);
                assert!(first != 5_000, "at the chunk");
            });
        }));
        assert!(result.is_err());
        assert!(xs.iter().all(|&x| x <= 1));
        assert!(xs[5_000..5_010].iter().all(|&x| x == 1));
    }
}
