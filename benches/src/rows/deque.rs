//! Rows `deque_*` and `chase_lev_*`: the scheduler's deque and the growable one, beside crossbeam's and st3's.

mod contenders;

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use contenders::{
    ChaseLev, Crossbeam, Deque, ITEMS, Plain, SUM_OF_64, Split, St3Fifo, St3Lifo, Stack, Thief,
};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const fn row(
    name: &'static str,
    timed: &'static str,
    goals: &'static [Goal],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, "ns", timed, contenders)
        .family(Family::Deque)
        .workers(Workers::Fixed(1))
        .required(&["crossbeam.lifo", "crossbeam.fifo", "st3.lifo", "st3.fifo"])
        .goals(goals)
}

const fn stealing(
    name: &'static str,
    unit: &'static str,
    timed: &'static str,
    goals: &'static [Goal],
    contenders: fn(&Setting) -> Vec<Contender>,
) -> Row {
    Row::new(name, unit, timed, contenders)
        .family(Family::Deque)
        .workers(Workers::Fixed(2))
        .required(&["crossbeam", "crossbeam.batch", "st3"])
        .goals(goals)
        .note("Thieves take up to 32 items at once; crossbeam's once one by one too. FIFO deques are shown, not ranked: their owners take the oldest item as thieves do, so that one claim can be for many.")
}

const PAIR: &str = "push one item, pop it, over and over";
const BURST: &str = "push 64 items, pop them all; a push and a pop";
const UNDER_THEFT: &str = "the owner pushes 8 items and pops what is left of them while a thief steals; for each of the owner's pushes and pops";
const STOLEN: &str =
    "items a thief carries away in a second while the owner keeps the deque filled";

const PAIR_GOALS: &[Goal] = &[Goal::against("Vec", 1.0)];
const BURST_GOALS: &[Goal] = &[Goal::against("crossbeam.lifo", 0.85)];
const UNDER_THEFT_GOALS: &[Goal] = &[Goal::against("crossbeam", 0.5)];
const STOLEN_GOALS: &[Goal] = &[Goal::against("crossbeam", 1.5)];

pub(super) static ROWS: &[Row] = &[
    row("deque_pair", PAIR, PAIR_GOALS, |s| {
        alone::<Split>(Pairs::of(s))
    }),
    row("deque_burst64", BURST, BURST_GOALS, |s| {
        alone::<Split>(Bursts::of(s))
    }),
    stealing(
        "deque_owner_under_theft",
        "ns/op",
        UNDER_THEFT,
        UNDER_THEFT_GOALS,
        |s| robbed::<Split>(UnderTheft::of(s)),
    ),
    stealing("deque_stolen", "M/s", STOLEN, STOLEN_GOALS, |s| {
        robbed::<Split>(Stolen::of(s))
    })
    .higher_is_better(),
    row("chase_lev_pair", PAIR, PAIR_GOALS, |s| {
        alone::<ChaseLev<false>>(Pairs::of(s))
    }),
    row("chase_lev_burst64", BURST, BURST_GOALS, |s| {
        alone::<ChaseLev<false>>(Bursts::of(s))
    }),
    stealing(
        "chase_lev_owner_under_theft",
        "ns/op",
        UNDER_THEFT,
        UNDER_THEFT_GOALS,
        |s| robbed::<ChaseLev<false>>(UnderTheft::of(s)),
    ),
    stealing("chase_lev_stolen", "M/s", STOLEN, STOLEN_GOALS, |s| {
        robbed::<ChaseLev<false>>(Stolen::of(s))
    })
    .higher_is_better(),
];

/// What a row without thieves times on each of its contenders.
trait Alone: Copy + 'static {
    fn on<S: Stack>(self) -> Result<Sample, Wrong>;
}

fn alone<D: Deque>(work: impl Alone) -> Vec<Contender> {
    vec![
        Contender::ours(move || work.on::<D>()),
        Contender::rival("crossbeam.lifo", move || {
            work.on::<Crossbeam<false, false>>()
        }),
        Contender::rival("crossbeam.fifo", move || {
            work.on::<Crossbeam<true, false>>()
        }),
        Contender::rival("st3.lifo", move || work.on::<St3Lifo>()),
        Contender::rival("st3.fifo", move || work.on::<St3Fifo>()),
        Contender::floor("Vec", move || work.on::<Plain>()),
    ]
}

