//! Rows with whole programs: searches, actors, an unbalanced tree, a matrix product, a sort.

use super::fork_join::{ForkJoin, Per, everywhere};
use crate::harness::row::{Contender, Goal, Row, Setting};
use crate::harness::statistics::SplitMix64;
use crate::workloads::matrix::{small_numbers, sum_of_product};
use crate::workloads::unbalanced::{Node, T1_NODES};

pub(super) static ROWS: &[Row] = table! {
    row("nqueens_12",   QUEENS_12, |s| queens(s, 12, 14_200, s.repeats(16, 4)));
    row("nqueens_14",   QUEENS_14, |s| queens(s, 14, 365_596, 1));
    row("skynet_1e6",   SKYNET,    |s| skynet(s, 1_000_000));
    row("uts_t1",       UNBALANCED, unbalanced);
    row("matmul_512",   PRODUCT,   |s| multiply(s, 512));
    row("cilksort_1e6", SORT,      |s| sort(s, 1_000_000));
};

const QUEENS_12: &str = "all 14,200 placements of 12 queens, a fork at every candidate square";
const QUEENS_14: &str = "all 365,596 placements of 14 queens, a fork at every candidate square";
const SKYNET: &str = "the sum of 1,000,000 leaves below actors of ten children each";
const UNBALANCED: &str =
    "the unbalanced tree T1, 4,130,071 nodes, a SHA-1 digest a node, a fork a child";
const PRODUCT: &str = "the product of two 512 × 512 matrices by quarters, down to tiles of 32";
const SORT: &str = "1,000,000 numbers sorted by quarters and merged in parallel";

const GOALS: &[Goal] = &[Goal::FIRST, Goal::speed_up(1.95).on(2)];

const fn row(
    name: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ms", timed, contenders)
        .required(&["rayon", "chili", "forte"])
        .goals(GOALS)
        .note("Libraries are entered before the clock starts.")
}

fn queens(setting: &Setting, size: u32, answer: u64, calls: usize) -> Vec<Contender> {
    let programs = everywhere!(|cx, all: &u32, sum: &mut u64| *sum += queens(cx, *all, 0, 0, 0));
    ForkJoin::adding(programs, (1 << size) - 1, answer, Per::Call)
        .calls(calls)
        .contenders(setting)
}

fn skynet(setting: &Setting, leaves: u64) -> Vec<Contender> {
    let programs = everywhere!(|cx, leaves: &u64, sum: &mut u64| *sum += skynet(cx, 0, *leaves));
    ForkJoin::adding(programs, leaves, leaves * (leaves - 1) / 2, Per::Call)
        .calls(setting.repeats(8, 2))
        .contenders(setting)
}

fn unbalanced(setting: &Setting) -> Vec<Contender> {
    let programs = everywhere!(|cx, root: &Node, sum: &mut u64| *sum += unbalanced(cx, root));
    ForkJoin::adding(programs, Node::root(), T1_NODES, Per::Call).contenders(setting)
}

fn multiply(setting: &Setting, side: usize) -> Vec<Contender> {
    type Pair = (Vec<f32>, Vec<f32>);
    let (left, right) = (small_numbers(side, 1), small_numbers(side, 2));
    ForkJoin {
        programs: everywhere!(|cx, pair: &Pair, out: &mut Vec<f32>| {
            multiply(cx, &pair.0, &pair.1, out);
        }),
        // Whole numbers, so the sum of all entries is exact in any order.
        expected: sum_of_product(&left, &right) as i64 as u64,
        work: (left, right),
        prepare: |(left, _)| vec![0.0; left.len()],
        answer: |out| out.iter().map(|&entry| f64::from(entry)).sum::<f64>() as i64 as u64,
        calls: 1,
        timings: setting.repeats(4, 1),
        per: Per::Call,
    }
    .contenders(setting)
}

fn sort(setting: &Setting, count: usize) -> Vec<Contender> {
    type Halves = (Vec<u32>, Vec<u32>);
    let mut random = SplitMix64::new(3);
    let numbers: Vec<u32> = (0..count).map(|_| random.next_u64() as u32).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    ForkJoin {
        programs: everywhere!(|cx, _: &Vec<u32>, halves: &mut Halves| {
            sort(cx, &mut halves.0, &mut halves.1);
        }),
        expected: position_weighted(&sorted),
        work: numbers,
        prepare: |numbers| (numbers.clone(), vec![0; numbers.len()]),
        answer: |(data, _)| position_weighted(data),
        calls: 1,
        timings: setting.repeats(3, 1),
        per: Per::Call,
    }
    .contenders(setting)
}

/// Every number with its place: a sum that only the right order has.
fn position_weighted(numbers: &[u32]) -> u64 {
    numbers
        .iter()
        .zip(1_u64..)
        .fold(0, |sum, (&number, place)| {
            sum.wrapping_add(u64::from(number).wrapping_mul(place))
        })
}
