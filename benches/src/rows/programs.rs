//! Rows with whole programs: searches, actors, an unbalanced tree, a matrix product, a sort.

use super::fork_join::{ForkJoin, Per};
use crate::harness::row::{Contender, Goal, Row, Setting};
use crate::harness::statistics::SplitMix64;
use crate::workloads::fork_join::{serial, with_bywash, with_chili, with_forte, with_rayon};
use crate::workloads::matrix::{small_numbers, sum_of_product};
use crate::workloads::unbalanced::{Node, T1_NODES};

const GOALS: &[Goal] = &[Goal::FIRST, Goal::speed_up(1.95).on(2)];

const fn program(
    name: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ms", timed, contenders)
        .required(&["rayon", "chili", "forte"])
        .goals(GOALS)
}

pub(super) static ROWS: &[Row] = &[
    program(
        "nqueens_12",
        "all 14,200 placements of 12 queens, a fork at every candidate square",
        |setting| queens(setting, 12, 14_200, setting.repeats(16, 4)),
    ),
    program(
        "nqueens_14",
        "all 365,596 placements of 14 queens, a fork at every candidate square",
        |setting| queens(setting, 14, 365_596, 1),
    ),
    program(
        "skynet_1e6",
        "the sum of 1,000,000 leaves below actors of ten children each",
        skynet,
    ),
    program(
        "uts_t1",
        "the unbalanced tree T1, 4,130,071 nodes, a SHA-1 digest a node, a fork a child",
        unbalanced,
    ),
    program(
        "matmul_512",
        "the product of two 512 × 512 matrices by quarters, down to tiles of 32",
        multiply,
    ),
    program(
        "cilksort_1e6",
        "1,000,000 numbers sorted by quarters and merged in parallel",
        sort,
    ),
];

fn queens(setting: &Setting, size: u32, answer: u64, calls: usize) -> Vec<Contender> {
    ForkJoin {
        work: (1_u32 << size) - 1,
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: answer,
        calls,
        timings: 1,
        per: Per::Call,
        serial: &[("serial", |all, sum| {
            *sum += serial::queens((), *all, 0, 0, 0)
        })],
        ours: |cx, all, sum| *sum += with_bywash::queens(cx, *all, 0, 0, 0),
        rayon: |all, sum| *sum += with_rayon::queens((), *all, 0, 0, 0),
        chili: |scope, all, sum| *sum += with_chili::queens(scope, *all, 0, 0, 0),
        chili_swapped: None,
        forte: |worker, all, sum| *sum += with_forte::queens(worker, *all, 0, 0, 0),
    }
    .contenders(setting)
}

fn skynet(setting: &Setting) -> Vec<Contender> {
    const LEAVES: u64 = 1_000_000;
    ForkJoin {
        work: LEAVES,
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: LEAVES * (LEAVES - 1) / 2,
        calls: setting.repeats(8, 2),
        timings: 1,
        per: Per::Call,
        serial: &[("serial", |leaves, sum| {
            *sum += serial::skynet((), 0, *leaves)
        })],
        ours: |cx, leaves, sum| *sum += with_bywash::skynet(cx, 0, *leaves),
        rayon: |leaves, sum| *sum += with_rayon::skynet((), 0, *leaves),
        chili: |scope, leaves, sum| *sum += with_chili::skynet(scope, 0, *leaves),
        chili_swapped: None,
        forte: |worker, leaves, sum| *sum += with_forte::skynet(worker, 0, *leaves),
    }
    .contenders(setting)
}

fn unbalanced(setting: &Setting) -> Vec<Contender> {
    ForkJoin {
        work: Node::root(),
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: T1_NODES,
        calls: 1,
        timings: 1,
        per: Per::Call,
        serial: &[("serial", |root, sum| *sum += serial::unbalanced((), root))],
        ours: |cx, root, sum| *sum += with_bywash::unbalanced(cx, root),
        rayon: |root, sum| *sum += with_rayon::unbalanced((), root),
        chili: |scope, root, sum| *sum += with_chili::unbalanced(scope, root),
        chili_swapped: None,
        forte: |worker, root, sum| *sum += with_forte::unbalanced(worker, root),
    }
    .contenders(setting)
}

fn multiply(setting: &Setting) -> Vec<Contender> {
    const SIDE: usize = 512;
    let (left, right) = (small_numbers(SIDE, 1), small_numbers(SIDE, 2));
    let expected = sum_of_product(&left, &right) as i64 as u64;
    ForkJoin {
        work: (left, right),
        prepare: |_| vec![0.0; SIDE * SIDE],
        answer: |_, out: &Vec<f32>| out.iter().map(|&x| f64::from(x)).sum::<f64>() as i64 as u64,
        expected,
        calls: 1,
        timings: setting.repeats(4, 1),
        per: Per::Call,
        serial: &[("serial", |(left, right), out| {
            serial::multiply((), left, right, out)
        })],
        ours: |cx, (left, right), out| with_bywash::multiply(cx, left, right, out),
        rayon: |(left, right), out| with_rayon::multiply((), left, right, out),
        chili: |scope, (left, right), out| with_chili::multiply(scope, left, right, out),
        chili_swapped: None,
        forte: |worker, (left, right), out| with_forte::multiply(worker, left, right, out),
    }
    .contenders(setting)
}

fn sort(setting: &Setting) -> Vec<Contender> {
    let mut random = SplitMix64::new(3);
    let numbers: Vec<u32> = (0..1_000_000).map(|_| random.next_u64() as u32).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    ForkJoin {
        expected: position_weighted(&sorted),
        work: numbers,
        prepare: |numbers| (numbers.clone(), vec![0; numbers.len()]),
        answer: |_, (data, _): &(Vec<u32>, Vec<u32>)| position_weighted(data),
        calls: 1,
        timings: setting.repeats(3, 1),
        per: Per::Call,
        serial: &[("serial", |_, (data, spare)| serial::sort((), data, spare))],
        ours: |cx, _, (data, spare)| with_bywash::sort(cx, data, spare),
        rayon: |_, (data, spare)| with_rayon::sort((), data, spare),
        chili: |scope, _, (data, spare)| with_chili::sort(scope, data, spare),
        chili_swapped: None,
        forte: |worker, _, (data, spare)| with_forte::sort(worker, data, spare),
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
