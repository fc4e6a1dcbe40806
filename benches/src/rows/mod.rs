//! The rows of the scoreboard, one file for each family, in the order the report prints them.

mod fork_join;
mod join;
mod programs;

use crate::harness::row::Row;

/// Every row there is.
pub fn all() -> Vec<&'static Row> {
    [join::ROWS, programs::ROWS].into_iter().flatten().collect()
}
