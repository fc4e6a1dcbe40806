//! Rows `join_*`: what a fork costs when every call forks and nothing is cut off.

use super::fork_join::{ForkJoin, Per};
use crate::harness::row::{Contender, Goal, Row, Setting};
use crate::workloads::fork_join::{
    serial, serial_calls, with_bywash, with_chili, with_forte, with_rayon,
};
use crate::workloads::tree::Tree;

const RIVALS: &[&str] = &["rayon", "chili", "forte"];

pub(super) static ROWS: &[Row] = &[
    row(
        "join_fib",
        "ns/fork",
        "fib(32) by join without cutoff, 3,524,577 forks; entering the system is not timed",
        fib,
    )
    .goals(&[
        Goal::against("serial", 1.05).on(1),
        Goal::against("chili", 0.95).on(2),
        Goal::FIRST,
    ])
    .note(FOLDED),
    row(
        "join_tree10",
        "ns/node",
        "the sum of a tree of 1,023 nodes, over and over; entering the system is not timed",
        tree_hot,
    )
    .goals(&[Goal::against("chili", 0.7)]),
    row(
        "join_tree20",
        "ns/node",
        "the sum of a tree of 1,048,575 nodes, first-built side first; entering the system is not timed",
        tree_large,
    )
    .goals(&[Goal::against("chili.swapped", 0.9)]),
    row(
        "join_tree20_rev",
        "ns/node",
        "the sum of a tree of 1,048,575 nodes, first-built side second; entering the system is not timed",
        tree_large_reversed,
    )
    .goals(&[Goal::against("chili.swapped", 0.9)]),
];

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .required(RIVALS)
        .note(CHILI)
}

const CHILI: &str = "chili runs 63 of 64 forks as plain calls that nobody can steal, and its second \
side first, so it walks a tree in the opposite order; chili.swapped is given the sides the other way \
round and walks memory in the same order as the others.";

const FOLDED: &str = "serial makes every call, as the parallel forms do; in serial.folded the compiler has \
turned every second call into a loop. chili runs 63 of 64 forks as plain calls that nobody can steal.";

/// fib(32) and its forks, counted as internal calls.
const FIB: u32 = 32;
const FIB_ANSWER: u64 = 2_178_309;
const FIB_FORKS: usize = 3_524_577;

fn fib(setting: &Setting) -> Vec<Contender> {
    ForkJoin {
        work: FIB,
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: FIB_ANSWER,
        calls: setting.repeats(4, 1),
        timings: 1,
        per: Per::Operation(FIB_FORKS),
        serial: &[
            ("serial", |n, sum| *sum += serial_calls::fib((), *n)),
            ("serial.folded", |n, sum| *sum += serial::fib((), *n)),
        ],
        ours: |cx, n, sum| *sum += with_bywash::fib(cx, *n),
        rayon: |n, sum| *sum += with_rayon::fib((), *n),
        chili: |scope, n, sum| *sum += with_chili::fib(scope, *n),
        chili_swapped: None,
        forte: |worker, n, sum| *sum += with_forte::fib(worker, *n),
    }
    .contenders(setting)
}

fn tree_hot(setting: &Setting) -> Vec<Contender> {
    tree(setting, 10, setting.repeats(5_000, 1_000))
}

fn tree_large(setting: &Setting) -> Vec<Contender> {
    tree(setting, 20, setting.repeats(8, 2))
}

fn tree(setting: &Setting, levels: u32, calls: usize) -> Vec<Contender> {
    ForkJoin {
        work: Tree::perfect(levels),
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: Tree::nodes(levels) as u64,
        calls,
        timings: 1,
        per: Per::Operation(Tree::nodes(levels)),
        serial: &[("serial", |node, sum| *sum += serial::tree((), node))],
        ours: |cx, node, sum| *sum += with_bywash::tree(cx, node),
        rayon: |node, sum| *sum += with_rayon::tree((), node),
        chili: |scope, node, sum| *sum += with_chili::tree(scope, node),
        chili_swapped: Some(|scope, node, sum| *sum += with_chili::tree_reversed(scope, node)),
        forte: |worker, node, sum| *sum += with_forte::tree(worker, node),
    }
    .contenders(setting)
}

fn tree_large_reversed(setting: &Setting) -> Vec<Contender> {
    ForkJoin {
        work: Tree::perfect(20),
        prepare: |_| 0_u64,
        answer: |_, sum| *sum,
        expected: Tree::nodes(20) as u64,
        calls: setting.repeats(8, 2),
        timings: 1,
        per: Per::Operation(Tree::nodes(20)),
        serial: &[("serial", |node, sum| {
            *sum += serial::tree_reversed((), node)
        })],
        ours: |cx, node, sum| *sum += with_bywash::tree_reversed(cx, node),
        rayon: |node, sum| *sum += with_rayon::tree_reversed((), node),
        chili: |scope, node, sum| *sum += with_chili::tree_reversed(scope, node),
        chili_swapped: Some(|scope, node, sum| *sum += with_chili::tree(scope, node)),
        forte: |worker, node, sum| *sum += with_forte::tree_reversed(worker, node),
    }
    .contenders(setting)
}
