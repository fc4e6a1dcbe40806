//! What the clones of a pool's handle share.

use core::alloc::Layout;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::heap::Heap;
use super::large::Books;
use super::local;
use super::trace::{Leaks, Trace};

/// A pool without its type: the layouts of its classes.
#[derive(Debug)]
pub(super) struct Shared {
    classes: Vec<Layout>,
    /// The heaps that threads have of this pool.
    heaps: Mutex<Vec<Arc<Heap>>>,
    pub(super) trace: Arc<Trace>,
    on_leak: Mutex<fn(&Leaks)>,
    books: Mutex<Books>,
}

impl Shared {
    pub(super) fn new(classes: Vec<Layout>) -> Self {
        Self {
            classes,
            heaps: Mutex::new(Vec::new()),
            trace: Arc::default(),
            on_leak: Mutex::new(say),
            books: Mutex::new(Books::new()),
        }
    }

    /// A heap for the thread `owner`. The pool lets go of those that have nothing left in them.
    pub(super) fn add_heap(&self, owner: u64) -> Arc<Heap> {
        let heap = Heap::create(owner, &self.classes, Arc::clone(&self.trace));
        let mut heaps = locked(&self.heaps);
        heaps.retain(|heap| !heap.is_over());
        heaps.push(Arc::clone(&heap));
        heap
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        locked(&self.books)
    }

    pub(super) fn set_on_leak(&self, report: fn(&Leaks)) {
        *locked(&self.on_leak) = report;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        local::forget(self);
        for heap in locked(&self.heaps).drain(..) {
            // SAFETY: the last handle is going, so that nobody allocates from the pool any more.
            unsafe { heap.leave_as_pool() };
        }
        if let Some(leaks) = self.trace.leaks() {
            let report = *locked(&self.on_leak);
            report(&leaks);
        }
    }
}

/// What is done about leaks unless the pool says otherwise.
fn say(leaks: &Leaks) {
    std::eprintln!("bywash-arena: {leaks}");
}

/// The lock. Nothing that can panic runs under it, so a poisoned one is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
