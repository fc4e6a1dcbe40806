//! The floor under every loop: plain threads, each with its share fixed beforehand.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The share of thread `index` when `count` items are cut evenly among `workers`.
pub(crate) fn share(count: usize, workers: usize, index: usize) -> Range<usize> {
    (count * index / workers)..(count * (index + 1) / workers)
}

/// Runs `work` on `workers` threads that are already running and spinning for the start, and
/// times from the start to the last one's end. The caller is one of them.
pub(crate) fn timed(workers: usize, work: impl Fn(usize) + Sync) -> Duration {
    let waiting = AtomicUsize::new(0);
    let begun = AtomicBool::new(false);
    let ended = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for index in 1..workers {
            let (waiting, begun, ended, work) = (&waiting, &begun, &ended, &work);
            scope.spawn(move || {
                waiting.fetch_add(1, Ordering::Relaxed);
                crate::harness::clock::wait_until(|| begun.load(Ordering::Acquire));
                work(index);
                ended.fetch_add(1, Ordering::Release);
            });
        }
        crate::harness::clock::wait_until(|| waiting.load(Ordering::Relaxed) == workers - 1);
        let start = Instant::now();
        begun.store(true, Ordering::Release);
        work(0);
        crate::harness::clock::wait_until(|| ended.load(Ordering::Acquire) == workers - 1);
        start.elapsed()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_once() {
        let shares: Vec<_> = (0..3).map(|index| share(10, 3, index)).collect();
        assert_eq!(shares, [0..3, 3..6, 6..10]);
    }
}
