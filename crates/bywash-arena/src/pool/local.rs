//! Which heap is the current thread's, for each pool.

use core::cell::{Cell, RefCell};
use core::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::vec::Vec;

use super::heap::Heap;
use super::shared::Shared;

struct Entry {
    /// The address of the pool's shared part, unique while `pool` holds its memory.
    id: *const Shared,
    pool: Weak<Shared>,
    heap: Arc<Heap>,
}

#[derive(Default)]
struct Heaps(RefCell<Vec<Entry>>);

std::thread_local! {
    static HEAPS: Heaps = const { Heaps(RefCell::new(Vec::new())) };
    /// The heap used last: one compare finds it again. Emptied before its entry goes.
    static LAST: Cell<(*const Shared, *const Heap)> = const { Cell::new((ptr::null(), ptr::null())) };
    /// The thread's number, 0 until it needs one.
    static ME: Cell<u64> = const { Cell::new(0) };
}

/// The current thread's number. Never 0, never used again: a thread that has never owned a page
/// may read 0 in [`me`].
fn number() -> u64 {
    static NEXT: Mutex<u64> = Mutex::new(1);
    if ME.get() == 0 {
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        ME.set(*next);
        *next += 1;
    }
    ME.get()
}

/// The current thread's number, or 0, which no page's owner has.
#[inline(always)]
pub(super) fn me() -> u64 {
    ME.get()
}

/// The current thread's heap of `pool`, made if need be; `None` while the thread ends.
#[inline(always)]
pub(super) fn heap_of(pool: &Arc<Shared>) -> Option<NonNull<Heap>> {
    let (id, heap) = LAST.get();
    if ptr::eq(id, Arc::as_ptr(pool)) {
        return NonNull::new(heap.cast_mut());
    }
    core::hint::cold_path();
    find(pool)
}

#[cold]
#[inline(never)]
fn find(pool: &Arc<Shared>) -> Option<NonNull<Heap>> {
    let id = Arc::as_ptr(pool);
    let find = |heaps: &Heaps| {
        let mut heaps = heaps.0.borrow_mut();
        let heap = match heaps.iter().find(|entry| entry.id == id) {
            Some(entry) => Arc::as_ptr(&entry.heap),
            None => {
                heaps.retain(|entry| {
                    let lives = entry.pool.strong_count() > 0;
                    if !lives {
                        close(entry);
                    }
                    lives
                });
                let heap = pool.add_heap(number());
                let place = Arc::as_ptr(&heap);
                heaps.push(Entry {
                    id,
                    pool: Arc::downgrade(pool),
                    heap,
                });
                place
            }
        };
        LAST.set((id, heap));
        NonNull::new(heap.cast_mut())
    };
    HEAPS.try_with(find).ok().flatten()
}

/// The pool is gone: its heap on this thread, if any, goes too.
pub(super) fn forget(id: *const Shared) {
    let _ = HEAPS.try_with(|heaps| {
        heaps.0.borrow_mut().retain(|entry| {
            if entry.id == id {
                close(entry);
            }
            entry.id != id
        });
    });
}

fn close(entry: &Entry) {
    if ptr::eq(LAST.get().0, entry.id) {
        LAST.set((ptr::null(), ptr::null()));
    }
    // SAFETY: this thread owns the heap; the entry goes, and the shortcut to it is gone.
    unsafe { entry.heap.leave_as_owner() };
}

impl Drop for Heaps {
    fn drop(&mut self) {
        for entry in self.0.get_mut().drain(..) {
            close(&entry);
        }
    }
}
