//! The divide-and-conquer programs, written once and compiled for each library in its own idiom.
//!
//! A macro rather than a trait: what a library passes along (nothing, a scope, a worker, a
//! context) reaches the recursion exactly as its users would write it, with no adapter between.
//! The serial form is the same code with a join that calls one side after the other.

use super::hierarchy::{Joint, Matrix};
use super::matrix::{TILE, multiply_tile, quarters, quarters_mut};
use super::tree::Tree;
use super::unbalanced::Node;

/// Elements below which `sort` hands over to the standard library.
pub(crate) const SORT_SERIALLY: usize = 2_048;
/// Elements below which `merge` goes on alone.
pub(crate) const MERGE_SERIALLY: usize = 4_096;

macro_rules! fib {
    ($context:ty, $join:ident) => {
        /// The Fibonacci number, by its recursion, a fork at every call.
        pub(crate) fn fib(cx: $context, n: u32) -> u64 {
            if n < 2 {
                return u64::from(n);
            }
            let (a, b) = $join!(cx, |cx| fib(cx, n - 1), |cx| fib(cx, n - 2));
            a + b
        }
    };
}

macro_rules! programs {
    ($(#[$doc:meta])* $module:ident, $context:ty, $join:ident) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use super::*;

            fib!($context, $join);

            /// The sum of a tree, its first-built side given first.
            pub(crate) fn tree(cx: $context, node: &Tree) -> u64 {
                let (left, right) = $join!(
                    cx,
                    |cx| node.left.as_deref().map_or(0, |node| tree(cx, node)),
                    |cx| node.right.as_deref().map_or(0, |node| tree(cx, node))
                );
                node.value + left + right
            }

            /// The sum of a tree, its first-built side given second.
            pub(crate) fn tree_reversed(cx: $context, node: &Tree) -> u64 {
                let (right, left) = $join!(
                    cx,
                    |cx| node.right.as_deref().map_or(0, |node| tree_reversed(cx, node)),
                    |cx| node.left.as_deref().map_or(0, |node| tree_reversed(cx, node))
                );
                node.value + left + right
            }

            /// Placements of the remaining queens: columns and diagonals as bit sets.
            pub(crate) fn queens(cx: $context, all: u32, columns: u32, left: u32, right: u32) -> u64 {
                if columns == all {
                    return 1;
                }
                let free = all & !(columns | left | right);
                candidates(cx, all, columns, left, right, free)
            }

            /// One fork for each square but the last that the next queen may take.
            fn candidates(
                cx: $context,
                all: u32,
                columns: u32,
                left: u32,
                right: u32,
                free: u32,
            ) -> u64 {
                if free == 0 {
                    return 0;
                }
                let square = free & free.wrapping_neg();
                let rest = free ^ square;
                let (columns_after, left_after, right_after) =
                    (columns | square, (left | square) << 1, (right | square) >> 1);
                if rest == 0 {
                    return queens(cx, all, columns_after, left_after, right_after);
                }
                let (here, elsewhere) = $join!(
                    cx,
                    |cx| queens(cx, all, columns_after, left_after, right_after),
                    |cx| candidates(cx, all, columns, left, right, rest)
                );
                here + elsewhere
            }

            /// The sum of the numbers of the leaves below an actor that has ten children, each of
            /// them ten, down to `size` leaves.
            pub(crate) fn skynet(cx: $context, first: u64, size: u64) -> u64 {
                if size == 1 {
                    return first;
                }
                siblings(cx, first, size / 10, 10)
            }

            fn siblings(cx: $context, first: u64, size: u64, count: u64) -> u64 {
                if count == 1 {
                    return skynet(cx, first, size);
                }
                let half = count / 2;
                let (here, there) = $join!(
                    cx,
                    |cx| siblings(cx, first, size, half),
                    |cx| siblings(cx, first + half * size, size, count - half)
                );
                here + there
            }

            /// The number of nodes of an unbalanced tree from `node` on.
            pub(crate) fn unbalanced(cx: $context, node: &Node) -> u64 {
                match node.children() {
                    0 => 1,
                    count => 1 + unbalanced_children(cx, node, 0, count),
                }
            }

            fn unbalanced_children(cx: $context, node: &Node, from: u32, to: u32) -> u64 {
                if to - from == 1 {
                    return unbalanced(cx, &node.child(from));
                }
                let middle = from + (to - from) / 2;
                let (here, there) = $join!(
                    cx,
                    |cx| unbalanced_children(cx, node, from, middle),
                    |cx| unbalanced_children(cx, node, middle, to)
                );
                here + there
            }

            /// Places every node of a hierarchy in the world; the sum of where they stand.
            pub(crate) fn transforms(cx: $context, node: &Joint, parent: &Matrix) -> u64 {
                let world = node.world(parent);
                let here = (world[3] + world[7]) as u64;
                here + transform_siblings(cx, &node.children, &world)
            }

            fn transform_siblings(cx: $context, nodes: &[Joint], parent: &Matrix) -> u64 {
                match nodes {
                    [] => 0,
                    [node] => transforms(cx, node, parent),
                    _ => {
                        let (some, others) = nodes.split_at(nodes.len() / 2);
                        let (here, there) = $join!(
                            cx,
                            |cx| transform_siblings(cx, some, parent),
                            |cx| transform_siblings(cx, others, parent)
                        );
                        here + there
                    }
                }
            }

            /// `out += left · right`, the four quarters of the product in parallel.
            pub(crate) fn multiply(cx: $context, left: &[f32], right: &[f32], out: &mut [f32]) {
                if out.len() == TILE * TILE {
                    return multiply_tile(left, right, out);
                }
                let [a, b, c, d] = quarters(left);
                let [e, f, g, h] = quarters(right);
                let [upper_left, upper_right, lower_left, lower_right] = quarters_mut(out);
                $join!(
                    cx,
                    |cx| {
                        $join!(
                            cx,
                            |cx| add_two(cx, [a, e], [b, g], upper_left),
                            |cx| add_two(cx, [a, f], [b, h], upper_right)
                        )
                    },
                    |cx| {
                        $join!(
                            cx,
                            |cx| add_two(cx, [c, e], [d, g], lower_left),
                            |cx| add_two(cx, [c, f], [d, h], lower_right)
                        )
                    }
                );
            }

            fn add_two(cx: $context, first: [&[f32]; 2], second: [&[f32]; 2], out: &mut [f32]) {
                multiply(cx, first[0], first[1], out);
                multiply(cx, second[0], second[1], out);
            }

            /// Sorts by quarters and merges in parallel; `spare` is as long as `data`.
            pub(crate) fn sort(cx: $context, data: &mut [u32], spare: &mut [u32]) {
                if data.len() <= SORT_SERIALLY {
                    return data.sort_unstable();
                }
                let half = data.len() / 2;
                {
                    let (low, high) = data.split_at_mut(half);
                    let (spare_low, spare_high) = spare.split_at_mut(half);
                    $join!(
                        cx,
                        |cx| sort_half(cx, low, spare_low),
                        |cx| sort_half(cx, high, spare_high)
                    );
                }
                let (low, high) = spare.split_at(half);
                merge(cx, low, high, data);
            }

            /// Sorts two quarters and merges them into `out`.
            fn sort_half(cx: $context, data: &mut [u32], out: &mut [u32]) {
                let quarter = data.len() / 2;
                {
                    let (low, high) = data.split_at_mut(quarter);
                    let (spare_low, spare_high) = out.split_at_mut(quarter);
                    $join!(
                        cx,
                        |cx| sort(cx, low, spare_low),
                        |cx| sort(cx, high, spare_high)
                    );
                }
                let (low, high) = data.split_at(quarter);
                merge(cx, low, high, out);
            }

            fn merge(cx: $context, one: &[u32], other: &[u32], out: &mut [u32]) {
                if out.len() <= MERGE_SERIALLY {
                    return merge_serially(one, other, out);
                }
                let (longer, shorter) = if one.len() >= other.len() {
                    (one, other)
                } else {
                    (other, one)
                };
                let middle = longer.len() / 2;
                let cut = shorter.partition_point(|value| *value < longer[middle]);
                let (longer_low, longer_high) = longer.split_at(middle);
                let (shorter_low, shorter_high) = shorter.split_at(cut);
                let (out_low, out_high) = out.split_at_mut(middle + cut);
                $join!(
                    cx,
                    |cx| merge(cx, longer_low, shorter_low, out_low),
                    |cx| merge(cx, longer_high, shorter_high, out_high)
                );
            }
        }
    };
}

