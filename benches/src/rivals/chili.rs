//! chili: the caller works too, beside `workers - 1` threads.

use std::num::NonZero;

/// A pool in which `workers` threads take part.
pub(crate) fn pool(workers: usize) -> chili::ThreadPool {
    chili::ThreadPool::with_config(chili::Config {
        thread_count: NonZero::new(workers),
        ..chili::Config::default()
    })
}

/// Runs `work` with a scope of a fresh pool.
pub(crate) fn inside<R>(workers: usize, work: impl FnOnce(&mut chili::Scope<'_>) -> R) -> R {
    let pool = pool(workers);
    let mut scope = pool.scope();
    work(&mut scope)
}
