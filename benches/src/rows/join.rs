//! Rows `join_*`: what a fork costs when every call forks and nothing is cut off.

use super::fork_join::{ForkJoin, Per, Programs, everywhere};
use crate::harness::row::{Contender, Goal, Row, Setting};
use crate::workloads::fork_join::{serial, serial_calls};
use crate::workloads::tree::Tree;

pub(super) static ROWS: &[Row] = table! {
    row("join_fib", "ns/fork", FIB, fib)
        .goals(&[Goal::against("serial", 1.05).on(1), Goal::against("chili", 0.95).on(2), Goal::FIRST])
        .note(FOLDED);
    row("join_tree10", "ns/node", TREE_10, |s| tree(s, 10, s.repeats(5_000, 1_000)))
        .goals(&[Goal::against("chili", 0.7)]);
    row("join_tree20", "ns/node", TREE_20, |s| tree(s, 20, s.repeats(8, 2)))
        .goals(&[Goal::against("chili", 0.9)]);
    row("join_tree20_rev", "ns/node", TREE_20_REVERSED, |s| tree_reversed(s, 20, s.repeats(8, 2)))
        .goals(&[Goal::against("chili", 0.9)]);
};

const FIB: &str =
    "fib(32) by join without cutoff, 3,524,577 forks; entering the system is not timed";
const TREE_10: &str =
    "the sum of a tree of 1,023 nodes, over and over; entering the system is not timed";
const TREE_20: &str = "the sum of a tree of 1,048,575 nodes, first-built side first; entering the system is not timed";
const TREE_20_REVERSED: &str = "the sum of a tree of 1,048,575 nodes, first-built side second; entering the system is not timed";

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .required(&["rayon", "chili", "forte"])
        .note(ORDER)
}

const ORDER: &str = "chili and forte run their second side first. They are given the sides the other way \
round, so that they visit the nodes in the same order as the others; chili.backwards and forte.backwards, \
which are not counted, are given them as the others are. chili runs 63 of 64 forks as plain calls that \
nobody can steal.";

const FOLDED: &str = "serial makes every call, as the parallel forms do; in serial.folded the compiler has \
turned every second call into a loop. chili runs 63 of 64 forks as plain calls that nobody can steal.";

fn fib(setting: &Setting) -> Vec<Contender> {
    const ANSWER: u64 = 2_178_309;
    const FORKS: usize = 3_524_577;
    let mut programs = everywhere!(|cx, n: &u32, sum: &mut u64| *sum += fib(cx, *n));
    programs.serial = |n, sum| *sum += serial_calls::fib((), *n);
    ForkJoin::adding(programs, 32, ANSWER, Per::Operation(FORKS))
        .calls(setting.repeats(4, 1))
        .contenders_and_floor(setting, "serial.folded", |n, sum| {
            *sum += serial::fib((), *n);
        })
}

fn tree(setting: &Setting, levels: u32, calls: usize) -> Vec<Contender> {
    trees(setting, levels, calls, forwards(), backwards())
}

fn tree_reversed(setting: &Setting, levels: u32, calls: usize) -> Vec<Contender> {
    trees(setting, levels, calls, backwards(), forwards())
}

fn forwards() -> Programs<Tree, u64> {
    everywhere!(|cx, node: &Tree, sum: &mut u64| *sum += tree(cx, node))
}

fn backwards() -> Programs<Tree, u64> {
    everywhere!(|cx, node: &Tree, sum: &mut u64| *sum += tree_reversed(cx, node))
}

fn trees(
    setting: &Setting,
    levels: u32,
    calls: usize,
    programs: Programs<Tree, u64>,
    exchanged: Programs<Tree, u64>,
) -> Vec<Contender> {
    let nodes = Tree::nodes(levels);
    let tree = Tree::perfect(levels);
    ForkJoin::adding(programs, tree, nodes as u64, Per::Operation(nodes))
        .calls(calls)
        .contenders_in_order(setting, exchanged)
}
