//! Reductions that have a name, and searches.

use super::loops::systems;

#[test]
fn named_reductions_agree_with_their_serial_twins() {
    for jobs in systems() {
        for len in [0, 1, 2, 1_000, 10_007] {
            let value = |i: usize| (i * 7_919) % 1_009;
            assert_eq!(
                jobs.parallel_sum(0..len, value),
                (0..len).map(value).sum::<usize>()
            );
            assert_eq!(jobs.parallel_min(0..len, value), (0..len).map(value).min());
            assert_eq!(jobs.parallel_max(0..len, value), (0..len).map(value).max());
            let is_even = |i: usize| value(i) % 2 == 0;
            assert_eq!(
                jobs.parallel_count(0..len, is_even),
                (0..len).filter(|&i| is_even(i)).count()
            );
            let unordered =
                jobs.parallel_reduce_unordered(0..len, || 0, |sum, i| sum + value(i), |a, b| a + b);
            assert_eq!(unordered, (0..len).map(value).sum::<usize>());
        }
    }
}

#[test]
fn of_equals_the_least_is_the_first_and_the_greatest_the_last() {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Equal;
    struct Tagged(Equal, usize);
    impl PartialEq for Tagged {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Tagged {}
    impl PartialOrd for Tagged {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Tagged {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    for jobs in systems() {
        let least = jobs.parallel_min(5..9_000, |i| Tagged(Equal, i));
        assert_eq!(least.unwrap().1, 5);
        let greatest = jobs.parallel_max(5..9_000, |i| Tagged(Equal, i));
        assert_eq!(greatest.unwrap().1, 8_999);
    }
}

#[test]
fn a_search_finds_the_lowest_index() {
    for jobs in systems() {
        for from in [0, 1, 500, 9_999] {
            let found = jobs.parallel_find(0..10_000, |i| i >= from);
            assert_eq!(found, Some(from));
            assert!(jobs.parallel_any(0..10_000, |i| i == from));
            assert!(!jobs.parallel_all(0..10_000, |i| i != from));
        }
        assert_eq!(jobs.parallel_find(0..10_000, |_| false), None);
        assert!(!jobs.parallel_any(0..10_000, |_| false));
        assert!(jobs.parallel_all(0..10_000, |_| true));
    }
}

#[test]
fn a_search_in_a_huge_range_ends_when_it_has_found() {
    for jobs in systems() {
        let found = jobs.parallel_find(0..usize::MAX / 2, |i| i >= 100_000);
        assert_eq!(found, Some(100_000));
        assert!(jobs.parallel_any(0..usize::MAX, |i| i == 77));
    }
}
