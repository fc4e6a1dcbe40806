//! How a system is to be: how many workers, how they wait, what they are called.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bywash_topology::spillover::Thresholds;
use bywash_topology::{Beyond, Pinning, Placement, Plan, Topology, default_workers};

use crate::error::BuildError;
use crate::jobs::JobSystem;
use crate::patience::WaitPolicy;

/// The most workers a system can have.
pub const MOST_WORKERS: usize = 4_096;

type Callback = Arc<dyn Fn(usize) + Send + Sync>;
type PanicHandler = Arc<dyn Fn(Box<dyn Any + Send>) + Send + Sync>;
type TierThresholds = Arc<dyn Fn(&Plan) -> Thresholds + Send + Sync>;
type ThreadName = Arc<dyn Fn(usize) -> String + Send + Sync>;

/// What a system was built with.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) placement: Placement,
    pub(crate) beyond: Beyond,
    pub(crate) topology: Option<Topology>,
    pub(crate) wait_policy: WaitPolicy,
    pub(crate) auto_tuning: bool,
    pub(crate) stack_size: Option<usize>,
    pub(crate) panic_handler: PanicHandler,
    thresholds: TierThresholds,
    thread_name: ThreadName,
    on_start: Option<Callback>,
    on_exit: Option<Callback>,
}

impl Settings {
    pub(crate) fn thresholds(&self, plan: &Plan) -> Thresholds {
        (self.thresholds)(plan)
    }

    pub(crate) fn thread_name(&self, index: usize) -> String {
        (self.thread_name)(index)
    }

    pub(crate) fn on_start(&self, index: usize) {
        self.on_start.iter().for_each(|callback| callback(index));
    }

    pub(crate) fn on_exit(&self, index: usize) {
        self.on_exit.iter().for_each(|callback| callback(index));
    }
}

