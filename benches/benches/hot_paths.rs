//! Criterion's view of the hot paths: the same turns whose instructions are counted, in time.

use bywash_bench::hot_paths::{BURST, PATHS};
use criterion::{Criterion, Throughput};
use std::time::{Duration, Instant};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut group = criterion.benchmark_group("hot_paths");
    group.throughput(Throughput::Elements(BURST));
    for path in PATHS {
        group.bench_function(path.name, |bencher| {
            // A path makes its own system; many bursts in one call drown that.
            bencher.iter_custom(|bursts| {
                let start = Instant::now();
                (path.run)(bursts * BURST);
                start.elapsed()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
