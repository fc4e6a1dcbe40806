//! How a row is measured: contenders in interleaved rounds, one process a row, with a watchdog outside it.

pub mod clock;
pub mod machine;
pub mod measurement;
pub mod progress;
pub mod rounds;
pub mod row;
pub mod statistics;
pub mod supervisor;
pub mod tally;
