//! rayon-core's interface over our job system, as far as rayon's own tests of join and scope need it.

use bywash::{Context, Frame, JobSystem};
use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;

static GLOBAL: LazyLock<&'static JobSystem> = LazyLock::new(|| started(ThreadPoolBuilder::new()));

thread_local! {
    static CURRENT: Cell<Option<&'static JobSystem>> = const { Cell::new(None) };
}

/// A system whose workers know that they are its workers; never dropped.
fn started(wanted: ThreadPoolBuilder) -> &'static JobSystem {
    let own = Arc::new(OnceLock::<&'static JobSystem>::new());
    let seen = Arc::clone(&own);
    let mut builder = JobSystem::builder()
        .workers(wanted.threads)
        .on_start(move |_| CURRENT.set(Some(*seen.wait())));
    if let Some(handler) = wanted.panic_handler {
        builder = builder.panic_handler(handler);
    }
    let system = builder.build().unwrap();
    *own.get_or_init(|| Box::leak(Box::new(system)))
}

fn current() -> &'static JobSystem {
    CURRENT.get().unwrap_or_else(|| *GLOBAL)
}

pub fn current_num_threads() -> usize {
    current().seats()
}

pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    current().join(|_| a(), |_| b())
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
    fn spawn(&self, body: Box<dyn FnOnce(&Scope<'scope>) + Send + 'scope>);
}

struct In<'a, 'frame, 'scope> {
    context: &'a Context<'frame>,
    scope: PhantomData<(&'frame (), &'scope ())>,
}

impl<'a, 'frame, 'scope: 'frame> In<'a, 'frame, 'scope> {
    fn lend<R>(context: &'a Context<'frame>, body: impl FnOnce(&Scope<'scope>) -> R) -> R {
        let spawner = In {
            context,
            scope: PhantomData,
        };
        let spawner: &dyn Spawn<'scope> = &spawner;
        // SAFETY: only the lifetime changes, and `body` gets the scope for the length of its call.
        let spawner: &'scope (dyn Spawn<'scope> + 'scope) = unsafe { std::mem::transmute(spawner) };
        body(&Scope(spawner))
    }
}

impl<'frame, 'scope: 'frame> Spawn<'scope> for In<'_, 'frame, 'scope> {
    fn spawn(&self, body: Box<dyn FnOnce(&Scope<'scope>) + Send + 'scope>) {
        self.context
            .spawn_detached(move |context| In::lend(context, body));
    }
}

pub struct Scope<'scope>(&'scope (dyn Spawn<'scope> + 'scope));

pub type ScopeFifo<'scope> = Scope<'scope>;

impl<'scope> Scope<'scope> {
    pub fn spawn(&self, body: impl FnOnce(&Self) + Send + 'scope) {
        self.0.spawn(Box::new(body));
    }

    /// Ours has no order of its own for these; the tests of that order are left out.
    pub fn spawn_fifo(&self, body: impl FnOnce(&Self) + Send + 'scope) {
        self.0.spawn(Box::new(body));
    }

    /// The tests that call it are left out.
    pub fn spawn_broadcast(&self, _body: impl Fn(&Self, BroadcastContext) + Send + Sync + 'scope) {
        panic!("a broadcast that does not wait is rayon's own");
    }
}

pub struct BroadcastContext;

impl BroadcastContext {
    pub fn index(&self) -> usize {
        0
    }
}

fn scope_in<'scope, R>(system: &JobSystem, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    system.frame(|frame: &Frame<'_, 'scope>| lend_frame(frame, op))
}

fn lend_frame<'frame, 'scope: 'frame, R>(
    frame: &'frame Frame<'frame, 'scope>,
    op: impl FnOnce(&Scope<'scope>) -> R,
) -> R {
    In::<'_, 'frame, 'scope>::lend(frame, op)
}

pub fn scope<'scope, R>(op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    scope_in(current(), op)
}

pub fn scope_fifo<'scope, R>(op: impl FnOnce(&ScopeFifo<'scope>) -> R) -> R {
    scope_in(current(), op)
}

pub fn spawn(body: impl FnOnce() + Send + 'static) {
    current().spawn_detached(|_| body());
}

/// Ours has no order of its own for these; the tests of that order are left out.
pub fn spawn_fifo(body: impl FnOnce() + Send + 'static) {
    spawn(body);
}

type PanicHandler = Box<dyn Fn(Box<dyn Any + Send>) + Send + Sync>;

#[derive(Default)]
pub struct ThreadPoolBuilder {
    threads: usize,
    panic_handler: Option<PanicHandler>,
}

impl ThreadPoolBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn num_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    pub fn panic_handler(
        mut self,
        handler: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.panic_handler = Some(Box::new(handler));
        self
    }

    pub fn build(self) -> Result<ThreadPool, std::convert::Infallible> {
        Ok(ThreadPool(started(self)))
    }
}

pub struct ThreadPool(&'static JobSystem);

impl ThreadPool {
    /// Ours runs it on the calling thread, which takes a seat.
    pub fn install<R>(&self, op: impl FnOnce() -> R) -> R {
        struct Back(Option<&'static JobSystem>);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _back = Back(CURRENT.replace(Some(self.0)));
        self.0.frame(|_| op())
    }

    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.install(|| join(a, b))
    }

    pub fn spawn(&self, body: impl FnOnce() + Send + 'static) {
        self.0.spawn_detached(|_| body());
    }

    pub fn scope<'scope, R>(&self, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
        self.install(|| scope(op))
    }

    pub fn in_place_scope<'scope, R>(&self, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
        scope_in(self.0, op)
    }
}

pub mod unwind {
    use std::panic::{catch_unwind, AssertUnwindSafe};

    pub fn halt_unwinding<R>(body: impl FnOnce() -> R) -> std::thread::Result<R> {
        catch_unwind(AssertUnwindSafe(body))
    }
}
