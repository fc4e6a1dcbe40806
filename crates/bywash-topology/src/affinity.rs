//! The calling thread's affinity mask on Linux, whatever the number of CPUs.
//!
//! rustix's CPU set holds 1,024 CPUs, so this passes plain arrays to the C library.

use std::io;

use crate::pu_set::PuSet;

/// The kernel refuses arrays smaller than its own CPU mask, so the first try is generous.
const FIRST_TRY_BITS: usize = 8192;

/// Beyond this the system's refusal has another cause.
const LAST_TRY_BITS: usize = 1 << 20;

/// The PUs the process may use, as far as the calling thread knows: its own mask.
pub(crate) fn usable() -> io::Result<PuSet> {
    current()
}

/// The PUs the calling thread may run on. Allocates; one system call (more above 8,192 CPUs).
pub(crate) fn current() -> io::Result<PuSet> {
    let mut bits = FIRST_TRY_BITS;
    loop {
        let mut words = vec![0 as libc::c_ulong; bits / libc::c_ulong::BITS as usize];
        let bytes = size_of_val(words.as_slice());
        // SAFETY: the call writes at most `bytes` bytes to the array, which is that long,
        // alive, exclusively borrowed, and valid for any bit pattern; 0 names this thread.
        let answer = unsafe { libc::sched_getaffinity(0, bytes, words.as_mut_ptr().cast()) };
        if answer >= 0 {
            return Ok(PuSet::from_words(&words));
        }
        let error = io::Error::last_os_error();
        let is_too_short = error.raw_os_error() == Some(libc::EINVAL);
        if !is_too_short || bits >= LAST_TRY_BITS {
            return Err(error);
        }
        bits *= 2;
    }
}

/// Restricts the calling thread to `pus`. Allocates; one system call.
pub(crate) fn restrict(pus: &PuSet) -> io::Result<()> {
    let words = pus.to_words();
    let bytes = size_of_val(words.as_slice());
    // SAFETY: the call reads `bytes` bytes of the array, which is that long and alive; 0
    // names this thread.
    let answer = unsafe { libc::sched_setaffinity(0, bytes, words.as_ptr().cast()) };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
