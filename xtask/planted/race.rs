//! Two threads that write one word, which ThreadSanitizer must report: the self-test of `xtask sanitize`.

use std::cell::UnsafeCell;
use std::thread;

struct Word(UnsafeCell<u64>);

// SAFETY: none. The race is wrong on purpose.
unsafe impl Sync for Word {}

static WORD: Word = Word(UnsafeCell::new(0));

fn main() {
    let other = thread::spawn(write);
    write();
    if other.join().is_err() {
        std::process::exit(1);
    }
}

fn write() {
    for _ in 0..10_000 {
        // SAFETY: none. The other thread writes the same word.
        unsafe { WORD.0.get().write_volatile(1) };
    }
}
