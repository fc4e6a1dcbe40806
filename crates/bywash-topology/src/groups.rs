//! The calling thread's affinity on Windows: processor groups of up to 64 CPUs.
//!
//! A PU's index is 64 times its group plus its number there, as libhwloc counts too. A mask
//! never leaves one group, so pinning to one PU works in any of them.
//! <https://learn.microsoft.com/en-us/windows/win32/procthread/processor-groups>

use std::io;

use crate::model::PuId;
use crate::pu_set::PuSet;

/// CPUs a group has at most.
const GROUP: u32 = 64;

/// `GROUP_AFFINITY` of `winnt.h`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct GroupAffinity {
    mask: usize,
    group: u16,
    reserved: [u16; 3],
}

/// A kernel object's handle; those of this module are constants that nobody closes.
type Handle = *mut std::ffi::c_void;

#[link(name = "kernel32")]
unsafe extern "system" {
    safe fn GetCurrentThread() -> Handle;
    safe fn GetCurrentProcess() -> Handle;
    safe fn GetActiveProcessorGroupCount() -> u16;
    safe fn GetActiveProcessorCount(group: u16) -> u32;
    fn GetProcessAffinityMask(process: Handle, own: *mut usize, system: *mut usize) -> i32;
    fn GetThreadGroupAffinity(thread: Handle, affinity: *mut GroupAffinity) -> i32;
    fn SetThreadGroupAffinity(
        thread: Handle,
        affinity: *const GroupAffinity,
        previous: *mut GroupAffinity,
    ) -> i32;
}

/// The PUs the process may use: those of all groups, or of one group's mask where the
/// process was restricted to a part of it.
pub(crate) fn usable() -> io::Result<PuSet> {
    let (mut own, mut system) = (0, 0);
    // SAFETY: both pointers are to live, exclusively borrowed words.
    let answer =
        unsafe { GetProcessAffinityMask(GetCurrentProcess(), &raw mut own, &raw mut system) };
    // Both masks are 0 in a process whose threads are in several groups already.
    if answer != 0 && own != system {
        let group = thread_affinity()?.group;
        return Ok(pus(GroupAffinity {
            mask: own,
            group,
            ..GroupAffinity::default()
        }));
    }
    let groups = 0..GetActiveProcessorGroupCount();
    let members = groups.flat_map(|group| {
        let count = GetActiveProcessorCount(group).min(GROUP);
        (0..count).map(move |number| PuId(u32::from(group) * GROUP + number))
    });
    Ok(members.collect())
}

/// The PUs the calling thread may run on now.
pub(crate) fn current() -> io::Result<PuSet> {
    thread_affinity().map(pus)
}

/// Restricts the calling thread to `pus`, which lie in one group.
pub(crate) fn restrict(pus: &PuSet) -> io::Result<()> {
    let Some(PuId(lowest)) = pus.lowest() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut wanted = GroupAffinity {
        group: u16::try_from(lowest / GROUP).map_err(|_| io::ErrorKind::InvalidInput)?,
        ..GroupAffinity::default()
    };
    for PuId(index) in pus.iter() {
        let bit = 1usize.checked_shl(index % GROUP);
        match bit.filter(|_| index / GROUP == lowest / GROUP) {
            Some(bit) => wanted.mask |= bit,
            None => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    // SAFETY: the affinity is alive and read only; the previous one is not asked for.
    let answer = unsafe {
        SetThreadGroupAffinity(GetCurrentThread(), &raw const wanted, std::ptr::null_mut())
    };
    if answer == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn thread_affinity() -> io::Result<GroupAffinity> {
    let mut affinity = GroupAffinity::default();
    // SAFETY: the pointer is to a live, exclusively borrowed structure of the call's layout.
    let answer = unsafe { GetThreadGroupAffinity(GetCurrentThread(), &raw mut affinity) };
    if answer == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(affinity)
    }
}

fn pus(affinity: GroupAffinity) -> PuSet {
    let bits = (0..usize::BITS).filter(|bit| affinity.mask >> bit & 1 == 1);
    bits.map(|bit| PuId(u32::from(affinity.group) * GROUP + bit))
        .collect()
}
