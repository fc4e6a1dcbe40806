//! Makes use after the frame visible: a pattern in debug builds, poisoned shadow under a sanitizer.

use core::ptr::NonNull;

/// What freed bytes read as in builds with debug assertions.
pub const FREED: u8 = 0xCD;

#[cfg(bywash_asan)]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const core::ffi::c_void, size: usize);
    fn __asan_unpoison_memory_region(start: *const core::ffi::c_void, size: usize);
}

/// The bytes were freed: nobody may read them before the next allocation.
///
/// # Safety
/// The range is writable memory of the caller's that nobody refers to.
#[inline(always)]
pub(crate) unsafe fn freed(start: NonNull<u8>, size: usize) {
    #[cfg(debug_assertions)]
    {
        // SAFETY: addressable memory of the caller's; the pattern may be written over it.
        unsafe { taken(start, size) };
        // SAFETY: the caller owns the range.
        unsafe { start.write_bytes(FREED, size) };
    }
    #[cfg(bywash_asan)]
    // SAFETY: the range is addressable memory; poisoning changes the shadow only.
    unsafe {
        __asan_poison_memory_region(start.as_ptr().cast(), size)
    };
    let _ = (start, size);
}

/// The bytes are handed out, or go back to their source.
///
/// # Safety
/// The range is addressable memory of the caller's.
#[inline(always)]
pub(crate) unsafe fn taken(start: NonNull<u8>, size: usize) {
    #[cfg(bywash_asan)]
    // SAFETY: the range is addressable memory; unpoisoning changes the shadow only.
    unsafe {
        __asan_unpoison_memory_region(start.as_ptr().cast(), size)
    };
    let _ = (start, size);
}
