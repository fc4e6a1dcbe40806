//! The bench program: measures the rows asked for, prints the table, writes the report.

#![deny(unsafe_code)]

use bywash_bench::{command_line, rows};
use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::main(&rows::all())
}
