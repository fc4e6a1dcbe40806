//! rayon-core's interface over our job system. What ours means otherwise, so that tests of it are left
//! out (xtask/src/conformance.rs names them):
//! - a caller is a worker of the system that it calls, and not a thread that waits for one: so it does
//!   not migrate, `in_place_scope` is `scope`, and its seat is served while it waits in that system, not
//!   while it waits in another;
//! - a join whose first side panics drops a second that nobody has begun;
//! - detached jobs have no order among themselves, nor has a broadcast among other work; a scope's jobs
//!   go newest first, and the adapter itself keeps a scope's queue for `spawn_fifo`;
//! - of a broadcast's panics the lowest worker's comes out; one that does not wait has no place in a frame;
//! - a thread's name that cannot be had is replaced; threads are the system's own, never given to it.

use bywash::{BuildError, Context, Frame, JobSystem};
use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread;

static GLOBAL: LazyLock<JobSystem> = LazyLock::new(|| JobSystem::builder().build().unwrap());

thread_local! {
    static CURRENT: RefCell<Option<Member>> = const { RefCell::new(None) };
}

/// Whose worker a thread is, and which.
struct Member {
    system: JobSystem,
    index: usize,
}

/// Runs `body` on a thread that is `system`'s worker.
fn within<R>(system: JobSystem, index: usize, body: impl FnOnce() -> R) -> R {
    struct Back(Option<Member>);
    impl Drop for Back {
        fn drop(&mut self) {
            drop(CURRENT.replace(self.0.take()));
        }
    }
    let _back = Back(CURRENT.replace(Some(Member { system, index })));
    body()
}

fn current() -> JobSystem {
    CURRENT.with_borrow(|member| {
        let system = member.as_ref().map(|member| &member.system);
        system.unwrap_or_else(|| &GLOBAL).clone()
    })
}

/// Runs `op` in a frame of `system`, on the calling thread, which takes a seat.
fn enter<R>(system: &JobSystem, op: impl FnOnce() -> R) -> R {
    system.frame(|frame| within(system.clone(), frame.worker_index(), op))
}

pub fn current_num_threads() -> usize {
    current().seats()
}

pub fn current_thread_index() -> Option<usize> {
    CURRENT.with_borrow(|member| member.as_ref().map(|member| member.index))
}

pub fn yield_now() {
    current().frame(|frame| frame.yield_now());
}

pub use self::yield_now as yield_local;

pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let system = current();
    system.join(
        |context| within(system.clone(), context.worker_index(), a),
        |context| within(system.clone(), context.worker_index(), b),
    )
}

pub struct FnContext(bool);

impl FnContext {
    pub fn migrated(&self) -> bool {
        self.0
    }
}

pub fn join_context<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce(FnContext) -> RA + Send,
    B: FnOnce(FnContext) -> RB + Send,
    RA: Send,
    RB: Send,
{
    let caller = thread::current().id();
    let context = move || FnContext(thread::current().id() != caller);
    join(move || a(context()), move || b(context()))
}

/// What a scope spawns into, without the lifetime of its frame.
trait Spawn<'scope> {
    fn spawn(&self, body: Body<'scope>);
}

type Body<'scope> = Box<dyn FnOnce(&Scope<'scope>) + Send + 'scope>;

/// What a scope's `spawn_fifo`s have left to do, oldest first.
type Queue<'scope> = Arc<Mutex<VecDeque<Body<'scope>>>>;

struct In<'a, 'frame, 'scope> {
    context: &'a Context<'frame>,
    system: JobSystem,
    queue: Queue<'scope>,
}

impl<'frame, 'scope: 'frame> In<'_, 'frame, 'scope> {
    fn lend<R>(self, body: impl FnOnce(&Scope<'scope>) -> R) -> R {
        let (system, queue) = (self.system.clone(), Arc::clone(&self.queue));
        let index = self.context.worker_index();
        let spawner: &dyn Spawn<'scope> = &self;
        // SAFETY: only the lifetime changes, and `body` gets the scope for the length of its call.
        let spawner: &'scope (dyn Spawn<'scope> + 'scope) = unsafe { std::mem::transmute(spawner) };
        within(system, index, || body(&Scope { spawner, queue }))
    }
}

impl<'frame, 'scope: 'frame> Spawn<'scope> for In<'_, 'frame, 'scope> {
    fn spawn(&self, body: Body<'scope>) {
        let (system, queue) = (self.system.clone(), Arc::clone(&self.queue));
        self.context.spawn_detached(move |context| {
            let inside = In {
                context,
                system,
                queue,
            };
            inside.lend(body);
        });
    }
}

