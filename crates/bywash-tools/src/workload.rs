//! The workloads of the model: trees of tasks with nominal costs.

/// A piece of work, small enough to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A node of a tree with this many levels below it.
    Tree(u32),
    /// The items of a loop from the first up to, not including, the second.
    Range(u32, u32),
    /// The start of a frame: spawns its systems.
    Frame(u32),
    /// A system of a frame: spawns its jobs.
    System(u32),
    /// A job of this many nanoseconds.
    Job(u32),
}

/// What is run, again and again for a workload of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// A tree of 10^5 leaves, ten children a node.
    Skynet,
    /// Sixty frames of 16 systems, 12 jobs each, with a pause after each frame.
    Frame,
    /// One loop of 10^6 items, halved down to 1,024.
    Loop,
}

/// What one spawn costs, in nanoseconds.
const SPAWN: u64 = 5;

impl Workload {
    /// Reads `--workload`.
    pub(crate) fn parse(name: &str) -> Result<Workload, String> {
        match name {
            "skynet" => Ok(Workload::Skynet),
            "frame" => Ok(Workload::Frame),
            "loop" => Ok(Workload::Loop),
            _ => Err(format!(
                "unknown workload \"{name}\": choose one of skynet, frame, loop"
            )),
        }
    }

    /// What it is, for the heading.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Workload::Skynet => {
                "skynet: a tree of 100,000 leaves of 20 ns, ten children a node, 5 ns a spawn"
            }
            Workload::Frame => {
                "frame: 60 frames of 16 systems x 12 jobs of 5 to 100 us, 2 ms of pause after each"
            }
            Workload::Loop => "loop: 1,000,000 items of 15 ns, halved down to 1,024 items",
        }
    }

    /// How often the workload is run.
    pub(crate) fn rounds(self) -> u32 {
        match self {
            Workload::Frame => 60,
            Workload::Skynet | Workload::Loop => 1,
        }
    }

    /// The pause after a round, in nanoseconds.
    pub(crate) fn pause(self) -> u64 {
        match self {
            Workload::Frame => 2_000_000,
            Workload::Skynet | Workload::Loop => 0,
        }
    }

    /// The task that a round begins with.
    pub(crate) fn root(self, round: u32) -> Task {
        match self {
            Workload::Skynet => Task::Tree(5),
            Workload::Frame => Task::Frame(round),
            Workload::Loop => Task::Range(0, 1_000_000),
        }
    }
}

impl Task {
    /// Runs the task: its own cost in nanoseconds, its children through `spawn`.
    pub(crate) fn run(self, mut spawn: impl FnMut(Task)) -> u64 {
        match self {
            Task::Tree(0) => 20,
            Task::Tree(levels) => {
                (0..10).for_each(|_| spawn(Task::Tree(levels - 1)));
                10 * SPAWN
            }
            Task::Range(first, end) if end - first > 1024 => {
                let middle = first + (end - first) / 2;
                spawn(Task::Range(middle, end));
                spawn(Task::Range(first, middle));
                2 * SPAWN
            }
            Task::Range(first, end) => u64::from(end - first) * 15,
            Task::Frame(round) => {
                (0..16).for_each(|system| spawn(Task::System(round * 16 + system)));
                16 * SPAWN
            }
            Task::System(system) => {
                (0..12).for_each(|job| spawn(Task::Job(duration(system * 12 + job))));
                12 * SPAWN
            }
            Task::Job(nanoseconds) => u64::from(nanoseconds),
        }
    }
}

/// Between 5 and 100 microseconds, spread evenly and always the same for one job.
fn duration(job: u32) -> u32 {
    let mixed = job.wrapping_mul(0x9e37_79b9);
    5_000 + (mixed >> 8) % 95_001
}
