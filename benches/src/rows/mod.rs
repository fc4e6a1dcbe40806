//! The rows of the scoreboard, one file for each family, in the order the report prints them.

/// Rows as a table: one statement each, laid out in columns, which `rustfmt` would break.
macro_rules! table {
    ($($row:expr;)*) => { &[$($row),*] };
}

mod arena;
mod counters;
mod deque;
mod efficiency;
mod fork_join;
mod frames;
mod hidden;
mod join;
mod lifetime;
mod looping;
mod loops;
mod pool;
mod programs;
mod similarity;
mod spawn;
mod spawning;
mod strategy;
mod two_deques;
mod wake;

use crate::harness::row::Row;

/// Every row there is.
pub fn all() -> Vec<&'static Row> {
    [
        join::ROWS,
        spawn::ROWS,
        counters::ROWS,
        efficiency::ROWS,
        loops::ROWS,
        wake::ROWS,
        lifetime::ROWS,
        hidden::ROWS,
        programs::ROWS,
        strategy::ROWS,
        two_deques::ROWS,
        frames::ROWS,
        arena::ROWS,
        pool::ROWS,
        similarity::ROWS,
        deque::ROWS,
    ]
    .into_iter()
    .flatten()
    .collect()
}