pub struct Scope<'scope> {
    spawner: &'scope (dyn Spawn<'scope> + 'scope),
    queue: Queue<'scope>,
}

pub type ScopeFifo<'scope> = Scope<'scope>;

impl<'scope> Scope<'scope> {
    pub fn spawn(&self, body: impl FnOnce(&Self) + Send + 'scope) {
        self.spawner.spawn(Box::new(body));
    }

    /// Each job that this spawns runs the oldest that is left.
    pub fn spawn_fifo(&self, body: impl FnOnce(&Self) + Send + 'scope) {
        self.queue.lock().unwrap().push_back(Box::new(body));
        self.spawn(|scope| {
            let oldest = scope.queue.lock().unwrap().pop_front();
            oldest.expect("as many jobs as there are bodies")(scope);
        });
    }

    /// The tests that call it are left out.
    pub fn spawn_broadcast(&self, _body: impl Fn(&Self, BroadcastContext) + Send + Sync + 'scope) {
        panic!("a broadcast that does not wait has no place in a frame");
    }
}

fn scope_in<'scope, R>(system: &JobSystem, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    system.frame(|frame: &Frame<'_, 'scope>| lend_frame(system, frame, op))
}

fn lend_frame<'frame, 'scope: 'frame, R>(
    system: &JobSystem,
    frame: &'frame Frame<'frame, 'scope>,
    op: impl FnOnce(&Scope<'scope>) -> R,
) -> R {
    let inside = In::<'_, 'frame, 'scope> {
        context: frame,
        system: system.clone(),
        queue: Queue::default(),
    };
    inside.lend(op)
}

pub fn scope<'scope, R>(op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    scope_in(&current(), op)
}

pub use self::scope as scope_fifo;

/// The job keeps the system, which it may outlive otherwise, and spawns into it.
fn spawn_in(system: &JobSystem, body: impl FnOnce() + Send + 'static) {
    let own = system.clone();
    system.spawn_detached(|context| within(own, context.worker_index(), body));
}

pub fn spawn(body: impl FnOnce() + Send + 'static) {
    spawn_in(&current(), body);
}

/// The tests of its order are left out.
pub use self::spawn as spawn_fifo;

pub struct BroadcastContext(usize);

impl BroadcastContext {
    pub fn index(&self) -> usize {
        self.0
    }
}

fn broadcast_in<R: Send>(
    system: &JobSystem,
    body: impl Fn(BroadcastContext) -> R + Sync,
) -> Vec<R> {
    system.broadcast(|context| {
        let index = context.worker_index();
        within(system.clone(), index, || body(BroadcastContext(index)))
    })
}

/// A job does the waiting.
fn spawn_broadcast_in(system: &JobSystem, body: impl Fn(BroadcastContext) + Send + Sync + 'static) {
    let own = system.clone();
    spawn_in(system, move || drop(broadcast_in(&own, body)));
}

pub fn broadcast<R: Send>(body: impl Fn(BroadcastContext) -> R + Sync) -> Vec<R> {
    broadcast_in(&current(), body)
}

pub fn spawn_broadcast(body: impl Fn(BroadcastContext) + Send + Sync + 'static) {
    spawn_broadcast_in(&current(), body);
}

type Handler = Box<dyn Fn(usize) + Send + Sync>;

#[derive(Default)]
pub struct ThreadPoolBuilder {
    threads: usize,
    stack_size: Option<usize>,
    start_handler: Option<Handler>,
    exit_handler: Option<Handler>,
    panic_handler: Option<Box<dyn Fn(Box<dyn Any + Send>) + Send + Sync>>,
    thread_name: Option<Box<dyn Fn(usize) -> String + Send + Sync>>,
}

pub type Configuration = ThreadPoolBuilder;
pub type ThreadPoolBuildError = BuildError;

/// A thread for the pool to run on, as a spawn handler gets it; the test of that is left out.
pub struct ThreadBuilder;

impl ThreadBuilder {
    pub fn run(self) {}
}

