//! Runs one scenario under shuttle: many random schedules, and a string that replays a failure.

use shuttle::scheduler::{RandomScheduler, ReplayScheduler};
use shuttle::{Config, Runner};

/// The number of schedules to use unless a scenario has a reason of its own.
pub const SCHEDULES: usize = 2_000;

/// Bytes of stack a thread: a whole job system's frames lie deeper than shuttle's own 32 KiB.
const STACK: usize = 256 << 10;

/// Runs `scenario` under `schedules` random schedules.
///
/// Shuttle is sequentially consistent: it finds lost wake-ups and wrong interleavings, never a
/// missing fence. A failure prints a replay string; with `BYWASH_REPLAY` set to it the same
/// schedule runs again, alone.
///
/// # Panics
///
/// When a schedule breaks the scenario.
pub fn random(schedules: usize, scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK;
    match std::env::var("BYWASH_REPLAY") {
        Ok(schedule) => {
            let scheduler = ReplayScheduler::new_from_encoded(&schedule);
            Runner::new(scheduler, config).run(scenario);
        }
        Err(_) => {
            Runner::new(RandomScheduler::new(schedules), config).run(scenario);
        }
    }
}
