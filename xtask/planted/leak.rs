//! Memory that nobody frees, which LeakSanitizer must report: the self-test of `xtask sanitize`.

fn main() {
    for size in 1..64_usize {
        std::mem::forget(std::hint::black_box(vec![size; size]));
    }
}
