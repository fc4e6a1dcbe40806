//! How a system is to be: how many workers, how they wait, what they are called.

use std::any::Any;
use std::sync::Arc;

use crate::error::BuildError;
use crate::jobs::JobSystem;
use crate::patience::WaitPolicy;

/// The most workers a system can have.
pub const MOST_WORKERS: usize = 4_096;

type Callback = Arc<dyn Fn(usize) + Send + Sync>;
type PanicHandler = Arc<dyn Fn(Box<dyn Any + Send>) + Send + Sync>;
type ThreadName = Arc<dyn Fn(usize) -> String + Send + Sync>;

/// What a system was built with.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) wait_policy: WaitPolicy,
    pub(crate) stack_size: Option<usize>,
    pub(crate) panic_handler: PanicHandler,
    thread_name: ThreadName,
    on_start: Option<Callback>,
    on_exit: Option<Callback>,
}

impl Settings {
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
            wait_policy: WaitPolicy::default(),
            stack_size: None,
            // The default panic hook has already printed the message.
            panic_handler: Arc::new(crate::wait::drop_quietly),
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

    /// How workers without work wait. See [`WaitPolicy`].
    pub fn wait_policy(mut self, policy: WaitPolicy) -> Self {
        self.settings.wait_policy = policy;
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
    /// [`BuildError::TooManyWorkers`], and [`BuildError::Thread`] when the operating system refuses
    /// the first thread; nothing is left behind then.
    pub fn build(mut self) -> Result<JobSystem, BuildError> {
        let asked = self.settings.workers;
        if asked > MOST_WORKERS {
            return Err(BuildError::TooManyWorkers {
                asked,
                limit: MOST_WORKERS,
            });
        }
        if asked == 0 {
            let usable = std::thread::available_parallelism().map_or(1, |count| count.get());
            self.settings.workers = usable.min(MOST_WORKERS);
        }
        JobSystem::start(self.settings)
    }
}
