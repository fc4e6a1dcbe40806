//! The paths whose instructions are counted: each on one worker, so that one binary always counts the same.

use crate::ours;
use bywash::Context;
use bywash_arena::{Arena, Pool};
use bywash_deque::{chase_lev, split};
use std::hint::black_box;

/// One path.
pub struct Path {
    /// The name in `instructions.json`.
    pub name: &'static str,
    /// What one turn is.
    pub turn: &'static str,
    /// Runs it so many times.
    pub run: fn(u64),
}

/// All of them.
pub const PATHS: &[Path] = &[
    path(
        "spawn_run",
        "one spawn_detached, and its job run",
        |count| {
            frames(count, |frame| {
                for number in 0..BURST {
                    frame.spawn_detached(move |_| touch(number));
                }
            });
        },
    ),
    path(
        "spawn_with_counter",
        "one spawn_with_counter, its job run, the counter waited for once a burst",
        |count| {
            frames(count, |frame| {
                let group = frame.counter();
                for number in 0..BURST {
                    frame.spawn_with_counter(group, move |_| touch(number));
                }
                frame.wait(group);
            });
        },
    ),
    path(
        "spawn_job",
        "one spawn_job, its job run, its result waited for",
        |count| {
            turns(count, |context, number| {
                touch(context.spawn_job(move |_| number).wait(context));
            });
        },
    ),
    path(
        "join",
        "one of many joins inside one another, where others might steal",
        |count| {
            beside_a_host(|context| (0..count / (1 << LEVELS)).for_each(|_| tree(context, LEVELS)));
        },
    ),
    path(
        "join_outermost",
        "one join of two empty sides, where others might steal",
        |count| beside_a_host(|context| (0..count).for_each(|number| join(context, number))),
    ),
    path(
        "join_alone",
        "one join of two empty sides, where nobody could steal",
        |count| turns(count, join),
    ),
    path(
        "frame_cycle",
        "one frame opened inside a job, and ended",
        |count| {
            turns(count, |context, number| {
                context.frame(|frame| touch(*frame.alloc(number)));
            });
        },
    ),
    path("entry", "one join from outside the system", |count| {
        let system = ours::system(1);
        for number in 0..count {
            system.join(move |_| touch(number), move |_| touch(number));
        }
    }),
    path(
        "loop_entry",
        "one parallel_for over a single item, from inside",
        |count| {
            turns(count, |context, number| {
                context.parallel_for(0..1, |_| touch(number));
            });
        },
    ),
    path(
        "deque_push_pop",
        "one push onto the split deque and one pop",
        |count| {
            let (worker, _stealer) = split::deque::<&'static u64>();
            for _ in 0..count {
                worker.push(black_box(&ITEM));
                black_box(worker.pop());
            }
        },
    ),
    path(
        "chase_lev_push_pop",
        "one push onto the Chase-Lev deque and one pop",
        |count| {
            let worker = chase_lev::Worker::lifo();
            for _ in 0..count {
                worker.push(black_box(&ITEM)).expect("no maximum was set");
                black_box(worker.pop());
            }
        },
    ),
    path(
        "arena_alloc",
        "one u64 from an arena, counting off",
        |count| {
            bursts(Arena::new(), count);
        },
    ),
    path(
        "arena_alloc_untracked",
        "the same after tracking was on and off again: statistics that are off cost nothing",
        |count| {
            let arena = Arena::new();
            arena.track(true);
            arena.track(false);
            bursts(arena, count);
        },
    ),
    path(
        "arena_frame_cycle",
        "one frame of an arena: begin, one u64, end",
        |count| {
            let mut arena = Arena::new();
            for number in 0..count {
                black_box(arena.begin_frame().alloc(number));
            }
        },
    ),
    path("pool_pair", "32 bytes from a pool, and back", |count| {
        let pool = Pool::new();
        for number in 0..count {
            black_box(pool.alloc([number; 4]));
        }
    }),
];

const fn path(name: &'static str, turn: &'static str, run: fn(u64)) -> Path {
    Path { name, turn, run }
}

/// So many turns inside a job of a system with one worker.
#[inline(always)]
fn turns(count: u64, turn: impl Fn(&Context<'_>, u64)) {
    ours::inside(1, |context| {
        (0..count).for_each(|number| turn(context, number))
    });
}

/// So many turns, a burst of them in each frame.
#[inline(always)]
fn frames(count: u64, burst: impl for<'frame> Fn(&Context<'frame>)) {
    ours::inside(1, |context| {
        for _ in 0..count / BURST {
            context.frame(|frame| burst(frame));
        }
    });
}

/// Single values in bursts, each given back at once.
fn bursts(mut arena: Arena, count: u64) {
    for _ in 0..count / BURST {
        for number in 0..BURST {
            black_box(arena.alloc(number));
        }
        arena.reset();
    }
}

/// Runs the path that the first of `words` names, as often as the second says.
///
/// # Errors
/// In words, when there is no such path or no number.
pub fn run(words: &[String]) -> Result<(), String> {
    let [name, count] = words else {
        return Err("--hot-path: a name and a number are wanted".to_owned());
    };
    let path = PATHS
        .iter()
        .find(|path| path.name == name)
        .ok_or_else(|| format!("--hot-path {name}: no path has this name"))?;
    let count = count
        .parse()
        .map_err(|_| format!("--hot-path {name} {count}: this is no number"))?;
    (path.run)(count);
    Ok(())
}

/// Turns in one burst, where a path has bursts.
pub const BURST: u64 = 1_000;

static ITEM: u64 = 0;

/// Runs `work` as a guest of a system that shares with its one worker, which is busy being the host.
fn beside_a_host(work: impl Fn(&Context<'_>) + Sync) {
    let system = ours::system(1);
    system.frame(|_| {
        std::thread::scope(|scope| _ = scope.spawn(|| system.frame(|frame| work(frame))));
    });
}

/// So many levels of joins inside one another.
const LEVELS: u32 = 10;

/// As many joins as a perfect tree of so many levels has nodes: nearly 2^levels.
fn tree(context: &Context<'_>, levels: u32) {
    if levels != 0 {
        context.join(|cx| tree(cx, levels - 1), |cx| tree(cx, levels - 1));
    }
}

#[inline(always)]
fn join(context: &Context<'_>, number: u64) {
    black_box(context.join(|_| touch(number), |_| touch(number)));
}

#[inline(always)]
fn touch(number: u64) {
    black_box(number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_runs_and_has_its_own_name() {
        for (index, path) in PATHS.iter().enumerate() {
            (path.run)(BURST);
            assert!(PATHS[..index].iter().all(|other| other.name != path.name));
        }
    }
}
