//! Rows `strategy_*`: the same work under each placement strategy, on our own system only.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::tally;
use crate::workloads::chain;
use crate::workloads::fork_join::with_bywash;
use bywash::{JobSystem, Placement};

const NOTE: &str = "On a machine with one cache domain and no SMT all strategies that bind are one; \
it takes many cores to tell them apart.";

const fn row(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .workers(Workers::Each)
        .note(NOTE)
}

pub(super) static ROWS: &[Row] = &[
    row(
        "strategy_loop",
        "ms",
        "100,000 items of 120 ns in one loop",
        |setting| {
            strategies(setting, |system| {
                system.parallel_for(0..ITEMS, |item| tally::add(chain::run(item as u64, 110)));
                tally::take()
            })
        },
    ),
    row(
        "strategy_join",
        "ms",
        "fib(28) by join without cutoff",
        |setting| {
            strategies(setting, |system| {
                system.frame(|frame| with_bywash::fib(frame, 28))
            })
        },
    ),
    row(
        "strategy_spawn",
        "ms",
        "50,000 jobs of 120 ns from one spawner",
        |setting| {
            strategies(setting, |system| {
                system.frame(|frame| {
                    for item in 0..50_000 {
                        frame.spawn_detached(move |_| tally::add(chain::run(item, 110)));
                    }
                });
                tally::take()
            })
        },
    ),
    row(
        "strategy_reduce",
        "ms",
        "100,000 items of 120 ns summed by a reduction",
        |setting| {
            strategies(setting, |system| {
                system.parallel_reduce(
                    0..ITEMS,
                    || 0,
                    |sum: u64, item| sum.wrapping_add(chain::run(item as u64, 110)),
                    u64::wrapping_add,
                )
            })
        },
    ),
];

const ITEMS: usize = 100_000;

/// Each strategy by its name; the first, which is the default, stands as ours.
fn strategies(setting: &Setting, run: fn(&JobSystem) -> u64) -> Vec<Contender> {
    let (workers, repeats) = (setting.workers, setting.repeats(10, 2));
    let expected = run(&crate::ours::system(1));
    let sample = move |placement: Placement| -> Result<Sample, Wrong> {
        let system = JobSystem::builder()
            .workers(workers)
            .placement(placement)
            .build()
            .map_err(|error| Wrong(error.to_string()))?;
        check(run(&system), expected)?;
        let mut answer = 0;
        let time = stopwatch(|| (0..repeats).for_each(|_| answer = run(&system)));
        check(answer, expected)?;
        Ok(Sample::milliseconds(time / repeats as u32))
    };
    vec![
        Contender::ours(move || sample(Placement::none())),
        Contender::shown("Linear", move || sample(Placement::linear())),
        Contender::shown("AvoidSmt", move || sample(Placement::avoid_smt())),
        Contender::shown("CcdIsolation", move || sample(Placement::ccd_isolation())),
        Contender::shown("Scatter", move || sample(Placement::scatter())),
        Contender::shown("TieredSpillover", move || {
            sample(Placement::tiered_spillover())
        }),
    ]
}
