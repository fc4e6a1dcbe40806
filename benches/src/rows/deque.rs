//! Rows `deque_*` and `chase_lev_*`: the scheduler's deque and the growable one, beside crossbeam's and st3's.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use bywash_deque::{chase_lev, split};
use std::cell::RefCell;
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

/// What every deque holds here: a pointer, as a scheduler's does.
type Item = &'static u64;

/// The items: their values are their places, so what comes out can be added up.
static ITEMS: [u64; 64] = {
    let mut items = [0; 64];
    let mut place = 0;
    while place < 64 {
        items[place] = place as u64;
        place += 1;
    }
    items
};
const SUM_OF_64: u64 = 64 * 63 / 2;

/// What an owner does alone.
trait Stack: 'static {
    fn new() -> Self;
    fn push(&self, item: Item);
    fn pop(&self) -> Option<Item>;
}

/// A deque's owner.
trait Deque: Stack {
    type Thief: Thief;
    fn thief(&self) -> Self::Thief;
    /// What an owner does that sees its thieves idle.
    fn offer(&self) {}
}

/// A thief, on its own thread.
trait Thief: Send {
    /// Steals what it can at once: how many items, and their sum.
    fn steal(&mut self) -> (u64, u64);
}

/// The most items a thief asks for at once; crossbeam's own limit.
const BATCH: usize = 32;

struct Split(split::Worker<Item>, split::Stealer<Item>);

impl Stack for Split {
    fn new() -> Self {
        let (worker, stealer) = split::deque();
        Self(worker, stealer)
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl Deque for Split {
    type Thief = (split::Worker<Item>, split::Stealer<Item>);

    fn thief(&self) -> Self::Thief {
        (split::deque().0, self.1.clone())
    }

    fn offer(&self) {
        self.0.expose();
    }
}

impl Thief for (split::Worker<Item>, split::Stealer<Item>) {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        match self.0.steal_batch_from(&self.1, BATCH) {
            split::Steal::Taken(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// Empties the thief's own deque: how many items there were with `first`, and their sum.
#[inline]
fn drain(first: u64, mut pop: impl FnMut() -> Option<Item>) -> (u64, u64) {
    let (mut count, mut sum) = (1, first);
    while let Some(item) = pop() {
        count += 1;
        sum += *item;
    }
    (count, sum)
}

/// Our growable deque; `FIFO` chooses its flavour.
struct ChaseLev<const FIFO: bool>(chase_lev::Worker<Item>);

impl<const FIFO: bool> Stack for ChaseLev<FIFO> {
    fn new() -> Self {
        Self(if FIFO {
            chase_lev::Worker::fifo()
        } else {
            chase_lev::Worker::lifo()
        })
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item).expect("no maximum was set");
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl<const FIFO: bool> Deque for ChaseLev<FIFO> {
    type Thief = (chase_lev::Worker<Item>, chase_lev::Stealer<Item>);

    fn thief(&self) -> Self::Thief {
        (Self::new().0, self.0.stealer())
    }
}

impl Thief for (chase_lev::Worker<Item>, chase_lev::Stealer<Item>) {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        match self.1.steal_batch_and_pop(&self.0, BATCH) {
            chase_lev::Steal::Taken(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// crossbeam's deque; `FIFO` chooses its flavour, `BATCH` how its thief steals.
struct Crossbeam<const FIFO: bool, const BATCH: bool>(crossbeam_deque::Worker<Item>);

impl<const FIFO: bool, const BATCH: bool> Stack for Crossbeam<FIFO, BATCH> {
    fn new() -> Self {
        Self(if FIFO {
            crossbeam_deque::Worker::new_fifo()
        } else {
            crossbeam_deque::Worker::new_lifo()
        })
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl<const FIFO: bool, const BATCH: bool> Deque for Crossbeam<FIFO, BATCH> {
    type Thief = CrossbeamThief<BATCH>;

    fn thief(&self) -> Self::Thief {
        CrossbeamThief(Self::new().0, self.0.stealer())
    }
}

struct CrossbeamThief<const BATCH: bool>(
    crossbeam_deque::Worker<Item>,
    crossbeam_deque::Stealer<Item>,
);

impl<const BATCH: bool> Thief for CrossbeamThief<BATCH> {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        let stolen = if BATCH {
            self.1.steal_batch_and_pop(&self.0)
        } else {
            self.1.steal()
        };
        match stolen {
            crossbeam_deque::Steal::Success(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// st3's deques have a fixed capacity and steal in batches only.
const ST3_CAPACITY: usize = 256;

macro_rules! st3 {
    ($name:ident, $flavour:ident) => {
        struct $name(st3::$flavour::Worker<Item>);

        impl Stack for $name {
            fn new() -> Self {
                Self(st3::$flavour::Worker::new(ST3_CAPACITY))
            }

            /// Waits when full: of a thief that is held up in a steal, the items stay in the way.
            #[inline(always)]
            fn push(&self, item: Item) {
                while self.0.push(item).is_err() {
                    thread::yield_now();
                }
            }

            #[inline(always)]
            fn pop(&self) -> Option<Item> {
                self.0.pop()
            }
        }

        impl Deque for $name {
            type Thief = (st3::$flavour::Worker<Item>, st3::$flavour::Stealer<Item>);

            fn thief(&self) -> Self::Thief {
                (st3::$flavour::Worker::new(ST3_CAPACITY), self.0.stealer())
            }
        }

        impl Thief for (st3::$flavour::Worker<Item>, st3::$flavour::Stealer<Item>) {
            #[inline]
            fn steal(&mut self) -> (u64, u64) {
                match self
                    .1
                    .steal_and_pop(&self.0, |count| count.div_ceil(2).min(BATCH))
                {
                    Ok((first, _)) => drain(*first, || self.0.pop()),
                    Err(_) => (0, 0),
                }
            }
        }
    };
}

st3!(St3Lifo, lifo);
st3!(St3Fifo, fifo);

/// The floor of the rows without thieves: nobody else may look.
struct Plain(RefCell<Vec<Item>>);

impl Stack for Plain {
    fn new() -> Self {
        Self(RefCell::new(Vec::with_capacity(ITEMS.len())))
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.borrow_mut().push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.borrow_mut().pop()
    }
}

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
