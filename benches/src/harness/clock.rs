//! Time and burnt CPU: what a stopwatch shows and what the scheduler charged us for.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// CPU time of all threads of this process since it began.
pub fn process_cpu_time() -> Duration {
    read(ClockId::ProcessCPUTime)
}

/// CPU time of all threads of this process but the calling one.
pub fn cpu_time_of_others() -> Duration {
    // The own time is read first, so that reading it is not charged to the others.
    let own = read(ClockId::ThreadCPUTime);
    process_cpu_time().saturating_sub(own)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Runs `work` and says how long it took.
pub fn stopwatch(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Keeps this core busy for `time` without touching memory.
pub fn spin_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Waits for `ready` the way a benchmark's side condition should: spins shortly, then yields, so
/// that a machine with fewer cores than threads still makes progress.
pub fn wait_until(mut ready: impl FnMut() -> bool) {
    let mut turns = 0_u32;
    while !ready() {
        turns += 1;
        if turns < 2_000 {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}
