//! One worker's last events, and the same as spans for subscribers of `tracing`.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use tracing::span::EnteredSpan;
use tracing::{trace, trace_span};

use super::What;

/// Events that a worker keeps: the oldest go first.
const KEPT: usize = 1 << 16;

/// Where every time line begins.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The threads that were seen, by number.
static THREADS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static THREAD: u32 = {
        let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        let number = threads.len() as u32;
        let name = std::thread::current().name().map(str::to_owned);
        threads.push(name.unwrap_or_else(|| format!("thread {number}")));
        number
    };
}

/// Something that happened on a thread, in nanoseconds since the epoch.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) what: What,
    pub(crate) worker: usize,
    pub(crate) thread: u32,
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// What one seat's occupants did last. Takes a lock for each event, which nobody else wants while
/// nobody reads.
pub(crate) struct Recorder {
    worker: usize,
    events: Mutex<VecDeque<Event>>,
}

/// Records its event when it is dropped.
pub(crate) struct Span<'recorder> {
    recorder: &'recorder Recorder,
    what: What,
    begin: u64,
    _entered: EnteredSpan,
}

impl Recorder {
    pub(crate) fn new(worker: usize) -> Self {
        Self {
            worker,
            events: Mutex::new(VecDeque::new()),
        }
    }

    /// A stretch of time, until the span is dropped.
    pub(crate) fn span(&self, what: What) -> Span<'_> {
        let worker = self.worker;
        let span = match what {
            What::Frame => trace_span!("frame", worker),
            What::Job => trace_span!("job", worker),
            What::Sleep => trace_span!("sleep", worker),
            What::Park => trace_span!("park", worker),
            What::Steal { victim, jobs } => trace_span!("steal", worker, victim, jobs),
        };
        Span {
            recorder: self,
            what,
            begin: now(),
            _entered: span.entered(),
        }
    }

    /// A moment.
    pub(crate) fn note(&self, what: What) {
        if let What::Steal { victim, jobs } = what {
            trace!(worker = self.worker, victim, jobs, "steal");
        }
        let moment = now();
        self.record(what, moment, moment);
    }

    fn record(&self, what: What, begin: u64, end: u64) {
        let event = Event {
            what,
            worker: self.worker,
            thread: THREAD.with(|&thread| thread),
            begin,
            end,
        };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
    }

    /// What is kept, in the order in which it ended.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().copied().collect()
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        self.recorder.record(self.what, self.begin, now());
    }
}

/// The names of the threads that were seen, by number.
pub(crate) fn threads() -> Vec<String> {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.clone()
}

fn now() -> u64 {
    let begun = *EPOCH;
    begun.elapsed().as_nanos() as u64
}