fn merge_serially(one: &[u32], other: &[u32], out: &mut [u32]) {
    let (mut from_one, mut from_other) = (0, 0);
    for slot in out {
        let is_from_one = from_other == other.len()
            || (from_one < one.len() && one[from_one] <= other[from_other]);
        if is_from_one {
            *slot = one[from_one];
            from_one += 1;
        } else {
            *slot = other[from_other];
            from_other += 1;
        }
    }
}

macro_rules! join_serially {
    ($cx:expr, |$a:ident| $left:expr, |$b:ident| $right:expr) => {{
        let (left, right): ((), ()) = ($cx, $cx);
        (
            {
                let $a = left;
                $left
            },
            {
                let $b = right;
                $right
            },
        )
    }};
}

/// Hides the second side's result, so that the compiler cannot turn the second call into a loop.
macro_rules! join_by_calls {
    ($cx:expr, |$a:ident| $left:expr, |$b:ident| $right:expr) => {{
        let (left, right) = join_serially!($cx, |$a| $left, |$b| $right);
        (left, std::hint::black_box(right))
    }};
}

macro_rules! join_rayon {
    ($cx:expr, |$a:ident| $left:expr, |$b:ident| $right:expr) => {{
        let (left, right): ((), ()) = ($cx, $cx);
        rayon::join(
            move || {
                let $a = left;
                $left
            },
            move || {
                let $b = right;
                $right
            },
        )
    }};
}

