//! Random programs of the job system's operations, and what each comes to when it is run in order.

use bywash::Priority;

/// The steps of a job or of a frame's body, in order.
pub(crate) type Steps = Vec<Step>;

pub(crate) enum Step {
    Add(u64),
    Detached(Steps),
    With(Priority, Steps),
    /// A group, a wait for it, and what starts after it.
    Group(Vec<Steps>, Steps),
    /// A handle that is waited for.
    Handle(Steps),
    /// A handle that is dropped.
    Dropped(Steps),
    /// The first side does not panic: whether the second then runs is not determined.
    Join(Steps, Steps),
    Frame(Steps),
    Isolate(Steps),
    Caught(Steps),
    /// A frame of the other system, whose jobs may come back to this one.
    Other(Steps),
    Batch(u64),
    /// One of its tasks panics, and the others run.
    BrokenBatch(u64),
    Loop(u64),
    /// A loop that does not block, waited for by its counter.
    LaterLoop(u64),
    /// Panics in one of its items.
    BrokenLoop(u64),
    Reduce(u64),
    /// Tiles of so many rows, walked and changed.
    Tiles(u64),
    /// A loop that fails at one index, if it has it.
    Try(u64, u64),
    /// Two slices in step, one of them changed.
    Zip(u64),
    /// A value for each worker, changed in a loop.
    PerWorker(u64),
    /// Collects, scans, sorts, changes and searches so many numbers.
    Numbers(u64),
    /// A handle that another job waits for. What it waits for waits for nothing itself.
    Passed(u64),
    /// A counter that counts twice, and what starts when it is zero again.
    Reused(u64),
    /// A message to the other system.
    Letter,
    Yield,
    /// Ends these steps.
    Panic,
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Writes programs of a bounded size.
pub(crate) struct Author {
    pub(crate) random: Random,
    pub(crate) budget: usize,
    /// One step in so many panics; 0: none.
    pub(crate) panics: u64,
}

impl Author {
    pub(crate) fn steps(&mut self, depth: u32, may_panic: bool) -> Steps {
        let count = 1 + self.random.below(8);
        let mut steps = Steps::new();
        for _ in 0..count {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            steps.push(self.step(depth, may_panic));
        }
        steps
    }

    fn step(&mut self, depth: u32, may_panic: bool) -> Step {
        if may_panic && self.panics != 0 && self.random.below(self.panics) == 0 {
            return Step::Panic;
        }
        if depth == 0 {
            return Step::Add(self.random.below(1_000));
        }
        let below = depth - 1;
        let broken = may_panic && self.panics != 0 && self.random.below(8) == 0;
        match self.random.below(25) {
            0..=2 => Step::Add(self.random.below(1_000)),
            3..=5 => Step::Detached(self.steps(below, true)),
            6 => Step::With(Priority::High, self.steps(below, true)),
            7 => Step::With(Priority::Low, self.steps(below, true)),
            8 | 9 => {
                let jobs = 1 + self.random.below(6);
                let jobs = (0..jobs).map(|_| self.steps(below, true)).collect();
                Step::Group(jobs, self.steps(below, true))
            }
            10 => Step::Handle(self.steps(below, may_panic)),
            11 => Step::Dropped(self.steps(below, true)),
            12 | 13 => Step::Join(self.steps(below, false), self.steps(below, may_panic)),
            14 if may_panic && self.random.below(2) == 0 => Step::Isolate(self.steps(below, true)),
            14 if may_panic => Step::Frame(self.steps(below, true)),
            15 => Step::Caught(self.steps(below, true)),
            16 if may_panic => Step::Other(self.steps(below, true)),
            17 if broken => Step::BrokenBatch(1 + self.random.below(50)),
            17 => Step::Batch(self.random.below(50)),
            18 if broken => Step::BrokenLoop(1 + self.random.below(300)),
            18 => match self.random.below(7) {
                0 => Step::Loop(self.random.below(300)),
                1 => Step::LaterLoop(self.random.below(300)),
                2 => Step::Tiles(self.random.below(60)),
                3 => Step::Try(self.random.below(300), self.random.below(300)),
                4 => Step::Zip(self.random.below(300)),
                5 => Step::PerWorker(self.random.below(300)),
                _ => Step::Reduce(self.random.below(3_000)),
            },
            19 => Step::Numbers(self.random.below(600)),
            20 => Step::Passed(self.random.below(1_000)),
            21 => Step::Reused(self.random.below(10)),
            22 => Step::Letter,
            23 => Step::With(Priority::Normal, self.steps(below, true)),
            _ => Step::Yield,
        }
    }
}

/// What a program comes to when it is run in order.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) sum: u64,
    pub(crate) jobs: u64,
}

