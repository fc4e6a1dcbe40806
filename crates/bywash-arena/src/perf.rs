//! The processor's own count of cache misses, through Linux's perf events.

use std::fmt;
use std::io;

/// A counter of cache references and misses of the current thread.
///
/// Two file descriptors; starting, stopping and reading are system calls. It measures a stretch of
/// work, a frame for example, never single allocations.
#[derive(Debug)]
pub struct CacheMisses {
    #[cfg(target_os = "linux")]
    events: linux::Events,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissRate {
    /// Times the last level of the cache was asked.
    pub references: u64,
    /// Times it did not have what was asked for.
    pub misses: u64,
}

impl MissRate {
    /// Misses in a hundred references; `None` if there were none.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        (self.references > 0).then(|| self.misses as f64 * 100.0 / self.references as f64)
    }
}

/// Why there is no counter.
#[derive(Debug)]
#[non_exhaustive]
pub enum PerfUnavailable {
    /// The system has no perf events.
    NotLinux,
    /// The kernel refuses: it lacks the counter, as in most virtual machines, or forbids it.
    Refused(io::Error),
}

impl fmt::Display for PerfUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinux => {
                f.write_str("cache misses were asked for; only Linux counts them: leave them out")
            }
            Self::Refused(error) => write!(
                f,
                "cache misses were asked for and the kernel refused ({error}): a virtual machine \
                 may have no counter; else set kernel.perf_event_paranoid to 2 or below"
            ),
        }
    }
}

impl std::error::Error for PerfUnavailable {}

impl CacheMisses {
    /// Opens the counters, which do not run yet.
    ///
    /// # Errors
    /// [`PerfUnavailable`] where there are none, with the reason.
    pub fn open() -> Result<Self, PerfUnavailable> {
        #[cfg(target_os = "linux")]
        {
            let events = linux::Events::open().map_err(PerfUnavailable::Refused)?;
            Ok(Self { events })
        }
        #[cfg(not(target_os = "linux"))]
        Err(PerfUnavailable::NotLinux)
    }

    /// Runs `run`, and counts what this thread's caches did meanwhile.
    ///
    /// # Errors
    /// The kernel's, when it does not start or read a counter.
    pub fn measure<R>(&mut self, run: impl FnOnce() -> R) -> io::Result<(R, MissRate)> {
        #[cfg(target_os = "linux")]
        {
            self.events.start()?;
            let result = run();
            let (references, misses) = self.events.stop()?;
            Ok((result, MissRate { references, misses }))
        }
        #[cfg(not(target_os = "linux"))]
        Ok((run(), MissRate::default()))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! The two events, and the system calls on them.

    use std::fs::File;
    use std::io::{self, Read as _};
    use std::os::fd::{AsRawFd as _, FromRawFd as _, RawFd};

    const HARDWARE: u32 = 0;
    const REFERENCES: u64 = 2;
    const MISSES: u64 = 3;
    const ENABLE: libc::c_ulong = 0x2400;
    const DISABLE: libc::c_ulong = 0x2401;
    const RESET: libc::c_ulong = 0x2403;
    /// Begin stopped; count neither the kernel nor a hypervisor.
    const FLAGS: u64 = 1 | 1 << 5 | 1 << 6;
    const CLOSE_ON_EXEC: libc::c_ulong = 8;

    /// The first version of the kernel's `perf_event_attr`, which every later one accepts.
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        kind: u32,
        size: u32,
        config: u64,
        period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup: u32,
        breakpoint_type: u32,
        config1: u64,
    }

    #[derive(Debug)]
    pub(super) struct Events {
        references: File,
        misses: File,
    }

    impl Events {
        pub(super) fn open() -> io::Result<Self> {
            Ok(Self {
                references: open(REFERENCES)?,
                misses: open(MISSES)?,
            })
        }

        pub(super) fn start(&mut self) -> io::Result<()> {
            for event in [&self.references, &self.misses] {
                control(event, RESET)?;
                control(event, ENABLE)?;
            }
            Ok(())
        }

        pub(super) fn stop(&mut self) -> io::Result<(u64, u64)> {
            control(&self.references, DISABLE)?;
            control(&self.misses, DISABLE)?;
            let mut counts = [[0; 8]; 2];
            self.references.read_exact(&mut counts[0])?;
            self.misses.read_exact(&mut counts[1])?;
            let [references, misses] = counts.map(u64::from_ne_bytes);
            Ok((references, misses))
        }
    }

    fn open(config: u64) -> io::Result<File> {
        let size = size_of::<Attributes>() as u32;
        let wanted = Attributes {
            kind: HARDWARE,
            size,
            config,
            flags: FLAGS,
            ..Default::default()
        };
        let (this_thread, any_cpu, no_group): (libc::pid_t, libc::c_int, libc::c_int) = (0, -1, -1);
        let attributes = &raw const wanted;
        // SAFETY: the attributes are as large as they say, and live through the call.
        let event = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attributes,
                this_thread,
                any_cpu,
                no_group,
                CLOSE_ON_EXEC,
            )
        };
        let event = RawFd::try_from(event).unwrap_or(-1);
        if event < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just opened, and is nobody else's.
        Ok(unsafe { File::from_raw_fd(event) })
    }

    fn control(event: &File, request: libc::c_ulong) -> io::Result<()> {
        // SAFETY: these requests take no pointer; the descriptor is open.
        let answer = unsafe { libc::ioctl(event.as_raw_fd(), request as _, 0) };
        if answer < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}
