//! Threads' affinity masks on Linux, whatever the number of CPUs.
//!
//! rustix's CPU set holds 1,024 CPUs, so this passes plain arrays to the C library.

use std::io;

use crate::model::PuId;
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

/// The calling thread's number.
pub(crate) fn thread() -> Option<u32> {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .try_into()
        .ok()
}

/// The PU that the calling thread runs on just now.
pub(crate) fn pu() -> Option<PuId> {
    // SAFETY: the call takes nothing and returns a number.
    let pu = unsafe { libc::sched_getcpu() };
    u32::try_from(pu).ok().map(PuId)
}

/// Takes `pu` out of the mask of `thread`, unless nothing would be left; whether it did.
pub(crate) fn forbid(thread: u32, pu: PuId) -> bool {
    change(thread, |words| {
        let (word, bit) = place(pu);
        words[word] &= !bit;
        words.iter().any(|&word| word != 0)
    })
}

/// Puts `pu` into the mask of the calling thread, if the system allows it still.
pub(crate) fn permit(pu: PuId) {
    change(0, |words| {
        let (word, bit) = place(pu);
        words[word] |= bit;
        true
    });
}

type Words = [libc::c_ulong; FIRST_TRY_BITS / libc::c_ulong::BITS as usize];

fn place(pu: PuId) -> (usize, libc::c_ulong) {
    let width = libc::c_ulong::BITS;
    ((pu.0 / width) as usize, 1 << (pu.0 % width))
}

/// Reads the mask of `thread` (0: the calling one), and writes it as `edit` leaves it, if that says so.
/// Allocates nothing; leaves machines of more than 8,192 CPUs alone.
fn change(thread: u32, edit: impl FnOnce(&mut Words) -> bool) -> bool {
    let Ok(thread) = libc::pid_t::try_from(thread) else {
        return false;
    };
    let mut words: Words = [0; _];
    // SAFETY: the call writes at most the size of the array to it, which is exclusively borrowed and
    // valid for any bit pattern.
    let read =
        unsafe { libc::sched_getaffinity(thread, size_of::<Words>(), words.as_mut_ptr().cast()) };
    if read < 0 || !edit(&mut words) {
        return false;
    }
    // SAFETY: the call reads the size of the array from it.
    unsafe { libc::sched_setaffinity(thread, size_of::<Words>(), words.as_ptr().cast()) == 0 }
}
