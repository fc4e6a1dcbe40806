//! The project's commands: each starts programs, none imports the crates it drives.

fn main() {}