/// What a row with a thief times on each of its contenders.
trait Robbed: Copy + 'static {
    fn on<D: Deque>(self) -> Result<Sample, Wrong>;
}

fn robbed<D: Deque>(work: impl Robbed) -> Vec<Contender> {
    vec![
        Contender::ours(move || work.on::<D>()),
        Contender::rival("crossbeam", move || work.on::<Crossbeam<false, false>>()),
        Contender::rival("crossbeam.batch", move || {
            work.on::<Crossbeam<false, true>>()
        }),
        Contender::rival("st3", move || work.on::<St3Lifo>()),
        Contender::shown("crossbeam.fifo", move || work.on::<Crossbeam<true, true>>()),
        Contender::shown("st3.fifo", move || work.on::<St3Fifo>()),
        Contender::shown("chase_lev.fifo", move || work.on::<ChaseLev<true>>()),
    ]
}

/// Push one, pop one, this often.
#[derive(Clone, Copy)]
struct Pairs(usize);

impl Pairs {
    fn of(setting: &Setting) -> Self {
        Self(setting.repeats(4_000_000, 1_000_000))
    }
}

impl Alone for Pairs {
    fn on<S: Stack>(self) -> Result<Sample, Wrong> {
        let stack = S::new();
        let stack = black_box(&stack);
        let run = |pairs: usize| {
            let mut sum = 0;
            for place in 0..pairs {
                stack.push(black_box(&ITEMS[place % ITEMS.len()]));
                sum += stack.pop().copied().unwrap_or(u64::MAX / 2);
            }
            sum
        };
        let time = timed(run, 100 * ITEMS.len(), self.0, 1)?;
        Ok(Sample::nanoseconds_each(time, self.0))
    }
}

/// Push 64, pop 64, this often.
#[derive(Clone, Copy)]
struct Bursts(usize);

impl Bursts {
    fn of(setting: &Setting) -> Self {
        Self(setting.repeats(60_000, 15_000))
    }
}

impl Alone for Bursts {
    fn on<S: Stack>(self) -> Result<Sample, Wrong> {
        let stack = S::new();
        let stack = black_box(&stack);
        let run = |bursts: usize| {
            let mut sum = 0;
            for _ in 0..bursts {
                for item in black_box(&ITEMS) {
                    stack.push(item);
                }
                while let Some(item) = stack.pop() {
                    sum += *item;
                }
            }
            sum
        };
        let time = timed(run, 100, self.0, ITEMS.len())?;
        Ok(Sample::nanoseconds_each(time, self.0 * ITEMS.len()))
    }
}

/// Runs `run` to warm up, then with the clock on; holds the sum of the items, `each` a turn, against
/// the known one.
fn timed(
    run: impl Fn(usize) -> u64,
    warm_up: usize,
    turns: usize,
    each: usize,
) -> Result<Duration, Wrong> {
    let expected = |turns: usize| (turns * each / ITEMS.len()) as u64 * SUM_OF_64;
    check(run(warm_up), expected(warm_up))?;
    let mut sum = 0;
    let time = stopwatch(|| sum = run(turns));
    check(sum, expected(turns))?;
    Ok(time)
}

/// What a thief carried away: how many items, and their sum.
#[derive(Default)]
struct Loot {
    count: u64,
    sum: u64,
}