impl Model {
    /// Runs steps; whether they end in a panic. `frame` tells whether their frame will.
    fn run(&mut self, steps: &[Step], frame: &mut bool) -> bool {
        steps.iter().any(|step| self.step(step, frame))
    }

    fn job(&mut self, steps: &[Step], frame: &mut bool) {
        self.jobs += 1;
        *frame |= self.run(steps, frame);
    }

    /// Whether a frame with this body panics at its end.
    pub(crate) fn frame(&mut self, steps: &[Step]) -> bool {
        let mut of_jobs = false;
        self.run(steps, &mut of_jobs) | of_jobs
    }

    fn step(&mut self, step: &Step, frame: &mut bool) -> bool {
        match step {
            Step::Add(number) => self.sum += number,
            Step::Detached(steps) | Step::With(_, steps) | Step::Dropped(steps) => {
                self.job(steps, frame);
            }
            Step::Group(jobs, after) => {
                jobs.iter().for_each(|steps| self.job(steps, frame));
                self.job(after, frame);
            }
            Step::Handle(steps) => {
                self.jobs += 1;
                return self.run(steps, frame);
            }
            Step::Join(first, second) => {
                self.jobs += 1;
                self.run(first, frame);
                return self.run(second, frame);
            }
            Step::Frame(steps) | Step::Isolate(steps) | Step::Other(steps) => {
                return self.frame(steps);
            }
            Step::Caught(steps) => {
                self.frame(steps);
            }
            Step::Batch(tasks) => {
                self.sum += tasks;
                self.jobs += tasks;
            }
            Step::BrokenBatch(tasks) => {
                self.sum += tasks - 1;
                self.jobs += tasks;
                *frame = true;
            }
            Step::Loop(len) | Step::LaterLoop(len) => self.sum += len,
            Step::Tiles(rows) => self.sum += 2 * COLUMNS * rows,
            Step::Try(len, wrong) => self.sum += len.min(wrong),
            Step::Zip(len) => self.sum += 3 * len * len.saturating_sub(1) / 2,
            Step::PerWorker(len) => self.sum += len,
            Step::Numbers(len) => self.sum += numbers(*len),
            Step::Passed(number) => {
                self.sum += number;
                self.jobs += 2;
            }
            Step::Reused(jobs) => {
                self.sum += 2 * jobs + 1;
                self.jobs += 2 * jobs + 1;
            }
            Step::Letter => self.jobs += 1,
            Step::BrokenLoop(_) => return true,
            Step::Reduce(len) => self.sum += len * len.saturating_sub(1) / 2,
            Step::Yield => {}
            Step::Panic => return true,
        }
        false
    }
}

/// How many columns the matrix of [`Step::Tiles`] has.
pub(crate) const COLUMNS: u64 = 10;

/// What [`Step::Numbers`] comes to: of the first numbers' squares, the running sums' greatest, how many
/// squares are even, and each of them once more.
pub(crate) fn numbers(len: u64) -> u64 {
    let squares = (0..len).map(|n| n * n);
    let sum: u64 = squares.clone().sum();
    sum + squares.filter(|square| square % 2 == 0).count() as u64 + sum
}
