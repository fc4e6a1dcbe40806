//! Work of a chosen length that no compiler shortens and no core overlaps: dependent multiplications.

use std::hint::black_box;

/// A task of a nominal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Dependent steps.
    pub steps: u32,
    /// How many such tasks make one measurement.
    pub count: usize,
}

/// About 20 ns: 18 steps of about four cycles.
pub(crate) const NS_20: Task = Task {
    steps: 18,
    count: 50_000,
};
/// About 120 ns.
pub(crate) const NS_120: Task = Task {
    steps: 110,
    count: 50_000,
};
/// About 1,350 ns.
pub(crate) const NS_1350: Task = Task {
    steps: 1_250,
    count: 10_000,
};
/// About 13,600 ns.
pub(crate) const NS_13600: Task = Task {
    steps: 12_500,
    count: 1_000,
};

/// Runs the chain from `seed` and returns its end.
#[inline]
pub(crate) fn run(seed: u64, steps: u32) -> u64 {
    let mut value = black_box(seed);
    for _ in 0..steps {
        value = value
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Keeps the optimiser from composing steps: the chain is affine.
        value ^= value >> 63;
    }
    value
}

/// One item of the loop rows: a Fibonacci loop of `steps` steps from `start`. The caller hides
/// the number of steps from the compiler, which would otherwise solve the recurrence.
#[inline]
pub(crate) fn fibonacci_steps(start: u64, steps: u32) -> u64 {
    let (mut previous, mut current) = (start, start.wrapping_add(1));
    for _ in 0..steps {
        (previous, current) = (current, previous.wrapping_add(current));
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_steps_from_zero_reach_the_sixteenth_fibonacci_number() {
        assert_eq!(fibonacci_steps(0, 15), 987);
        assert_eq!(fibonacci_steps(1, 0), 2);
    }
}