/// Lets a thief steal from `deque` while `owner` runs here; gives the owner's answer and the loot.
fn beside_a_thief<D: Deque, T>(deque: &D, owner: impl FnOnce() -> T) -> (T, Loot) {
    let is_over = AtomicBool::new(false);
    let begun = AtomicBool::new(false);
    let mut thief = deque.thief();
    thread::scope(|scope| {
        let robbing = scope.spawn(|| {
            begun.store(true, Ordering::Release);
            let mut loot = Loot::default();
            loop {
                // Looked at before the last attempt, so that nothing is left behind after it.
                let was_over = is_over.load(Ordering::Acquire);
                let (count, sum) = thief.steal();
                loot.count += count;
                loot.sum += sum;
                if count == 0 {
                    if was_over {
                        return loot;
                    }
                    std::hint::spin_loop();
                }
            }
        });
        crate::harness::clock::wait_until(|| begun.load(Ordering::Acquire));
        let answer = owner();
        is_over.store(true, Ordering::Release);
        let loot = robbing.join().expect("a thief does not panic");
        (answer, loot)
    })
}

/// Push 8, pop what is left of them beside a thief, this often.
#[derive(Clone, Copy)]
struct UnderTheft(usize);

impl UnderTheft {
    fn of(setting: &Setting) -> Self {
        Self(setting.repeats(200_000, 40_000))
    }
}

impl Robbed for UnderTheft {
    fn on<D: Deque>(self) -> Result<Sample, Wrong> {
        let Self(bursts) = self;
        let deque = D::new();
        let ((time, pops, mut sum), loot) = beside_a_thief(&deque, || {
            let (mut pops, mut sum) = (0, 0);
            let time = stopwatch(|| {
                for burst in 0..bursts {
                    let from = burst % 8 * 8;
                    for item in &ITEMS[from..from + 8] {
                        deque.push(item);
                    }
                    loop {
                        pops += 1;
                        match deque.pop() {
                            Some(item) => sum += *item,
                            None => break,
                        }
                    }
                }
            });
            (time, pops, sum)
        });
        while let Some(item) = deque.pop() {
            sum += *item;
        }
        check(sum + loot.sum, bursts as u64 / 8 * SUM_OF_64)?;
        Ok(Sample::nanoseconds_each(time, 8 * bursts + pops))
    }
}

/// Keep the deque filled for a thief, so long.
#[derive(Clone, Copy)]
struct Stolen(Duration);

impl Stolen {
    fn of(setting: &Setting) -> Self {
        Self(Duration::from_millis(setting.repeats(60, 20) as u64))
    }
}

impl Robbed for Stolen {
    fn on<D: Deque>(self) -> Result<Sample, Wrong> {
        /// Few enough for every deque, many enough for a thief's batches.
        const FILLED: u64 = 128;
        let deque = D::new();
        let taken = std::sync::atomic::AtomicU64::new(0);
        let is_over = AtomicBool::new(false);
        let mut thief = deque.thief();
        let (pushed, pushed_sum, left_sum, loot, time) = thread::scope(|scope| {
            let robbing = scope.spawn(|| {
                let mut loot = Loot::default();
                while !is_over.load(Ordering::Acquire) {
                    let (count, sum) = thief.steal();
                    if count > 0 {
                        loot.count += count;
                        loot.sum += sum;
                        taken.store(loot.count, Ordering::Relaxed);
                    }
                }
                loot
            });
            let (mut pushed, mut pushed_sum) = (0_u64, 0);
            let start = Instant::now();
            let mut turn = 0_u32;
            while !turn.is_multiple_of(64) || start.elapsed() < self.0 {
                turn = turn.wrapping_add(1);
                let held = pushed - taken.load(Ordering::Relaxed);
                if held >= FILLED {
                    deque.offer();
                    std::hint::spin_loop();
                    continue;
                }
                for _ in held..FILLED {
                    let item = &ITEMS[pushed as usize % 64];
                    deque.push(item);
                    pushed += 1;
                    pushed_sum += *item;
                }
            }
            let time = start.elapsed();
            is_over.store(true, Ordering::Release);
            let loot = robbing.join().expect("a thief does not panic");
            let mut left_sum = 0;
            while let Some(item) = deque.pop() {
                left_sum += *item;
            }
            (pushed, pushed_sum, left_sum, loot, time)
        });
        check(loot.count <= pushed, true)?;
        check(loot.sum + left_sum, pushed_sum)?;
        Ok(Sample::of(loot.count as f64 / time.as_secs_f64() / 1e6))
    }
}