/// Builds a [`JobSystem`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            workers: 0,
            placement: Placement::none(),
            beyond: Beyond::Unbound,
            topology: None,
            wait_policy: WaitPolicy::default(),
            auto_tuning: true,
            stack_size: None,
            // The default panic hook has already printed the message.
            panic_handler: Arc::new(crate::payload::drop_quietly),
            thresholds: Arc::new(Thresholds::of),
            thread_name: Arc::new(|index| format!("bywash-{index}")),
            on_start: None,
            on_exit: None,
        };
        Self { settings }
    }

    /// How many workers; 0 means as many as the process may use processors.
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = workers;
        self
    }

    /// Where workers run, and whom they steal from first; [`Placement::none`] if not given: threads
    /// are not bound, and everybody is equally far.
    ///
    /// With [`Placement::tiered_spillover`] the tiers are also a wake policy: work spills to the next
    /// LLC only when the open ones have more than they can do. A calling thread is never bound.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.settings.placement = placement;
        self
    }

    /// When the tiers of [`Placement::tiered_spillover`] open and close, given the plan;
    /// [`Thresholds::of`] if not given. Called once by [`Builder::build`], if there are tiers.
    pub fn spillover_thresholds(
        mut self,
        thresholds: impl Fn(&Plan) -> Thresholds + Send + Sync + 'static,
    ) -> Self {
        self.settings.thresholds = Arc::new(thresholds);
        self
    }

    /// What becomes of workers beyond the PUs that the placement has; they run unbound if not given.
    pub fn beyond(mut self, beyond: Beyond) -> Self {
        self.settings.beyond = beyond;
        self
    }

    /// The machine to place workers on; detected once a process if not given. On one that is not
    /// this system (a synthetic one, say) nothing is bound, and the order of stealing and spilling
    /// still follows it.
    pub fn topology(mut self, topology: Topology) -> Self {
        self.settings.topology = Some(topology);
        self
    }

    /// For an engine that owns its machine for the length of a frame: tiered spillover, and waits
    /// that stay up through the short gaps between bursts.
    pub fn for_games() -> Self {
        Self::new()
            .placement(Placement::tiered_spillover())
            .wait_policy(WaitPolicy::Latency)
    }

    /// For long computations beside other work: one worker a core, spread over the caches.
    pub fn for_throughput() -> Self {
        Self::new().placement(Placement::scatter())
    }

    /// For short bursts at unforeseen times: all near the home cache, and long patience.
    pub fn for_low_latency() -> Self {
        Self::new()
            .placement(Placement::ccd_isolation())
            .wait_policy(WaitPolicy::Latency)
    }

    /// How workers without work wait. See [`WaitPolicy`].
    pub fn wait_policy(mut self, policy: WaitPolicy) -> Self {
        self.settings.wait_policy = policy;
        self
    }

    /// Whether workers learn from what they see, which they do if this is not called: that frames are too
    /// short to wake anybody for, that stealing such small jobs does not pay, and what a loop's body costs.
    /// Without it every frame and every loop is treated like the first.
    ///
    /// For measurements, and for programs whose frames differ so much that the last one tells nothing of
    /// the next.
    pub fn auto_tuning(mut self, learns: bool) -> Self {
        self.settings.auto_tuning = learns;
        self
    }

    /// The stack of each worker thread, in bytes. The operating system's default if not given.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// Names worker `index`'s thread; `bywash-0`, `bywash-1` … if not given.
    pub fn thread_name(mut self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        self.settings.thread_name = Arc::new(name);
        self
    }

    /// Called on each worker thread before its first job, with the worker's index.
    pub fn on_start(mut self, callback: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.settings.on_start = Some(Arc::new(callback));
        self
    }

    /// Called on each worker thread after its last job, with the worker's index.
    pub fn on_exit(mut self, callback: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.settings.on_exit = Some(Arc::new(callback));
        self
    }

    /// Gets the panics of `'static` jobs, which nobody waits for. What the handler throws itself is
    /// dropped. By default the payload is dropped; the panic hook has printed the message by then.
    pub fn panic_handler(
        mut self,
        handler: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.settings.panic_handler = Arc::new(handler);
        self
    }

    /// Builds the system: starts the first thread, which starts the others.
    ///
    /// # Errors
    /// [`BuildError::TooManyWorkers`]; [`BuildError::Placement`] when the placement does not fit the
    /// machine; and [`BuildError::Thread`] when the operating system refuses
    /// the first thread; nothing is left behind then.
    pub fn build(mut self) -> Result<JobSystem, BuildError> {
        let asked = self.settings.workers;
        if asked > MOST_WORKERS {
            return Err(BuildError::TooManyWorkers {
                asked,
                limit: MOST_WORKERS,
            });
        }
        let is_placed = self.settings.placement != Placement::none();
        if !is_placed {
            if asked == 0 {
                let usable = std::thread::available_parallelism().map_or(1, |count| count.get());
                self.settings.workers = usable.min(MOST_WORKERS);
            }
            return JobSystem::start(self.settings, None);
        }
        let topology = match self.settings.topology.take() {
            Some(topology) => topology,
            None => detected()?,
        };
        if asked == 0 {
            let default = default_workers(&topology, &self.settings.placement)?;
            self.settings.workers = default.count.min(MOST_WORKERS);
        }
        let Settings {
            placement,
            workers,
            beyond,
            ..
        } = self.settings;
        let pinning = Pinning::new(topology, placement, workers, beyond)?;
        // `Truncate` may have left some out.
        self.settings.workers = pinning.plan().len();
        JobSystem::start(self.settings, Some(pinning))
    }
}

/// This machine, read once a process.
fn detected() -> Result<Topology, bywash_topology::Error> {
    static DETECTED: OnceLock<Topology> = OnceLock::new();
    match DETECTED.get() {
        Some(topology) => Ok(topology.clone()),
        None => Topology::detect().map(|topology| DETECTED.get_or_init(|| topology).clone()),
    }
}