macro_rules! join_method {
    ($cx:expr, |$a:ident| $left:expr, |$b:ident| $right:expr) => {
        $cx.join(|$a| $left, |$b| $right)
    };
}

programs!(
    /// One side after the other, on one thread: the floor.
    serial, (), join_serially
);

/// The same, with every call really made: what the parallel forms do, less the parallelism.
pub(crate) mod serial_calls {
    fib!((), join_by_calls);
}

programs!(
    /// With `bywash::Context::join`.
    with_bywash, &bywash::Context<'_>, join_method
);
programs!(
    /// With `rayon::join`.
    with_rayon, (), join_rayon
);
programs!(
    /// With `chili::Scope::join`, which runs its second side first and forks for one call in 64.
    with_chili, &mut chili::Scope<'_>, join_method
);
programs!(
    /// With `forte::Worker::join`.
    with_forte, &forte::Worker, join_method
);

#[cfg(test)]
mod tests {
    use super::super::hierarchy::IDENTITY;
    use super::super::matrix::{small_numbers, sum_of_product};
    use super::*;
    use crate::harness::statistics::SplitMix64;

    #[test]
    fn the_programs_give_the_known_answers() {
        assert_eq!(serial::fib((), 20), 6_765);
        assert_eq!(serial::tree((), &Tree::perfect(10)), 1_023);
        assert_eq!(serial::tree_reversed((), &Tree::perfect(10)), 1_023);
        assert_eq!(serial::queens((), (1 << 8) - 1, 0, 0, 0), 92);
        assert_eq!(serial::skynet((), 0, 1_000), 499_500);
        let joints = Joint::tree(4, 4);
        let sum = serial::transforms((), &joints, &IDENTITY);
        assert_eq!(sum, Joint::known_sum(4, 4));
    }

    #[test]
    fn a_sorted_answer_is_sorted_and_complete() {
        let mut random = SplitMix64::new(1);
        let mut data: Vec<u32> = (0..50_001).map(|_| random.next_u64() as u32).collect();
        let mut expected = data.clone();
        expected.sort_unstable();
        let mut spare = vec![0; data.len()];
        serial::sort((), &mut data, &mut spare);
        assert_eq!(data, expected);
    }

    #[test]
    fn a_product_by_quarters_has_the_sum_that_rows_and_columns_foretell() {
        let (left, right) = (small_numbers(128, 1), small_numbers(128, 2));
        let mut out = vec![0.0; 128 * 128];
        serial::multiply((), &left, &right, &mut out);
        let sum: f64 = out.iter().map(|&value| f64::from(value)).sum();
        assert_eq!(sum, sum_of_product(&left, &right));
    }
}
