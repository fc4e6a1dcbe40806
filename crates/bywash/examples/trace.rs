//! Records a few frames and writes them as a file for Perfetto (<https://ui.perfetto.dev>).
//!
//! `cargo run --release -p bywash --features trace --example trace -- run.json`

use bywash::{Context, JobSystem};

fn fib(ctx: &Context, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = ctx.join(|ctx| fib(ctx, n - 1), |ctx| fib(ctx, n - 2));
    a + b
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or("bywash-trace.json".into());
    let jobs = JobSystem::builder().build()?;
    for _ in 0..3 {
        jobs.frame(|frame| {
            for n in 15..25 {
                frame.spawn_detached(move |ctx| {
                    assert!(fib(ctx, n) > 0);
                });
            }
        });
        // Long enough for the workers to fall asleep.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    jobs.write_trace(&path)?;
    println!("{path}: open it at https://ui.perfetto.dev");
    Ok(())
}
