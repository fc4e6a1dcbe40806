//! Mutants: orderings weakened and steps dropped on request, to see that a model turns red.

/// Whether the mutant `name` is on: the value of `BYWASH_MUTANT` under loom and ThreadSanitizer, else a
/// constant `false`.
///
/// A site reads `if !mutant("deque.steal.fence") { fence(SeqCst) }` and costs nothing in a real
/// build, where the branch is folded away.
#[cfg(not(any(bywash_loom, bywash_tsan)))]
#[inline(always)]
pub const fn mutant(_name: &str) -> bool {
    false
}

/// Whether the mutant `name` is on: the value of `BYWASH_MUTANT`, read once per process.
#[cfg(any(bywash_loom, bywash_tsan))]
pub fn mutant(name: &str) -> bool {
    let on = selected().is_some_and(|selected| selected == name);
    #[cfg(bywash_loom)]
    if on {
        REACHED.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    on
}

/// An ordering of [`atomic::Ordering`](crate::atomic::Ordering) that a mutant replaces by another.
///
/// `ordering!(Release, "deque.push.publish" => Relaxed)` is `Release`, and `Relaxed` while the
/// mutant of that name is on.
#[macro_export]
macro_rules! ordering {
    ($order:ident, $mutant:literal => $weaker:ident) => {
        if $crate::mutant($mutant) {
            $crate::atomic::Ordering::$weaker
        } else {
            $crate::atomic::Ordering::$order
        }
    };
}

/// Set when the selected mutant's site has run, so that a misspelt name cannot pass for green.
#[cfg(bywash_loom)]
static REACHED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// The mutant this process was started for.
#[cfg(any(bywash_loom, bywash_tsan))]
pub(crate) fn selected() -> Option<&'static str> {
    static SELECTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    SELECTED
        .get_or_init(|| std::env::var("BYWASH_MUTANT").ok())
        .as_deref()
}

/// Whether the selected mutant's site has run.
#[cfg(bywash_loom)]
pub(crate) fn reached() -> bool {
    REACHED.load(std::sync::atomic::Ordering::Relaxed)
}
