//! The programs behind `cargo xtask topology` and `cargo xtask simulate`.

fn main() {}
