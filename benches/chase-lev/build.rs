//! Chooses the deque. No feature does, so that nothing that others build with can choose it for them.

fn main() {
    println!("cargo::rustc-cfg=bywash_chase_lev");
}
