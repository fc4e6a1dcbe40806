//! Linux's calls behind [`NodeMemory`]: map, bind to a node, ask where pages lie, unmap.

use std::io;
use std::ptr::{self, NonNull};

use crate::memory::{MemoryBinding, NodeMemory, PageReport};
use crate::model::{NodeId, PuId};
use crate::pu_set::PuSet;

/// `MPOL_PREFERRED` of Linux's `mempolicy.h`: this node first, others when it is full. The
/// strict policy would kill the process instead.
const PREFERRED: libc::c_long = 1;

/// No flags, no process but this one: as wide as a register, for the raw calls take whole ones.
const NONE: libc::c_long = 0;

/// The system's page size in bytes.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

/// Maps whole pages of zeroed memory.
pub(crate) fn map(bytes: usize) -> Result<NonNull<u8>, String> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: no address is asked for and no file is involved, so that the call can only
    // make new memory.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error().to_string());
    }
    NonNull::new(start.cast()).ok_or_else(|| "the system mapped address 0".to_owned())
}

/// Asks that pages not yet touched come from `node`.
pub(crate) fn bind(memory: &NodeMemory, node: NodeId) -> MemoryBinding {
    let set: PuSet = [PuId(node.0)].into_iter().collect();
    let mask = set.to_words();
    // The kernel counts bits one more than it reads.
    let bits = mask.len() * libc::c_ulong::BITS as usize + 1;
    // SAFETY: the kernel reads `bits - 1` bits of the mask, which has as many, and changes
    // only the policy of pages that `memory` owns, not their content.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            memory.start().as_ptr(),
            memory.bytes(),
            PREFERRED,
            mask.as_ptr(),
            bits,
            NONE,
        )
    };
    match answer {
        0 => MemoryBinding::Bound,
        _ => match io::Error::last_os_error().raw_os_error() {
            Some(libc::ENOSYS) | None => MemoryBinding::Unsupported,
            Some(errno) => MemoryBinding::Refused(errno),
        },
    }
}

/// Asks on which node each page lies.
pub(crate) fn pages(memory: &NodeMemory) -> PageReport {
    let page = page_size();
    let count = memory.bytes() / page;
    let start = memory.start().as_ptr();
    let addresses: Vec<*mut u8> = (0..count)
        .map(|index| start.wrapping_add(index * page))
        .collect();
    let mut answers: Vec<libc::c_int> = vec![-libc::EINVAL; count];
    // SAFETY: process 0 is this one; with no target nodes the call moves nothing, reads
    // `count` addresses and writes `count` answers, which is how long both arrays are.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_move_pages,
            NONE,
            count,
            addresses.as_ptr(),
            ptr::null::<libc::c_int>(),
            answers.as_mut_ptr(),
            NONE,
        )
    };
    let mut report = PageReport::default();
    for answer in answers {
        match u32::try_from(answer) {
            Ok(node) => *report.nodes.entry(NodeId(node)).or_default() += 1,
            Err(_) if answer == -libc::ENOENT => report.untouched += 1,
            Err(_) => report.unknown += 1,
        }
    }
    if answer < 0 {
        return PageReport {
            unknown: count,
            ..PageReport::default()
        };
    }
    report
}

/// Returns the pages to the system.
pub(crate) fn unmap(memory: &mut NodeMemory) {
    // SAFETY: the range is one mapping of its own, made by `map`; its owner is being dropped,
    // and whoever took raw parts promised to have given them back unused.
    let answer = unsafe { libc::munmap(memory.start().as_ptr().cast(), memory.bytes()) };
    debug_assert_eq!(answer, 0, "a mapping that was made can be unmapped");
}
