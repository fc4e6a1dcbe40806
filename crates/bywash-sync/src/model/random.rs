//! Runs one scenario under shuttle: many random schedules, and a string that replays a failure.

/// The number of schedules to use unless a scenario has a reason of its own.
pub const SCHEDULES: usize = 2_000;

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
    match std::env::var("BYWASH_REPLAY") {
        Ok(schedule) => shuttle::replay(scenario, &schedule),
        Err(_) => shuttle::check_random(scenario, schedules),
    }
}
