//! A read of freed memory that AddressSanitizer must report: the self-test of `xtask sanitize`.

fn main() {
    let pointer = Box::into_raw(Box::new(7_u64));
    // SAFETY: the pointer came from `Box::into_raw` and is freed once.
    drop(unsafe { Box::from_raw(pointer) });
    // SAFETY: none. The read is wrong on purpose.
    let read = unsafe { pointer.read_volatile() };
    println!("{read}");
}
