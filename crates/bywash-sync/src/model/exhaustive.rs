//! Runs one scenario under loom, with a preemption bound, a floor and a line of evidence.

use std::io::Write as _;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The preemption bound to use unless a scenario has a reason of its own.
///
/// Two real classes of bug pass at 1 and 2: a pop whose decrement is relaxed, and a batch steal
/// that reads through a stale buffer.
pub const BOUND: usize = 3;

/// The exit status of a run whose mutant's site never ran: neither green nor red.
pub const NEVER_REACHED: i32 = 3;

/// Explores every schedule of `scenario` that needs at most `bound` preemptions.
///
/// Prints one line, `model: NAME: N schedules, bound B, floor F`, past libtest's capture. While
/// `BYWASH_MUTANT` names a mutant the floor does not count (a mutant may shorten the search), and
/// the process ends with [`NEVER_REACHED`] if that mutant's site did not run.
///
/// # Panics
///
/// When a schedule breaks the scenario; when fewer than `floor` schedules were explored; and when
/// a variable `LOOM_MAX_*` is set, since those end the search early and let it pass.
pub fn model(name: &str, bound: usize, floor: usize, scenario: impl Fn() + Send + Sync + 'static) {
    if let Some((variable, _)) =
        std::env::vars().find(|(variable, _)| variable.starts_with("LOOM_MAX_"))
    {
        panic!("{variable} is set: it ends the search early and reports a pass; unset it");
    }
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 20_000;
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        scenario();
    });
    let schedules = schedules.load(Ordering::Relaxed);
    report(&format!(
        "model: {name}: {schedules} schedules, bound {bound}, floor {floor}"
    ));
    match crate::mutant::selected() {
        Some(mutant) if !crate::mutant::reached() => {
            report(&format!("model: {name}: mutant {mutant} was never reached"));
            process::exit(NEVER_REACHED);
        }
        Some(_) => {}
        None => assert!(
            schedules >= floor,
            "{name}: {schedules} schedules explored, fewer than the floor of {floor}: \
             the scenario no longer meets what it is for"
        ),
    }
}

/// Writes past libtest's capture, so that a driver sees the line of a passing test.
fn report(line: &str) {
    // A closed stderr must not turn a green scenario red.
    let _ = writeln!(std::io::stderr(), "{line}");
}
