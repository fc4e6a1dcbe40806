//! Row `counter_contention`: what jobs pay that every worker spawns and that are counted together.

use super::spawn::{Bursts, JOBS};
use crate::harness::row::{Contender, Goal, Row, Setting};
use crate::harness::tally;
use crate::ours;
use bywash::Context;

pub(super) static ROWS: &[Row] = table! {
    Row::new("counter_contention", "ns/job", TIMED, contention).goals(GOALS).note(NOTE);
};

const TIMED: &str = "500 jobs that spawn 100 each, to the moment all are done";

const GOALS: &[Goal] = &[Goal::against("bywash.one_counter", 1.0).on(2)];

const NOTE: &str = "Ours: each of the 500 has a counter of its own, and waits for it. bywash.one_counter: all \
50,000 are counted by one counter that another worker made, and by bywash.two_counters in turn, so that no job \
counts where the one before did. bywash.detached: nobody counts. In each, the frame's end is waited for.";

const GROUPS: u64 = 500;
const IN_A_GROUP: u64 = JOBS / GROUPS;

/// Who counts the jobs of a group.
#[derive(Clone, Copy)]
enum Counted {
    Nowhere,
    ByTheirOwn,
    ByOne,
    ByTwoInTurn,
}

fn contention(setting: &Setting) -> Vec<Contender> {
    let (workers, bursts) = (setting.workers, Bursts::of(setting));
    let sample = move |counted| {
        move || {
            ours::inside(workers, |outside| {
                bursts.time(|| spawn_all(outside, counted))
            })
        }
    };
    vec![
        Contender::ours(sample(Counted::ByTheirOwn)),
        Contender::shown("bywash.detached", sample(Counted::Nowhere)),
        Contender::shown("bywash.one_counter", sample(Counted::ByOne)),
        Contender::shown("bywash.two_counters", sample(Counted::ByTwoInTurn)),
    ]
}

fn spawn_all(outside: &Context<'_>, counted: Counted) {
    outside.frame(|frame| {
        let common = [frame.counter(), frame.counter()];
        for group in 0..GROUPS {
            frame.spawn_detached(move |ctx| {
                let own = ctx.counter();
                for number in group * IN_A_GROUP..(group + 1) * IN_A_GROUP {
                    let job = move |_: &Context<'_>| tally::add(number);
                    match counted {
                        Counted::Nowhere => ctx.spawn_detached(job),
                        Counted::ByTheirOwn => ctx.spawn_with_counter(own, job),
                        Counted::ByOne => ctx.spawn_with_counter(common[0], job),
                        Counted::ByTwoInTurn => {
                            ctx.spawn_with_counter(common[number as usize % 2], job);
                        }
                    }
                }
                ctx.wait(own);
            });
        }
    });
}