impl ThreadPoolBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn num_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    pub fn start_handler(mut self, handler: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.start_handler = Some(Box::new(handler));
        self
    }

    pub fn exit_handler(mut self, handler: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.exit_handler = Some(Box::new(handler));
        self
    }

    pub fn panic_handler(
        mut self,
        handler: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.panic_handler = Some(Box::new(handler));
        self
    }

    pub fn thread_name(mut self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        self.thread_name = Some(Box::new(name));
        self
    }

    pub fn breadth_first(self) -> Self {
        self
    }

    pub fn spawn_handler(self, _handler: impl FnMut(ThreadBuilder) -> std::io::Result<()>) -> Self {
        self
    }

    /// Returns when every thread has begun, as rayon's does.
    pub fn build(self) -> Result<ThreadPool, ThreadPoolBuildError> {
        let begun = Arc::new((Mutex::new(0), Condvar::new()));
        let (until_gone, gone) = channel::<()>();
        let (seen, start, exit) = (Arc::clone(&begun), self.start_handler, self.exit_handler);
        let mut builder = JobSystem::builder()
            .workers(self.threads)
            .on_start(move |index| {
                *seen.0.lock().unwrap() += 1;
                seen.1.notify_all();
                start.iter().for_each(|handler| handler(index));
            })
            .on_exit(move |index| {
                let _kept_as_long_as_the_system = &until_gone;
                exit.iter().for_each(|handler| handler(index));
            });
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        if let Some(handler) = self.panic_handler {
            builder = builder.panic_handler(handler);
        }
        if let Some(name) = self.thread_name {
            builder = builder.thread_name(name);
        }
        let system = builder.build()?;
        let (threads, (count, changed)) = (system.seats(), &*begun);
        drop(changed.wait_while(count.lock().unwrap(), |count| *count < threads));
        let gone = Mutex::new(gone);
        Ok(ThreadPool {
            system: Some(system),
            registry: Arc::new(registry::Registry { threads, gone }),
        })
    }
}

pub struct ThreadPool {
    system: Option<JobSystem>,
    pub registry: Arc<registry::Registry>,
}

impl ThreadPool {
    pub fn new(wanted: Configuration) -> Result<Self, ThreadPoolBuildError> {
        wanted.build()
    }

    fn system(&self) -> &JobSystem {
        self.system.as_ref().expect("there until the drop")
    }

    pub fn current_num_threads(&self) -> usize {
        self.system().seats()
    }

    pub fn current_thread_index(&self) -> Option<usize> {
        current_thread_index()
    }

    pub fn install<R>(&self, op: impl FnOnce() -> R) -> R {
        enter(self.system(), op)
    }

    pub fn join<RA: Send, RB: Send>(
        &self,
        a: impl FnOnce() -> RA + Send,
        b: impl FnOnce() -> RB + Send,
    ) -> (RA, RB) {
        self.install(|| join(a, b))
    }

    pub fn spawn(&self, body: impl FnOnce() + Send + 'static) {
        spawn_in(self.system(), body);
    }

    pub fn spawn_fifo(&self, body: impl FnOnce() + Send + 'static) {
        self.spawn(body);
    }

    pub fn broadcast<R: Send>(&self, body: impl Fn(BroadcastContext) -> R + Sync) -> Vec<R> {
        broadcast_in(self.system(), body)
    }

    pub fn spawn_broadcast(&self, body: impl Fn(BroadcastContext) + Send + Sync + 'static) {
        spawn_broadcast_in(self.system(), body);
    }

    pub fn scope<'scope, R>(&self, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
        scope_in(self.system(), op)
    }

    pub fn scope_fifo<'scope, R>(&self, op: impl FnOnce(&ScopeFifo<'scope>) -> R) -> R {
        self.scope(op)
    }

    pub fn in_place_scope<'scope, R>(&self, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
        self.scope(op)
    }

    pub fn in_place_scope_fifo<'scope, R>(&self, op: impl FnOnce(&ScopeFifo<'scope>) -> R) -> R {
        self.scope(op)
    }
}

/// rayon's does not wait for its threads; ours does, on a thread of its own.
impl Drop for ThreadPool {
    fn drop(&mut self) {
        let system = self.system.take();
        thread::spawn(|| drop(system));
    }
}

pub mod registry {
    use super::{current, enter, Mutex, Receiver};

    pub struct Registry {
        pub(super) threads: usize,
        /// Hung up when the system's memory goes, after its last thread.
        pub(super) gone: Mutex<Receiver<()>>,
    }

    impl Registry {
        pub fn num_threads(&self) -> usize {
            self.threads
        }

        pub fn wait_until_stopped(&self) {
            assert!(self.gone.lock().unwrap().recv().is_err());
        }
    }

    pub fn in_worker<R>(op: impl FnOnce(&(), bool) -> R) -> R {
        enter(&current(), || op(&(), false))
    }
}

pub mod unwind {
    use std::panic::{catch_unwind, AssertUnwindSafe};

    pub fn halt_unwinding<R>(body: impl FnOnce() -> R) -> std::thread::Result<R> {
        catch_unwind(AssertUnwindSafe(body))
    }
}
