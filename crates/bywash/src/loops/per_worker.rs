//! A value for each worker: sums without sharing, buffers without locks.

use std::cell::OnceCell;
use std::sync::OnceLock;

use bywash_sync::CachePadded;

use crate::context::Context;
use crate::jobs::JobSystem;
use crate::system::{GUESTS, System};

/// A value for each worker of a system, made when the worker first asks for it, each on cache lines
/// of its own.
///
/// A job may wait, and its worker run another one meanwhile that asks for the same value: so it is
/// given out shared, and changed through a [`Cell`](std::cell::Cell) or a
/// [`RefCell`](std::cell::RefCell), which need no atomics here. For a sum whose bits must not depend
/// on who ran what, use [`Context::parallel_reduce`].
///
/// ```
/// # let jobs = bywash::JobSystem::builder().workers(2).build()?;
/// use std::cell::Cell;
/// let mut hits = bywash::PerWorker::new(&jobs, || Cell::new(0));
/// jobs.parallel_for_with(0..1_000, |ctx, i| {
///     if i % 3 == 0 {
///         let mine = hits.get(ctx);
///         mine.set(mine.get() + 1);
///     }
/// });
/// assert_eq!(hits.iter_mut().map(|cell| cell.get()).sum::<u32>(), 334);
/// # Ok::<_, bywash::BuildError>(())
/// ```
/// What a worker is given stays with it:
/// ```compile_fail,E0521
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// # use std::cell::Cell;
/// let hits = bywash::PerWorker::new(&jobs, || Cell::new(0));
/// let mut kept = None;
/// jobs.frame(|frame| kept = Some(hits.get(frame)));
/// ```
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// # use std::cell::Cell;
/// let hits = bywash::PerWorker::new(&jobs, || Cell::new(0));
/// jobs.frame(|frame| {
///     let mine = hits.get(frame);
///     frame.join(|_| mine.set(1), |_| ());
/// });
/// ```
pub struct PerWorker<T, F = fn() -> T> {
    /// Keeps the system's address from being used for another one.
    jobs: JobSystem,
    make: F,
    seats: Places<T>,
    /// Made when the first guest asks.
    guests: OnceLock<Places<T>>,
}

type Places<T> = Box<[CachePadded<OnceCell<T>>]>;

// SAFETY: a place is touched by the thread that sits on its seat, for as long as it sits there
// (`get`), or through `&mut self`; values move between threads, and are made on any (`T: Send`,
// `F: Sync`).
unsafe impl<T: Send, F: Sync> Sync for PerWorker<T, F> {}

impl<T, F: Fn() -> T> PerWorker<T, F> {
    /// Places for the workers of `jobs`; `make` makes a worker's value when it first asks. Keeps a
    /// handle on the system.
    pub fn new(jobs: &JobSystem, make: F) -> Self {
        Self {
            jobs: jobs.clone(),
            make,
            seats: places(jobs.seats()),
            guests: OnceLock::new(),
        }
    }

    /// The calling worker's value. Costs a compare and an index; the first call makes the value.
    ///
    /// # Panics
    /// If `context` is of another system; with a panic of `make`; if `make` asks for the value that
    /// it makes.
    pub fn get<'a>(&'a self, context: &'a Context<'_>) -> &'a T {
        let system: *const System = context.worker().system();
        assert!(
            std::ptr::eq(system, self.jobs.system()),
            "this PerWorker belongs to another job system than the context: make one for each"
        );
        let index = context.worker_index();
        let place = match self.seats.get(index) {
            Some(place) => place,
            None => &self.guests.get_or_init(|| places(GUESTS))[index - self.seats.len()],
        };
        place.get_or_init(&self.make)
    }
}

impl<T, F> PerWorker<T, F> {
    /// The values that were made, by worker.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let guests = self.guests.get_mut().into_iter().flatten();
        let places = self.seats.iter_mut().chain(guests);
        places.filter_map(|place| place.get_mut())
    }

    /// Takes the values out, by worker; the next `get` makes new ones.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        let guests = self.guests.get_mut().into_iter().flatten();
        let places = self.seats.iter_mut().chain(guests);
        places.filter_map(|place| place.take())
    }
}

fn places<T>(count: usize) -> Places<T> {
    (0..count)
        .map(|_| CachePadded::new(OnceCell::new()))
        .collect()
}
