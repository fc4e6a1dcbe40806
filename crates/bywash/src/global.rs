//! The global system: built at the first use of a free function, kept for the process's life.

use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::builder::Builder;
use crate::context::Context;
use crate::error::BuildError;
use crate::frame::Frame;
use crate::jobs::JobSystem;

static GLOBAL: OnceLock<JobSystem> = OnceLock::new();
static BUILDING: Mutex<()> = Mutex::new(());

impl Builder {
    /// Builds the global system, which the free functions use.
    ///
    /// # Errors
    /// [`BuildError::GlobalExists`] if it was built or used before; otherwise as [`Builder::build`].
    pub fn build_global(self) -> Result<&'static JobSystem, BuildError> {
        let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        if GLOBAL.get().is_some() {
            return Err(BuildError::GlobalExists);
        }
        let jobs = self.build()?;
        Ok(GLOBAL.get_or_init(|| jobs))
    }
}

/// The global system; built from the environment (see [`Builder::from_environment`]) if this is its
/// first use.
///
/// # Errors
/// What [`Builder::from_environment`] and [`Builder::build`] say; the next call tries again.
pub fn try_global() -> Result<&'static JobSystem, BuildError> {
    if let Some(jobs) = GLOBAL.get() {
        return Ok(jobs);
    }
    match Builder::from_environment()?.build_global() {
        // Somebody else built it in the meantime.
        Err(BuildError::GlobalExists) => Ok(GLOBAL
            .get()
            .expect("bywash: a global system that exists can be had")),
        built => built,
    }
}

/// The global system.
///
/// # Panics
/// With the error's words where [`try_global`] would return one.
pub fn global() -> &'static JobSystem {
    try_global().unwrap_or_else(|error| panic!("{error}"))
}

/// [`JobSystem::frame`] on the [`global`] system.
pub fn frame<'env, F, T>(body: F) -> T
where
    F: for<'frame> FnOnce(&'frame Frame<'frame, 'env>) -> T,
{
    global().frame(body)
}

/// [`JobSystem::scope`] on the [`global`] system.
pub fn scope<'env, F, T>(body: F) -> T
where
    F: for<'frame> FnOnce(&'frame Frame<'frame, 'env>) -> T,
{
    global().scope(body)
}

/// [`JobSystem::join`] on the [`global`] system.
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: for<'frame> FnOnce(&Context<'frame>) -> RA + Send,
    B: for<'frame> FnOnce(&Context<'frame>) -> RB + Send,
    RA: Send,
    RB: Send,
{
    global().join(a, b)
}

/// [`JobSystem::spawn_detached`] on the [`global`] system.
pub fn spawn_detached<F>(body: F)
where
    F: for<'frame> FnOnce(&Context<'frame>) + Send + 'static,
{
    global().spawn_detached(body);
}

/// [`JobSystem::parallel_for`] on the [`global`] system.
pub fn parallel_for(range: Range<usize>, body: impl Fn(usize) + Sync) {
    global().parallel_for(range, body);
}

/// [`JobSystem::parallel_for_auto`] on the [`global`] system.
pub fn parallel_for_auto(range: Range<usize>, body: impl Fn(usize) + Sync) {
    global().parallel_for_auto(range, body);
}

/// [`JobSystem::parallel_for_chunks`] on the [`global`] system.
pub fn parallel_for_chunks(range: Range<usize>, grain: usize, body: impl Fn(Range<usize>) + Sync) {
    global().parallel_for_chunks(range, grain, body);
}

/// [`JobSystem::parallel_reduce`] on the [`global`] system.
pub fn parallel_reduce<T: Send>(
    range: Range<usize>,
    identity: impl Fn() -> T + Sync,
    fold: impl Fn(T, usize) -> T + Sync,
    combine: impl Fn(T, T) -> T + Sync,
) -> T {
    global().parallel_reduce(range, identity, fold, combine)
}
