//! bywash beside its rivals: rows with checked answers, measured in interleaved rounds, reported as data and as a page.
//!
//! A [`Row`](harness::row::Row) names what is timed, who competes and what the goal is; the
//! [`harness`] runs it; [`report`] turns the numbers into a table, a JSON file and a page.
//! Every contender's answer is checked before its time counts.

#![deny(unsafe_code)]

pub mod command_line;
pub mod harness;
pub mod hot_paths;
mod ours;
pub mod report;
mod rivals;
pub mod rows;
// Not public: a recursion that others could link to is called through a table, as a program's own is not.
mod workloads;
