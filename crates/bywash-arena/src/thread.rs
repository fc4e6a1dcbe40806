//! One handle, an arena for each thread: kept between uses, freed with the thread or the handle.
//!
//! A handle's arenas live in slots that the handle owns. A thread remembers its slots in a
//! thread-local list, keyed by handle; it alone uses them, so leasing one takes no atomic
//! operation and no lock. Handles are told apart by the address of their shared part, which cannot
//! be reused while any thread's list still holds a `Weak` to it.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::vec::Vec;

use crate::arena::Arena;
use crate::budget::Budget;
use crate::chunk::{ChunkSource, HeapChunks};
use crate::error::{ArenaError, refuse};

/// The first chunk of a thread's arena, unless the handle says otherwise.
pub const THREAD_ARENA_BYTES: usize = 1 << 20;

/// The distance at which a new arena's memory is touched: a page of the smallest usual size.
const PAGE: usize = 4096;

/// A handle from which each thread gets arenas of its own.
///
/// Cloning it gives the same arenas. Two handles share none.
///
/// ```
/// use bywash_arena::ThreadArenas;
///
/// let arenas = ThreadArenas::new();
/// std::thread::scope(|scope| {
///     for id in 0..2 {
///         let arenas = &arenas;
///         scope.spawn(move || {
///             let mut arena = arenas.for_current_thread();
///             let frame = arena.begin_frame();
///             assert_eq!(frame.alloc_slice_fill(100, id).len(), 100);
///         });
///     }
/// });
/// ```
pub struct ThreadArenas<S: ChunkSource + Send + 'static = HeapChunks> {
    shared: Arc<Shared<S>>,
}

/// The exclusive use of one of the current thread's arenas; it returns, empty, when dropped.
///
/// While one lives, the thread's next lease is another arena. A forgotten lease keeps its arena
/// out of use, and the memory stays until the handle ends.
///
/// It cannot go to another thread:
/// ```compile_fail,E0277
/// let arenas = bywash_arena::ThreadArenas::new();
/// let lease = arenas.for_current_thread();
/// std::thread::scope(|scope| { scope.spawn(move || { lease.alloc(1); }); });
/// ```
/// and nothing allocated from it can outlive it:
/// ```compile_fail,E0505
/// let arenas = bywash_arena::ThreadArenas::new();
/// let lease = arenas.for_current_thread();
/// let value = lease.alloc(1);
/// drop(lease);
/// *value = 2;
/// ```
pub struct ThreadArena<'handle, S: ChunkSource + Send + 'static = HeapChunks> {
    slot: NonNull<Slot<S>>,
    /// The handle, if the thread's list does not know the slot: it goes when the lease goes.
    unlisted: Option<&'handle ThreadArenas<S>>,
    /// The slot belongs to this thread.
    not_send: PhantomData<*const ()>,
}

struct Shared<S: ChunkSource + Send + 'static> {
    slots: Mutex<Slots<S>>,
    source: Box<dyn Fn() -> S + Send + Sync>,
    bytes: usize,
}

/// Every slot of the handle, whichever thread uses it.
struct Slots<S: ChunkSource>(Vec<NonNull<Slot<S>>>);

// SAFETY: a slot is used by its thread alone until that thread's list or the handle gives it up,
// and what it holds may move between threads.
unsafe impl<S: ChunkSource + Send> Send for Slots<S> {}

#[repr(C)]
struct Slot<S: ChunkSource> {
    leased: Cell<bool>,
    arena: Arena<S>,
}

/// A slot as the thread's list knows it, without its type.
#[derive(Clone, Copy)]
struct Listed {
    /// Which handle: the address of its shared part.
    handle: *const (),
    slot: NonNull<Cell<bool>>,
}

struct Entry {
    listed: Listed,
    owner: Weak<dyn Owner>,
}

/// What a thread that ends asks of the handle.
trait Owner {
    /// Frees the slot, unless it is leased.
    fn thread_ended(&self, slot: NonNull<Cell<bool>>);
}

#[derive(Default)]
struct List(RefCell<Vec<Entry>>);

std::thread_local! {
    static LIST: List = const { List(RefCell::new(Vec::new())) };
    /// The slot leased last: one compare finds it again. Its entry in the list keeps the handle's
    /// address from being used again; when entries go, this is emptied first.
    static LAST: Cell<(*const (), Option<NonNull<Cell<bool>>>)> =
        const { Cell::new((std::ptr::null(), None)) };
}

impl Drop for List {
    fn drop(&mut self) {
        LAST.set((std::ptr::null(), None));
        for entry in self.0.get_mut().drain(..) {
            if let Some(owner) = entry.owner.upgrade() {
                owner.thread_ended(entry.listed.slot);
            }
        }
    }
}

impl ThreadArenas {
    /// A handle for arenas on the heap, 1 MiB each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_source(THREAD_ARENA_BYTES, || HeapChunks)
    }

    /// A handle for arenas on the heap whose first chunk holds `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self::with_source(bytes, || HeapChunks)
    }
}

impl<S: ChunkSource + Send + 'static> ThreadArenas<S> {
    /// A handle for arenas whose chunks come from what `source` makes, on the thread that the
    /// arena is for; the first chunk holds `bytes`.
    pub fn with_source(bytes: usize, source: impl Fn() -> S + Send + Sync + 'static) -> Self {
        let slots = Mutex::new(Slots(Vec::new()));
        Self {
            shared: Arc::new(Shared {
                slots,
                source: Box::new(source),
                bytes,
            }),
        }
    }

    /// An empty arena of the current thread's.
    ///
    /// Cost: a look into a short thread-local list; no lock, no atomic operation. The first lease
    /// on a thread acquires the first chunk and touches each of its pages, so that they lie on
    /// this thread's NUMA node.
    ///
    /// # Panics
    /// When a new arena is needed and its first chunk cannot be had.
    #[inline]
    #[must_use]
    pub fn for_current_thread(&self) -> ThreadArena<'_, S> {
        self.try_for_current_thread()
            .unwrap_or_else(|error| refuse(error))
    }

    /// Like [`for_current_thread`](Self::for_current_thread).
    ///
    /// # Errors
    /// [`ArenaError`] when a new arena is needed and its first chunk cannot be had.
    #[inline]
    pub fn try_for_current_thread(&self) -> Result<ThreadArena<'_, S>, ArenaError> {
        self.last().map_or_else(|| self.find(), Ok)
    }

    /// The slot that was leased last, if it is this handle's and free.
    #[inline(always)]
    fn last(&self) -> Option<ThreadArena<'_, S>> {
        let (handle, slot) = LAST.get();
        if handle != Arc::as_ptr(&self.shared).cast::<()>() {
            return None;
        }
        // SAFETY: the handle owns the slot and is alive; only this thread uses it.
        let leased = unsafe { slot?.as_ref() };
        if leased.replace(true) {
            return None;
        }
        Some(self.lease(slot?.cast(), true))
    }

    /// The slot was not the one used last.
    #[cold]
    #[inline(never)]
    fn find(&self) -> Result<ThreadArena<'_, S>, ArenaError> {
        let id = Arc::as_ptr(&self.shared).cast::<()>();
        let free = |list: &List| {
            let list = list.0.borrow();
            let known = list.iter().filter(|entry| entry.listed.handle == id);
            known.map(|entry| entry.listed.slot).find(|&slot| {
                // SAFETY: the handle owns the slot and is alive; only this thread uses it.
                !unsafe { slot.as_ref() }.replace(true)
            })
        };
        match LIST.try_with(free) {
            Ok(Some(slot)) => {
                LAST.set((id, Some(slot)));
                Ok(self.lease(slot.cast(), true))
            }
            Ok(None) => self.add(true),
            Err(_) => self.add(false),
        }
    }

    #[inline(always)]
    fn lease(&self, slot: NonNull<Slot<S>>, listed: bool) -> ThreadArena<'_, S> {
        ThreadArena {
            slot,
            unlisted: (!listed).then_some(self),
            not_send: PhantomData,
        }
    }

    /// Makes a slot; the thread's list remembers it unless the thread is past having one.
    #[cold]
    #[inline(never)]
    fn add(&self, listed: bool) -> Result<ThreadArena<'_, S>, ArenaError> {
        let mut arena = Arena::with_source((self.shared.source)());
        touch(&mut arena, self.shared.bytes)?;
        let slot = Box::new(Slot {
            leased: Cell::new(true),
            arena,
        });
        // SAFETY: the pointer of a box is not null.
        let slot = unsafe { NonNull::new_unchecked(Box::into_raw(slot)) };
        self.shared.slots().push(slot);
        if listed {
            let owner: Weak<Shared<S>> = Arc::downgrade(&self.shared);
            let handle = Arc::as_ptr(&self.shared).cast();
            let entry = Entry {
                listed: Listed {
                    handle,
                    slot: slot.cast(),
                },
                owner,
            };
            LIST.with(|list| {
                let mut list = list.0.borrow_mut();
                LAST.set((std::ptr::null(), None));
                list.retain(|entry| entry.owner.strong_count() > 0);
                list.push(entry);
            });
        }
        Ok(self.lease(slot, listed))
    }
}

/// Reserves `bytes` and writes to each page of them.
fn touch<S: ChunkSource>(arena: &mut Arena<S>, bytes: usize) -> Result<(), ArenaError> {
    let frame = arena.begin_frame();
    for byte in frame
        .try_alloc_slice_uninit::<u8>(bytes)?
        .iter_mut()
        .step_by(PAGE)
    {
        // SAFETY: a valid place of the slice; volatile, so that the write is not optimised away.
        unsafe { byte.as_mut_ptr().write_volatile(0) };
    }
    Ok(())
}

impl<S: ChunkSource + Send + 'static> Shared<S> {
    fn slots(&self) -> impl DerefMut<Target = Vec<NonNull<Slot<S>>>> {
        struct Guard<'a, S: ChunkSource>(std::sync::MutexGuard<'a, Slots<S>>);
        impl<S: ChunkSource> Deref for Guard<'_, S> {
            type Target = Vec<NonNull<Slot<S>>>;
            fn deref(&self) -> &Self::Target {
                &self.0.0
            }
        }
        impl<S: ChunkSource> DerefMut for Guard<'_, S> {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0.0
            }
        }
        // Nothing that can panic runs under the lock, so a poisoned one is whole.
        Guard(self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a slot out of the handle's list and frees it.
    fn free(&self, slot: NonNull<Slot<S>>) {
        let mut slots = self.slots();
        let Some(place) = slots.iter().position(|&other| other == slot) else {
            return;
        };
        slots.swap_remove(place);
        drop(slots);
        // SAFETY: it came from a box, was in the list, and is in no list any more.
        drop(unsafe { Box::from_raw(slot.as_ptr()) });
    }
}

impl<S: ChunkSource + Send + 'static> Owner for Shared<S> {
    fn thread_ended(&self, slot: NonNull<Cell<bool>>) {
        // SAFETY: the handle owns the slot and is alive; only this thread, which ends, uses it.
        // A lease may still live in another thread-local; its slot goes with the handle.
        if !unsafe { slot.as_ref() }.get() {
            self.free(slot.cast());
        }
    }
}

impl<S: ChunkSource + Send + 'static> Drop for Shared<S> {
    fn drop(&mut self) {
        let slots = self.slots.get_mut().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.0.drain(..) {
            // SAFETY: it came from a box. The handle is ending: leases borrow it, so none is
            // alive, and threads that still list the slot no longer look at it.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        }
    }
}

impl<S: ChunkSource + Send + 'static> Clone for ThreadArenas<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Default for ThreadArenas {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: ChunkSource + Send + 'static> fmt::Debug for ThreadArenas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadArenas")
            .field("arenas", &self.shared.slots().len())
            .field("first_chunk", &self.shared.bytes)
            .finish()
    }
}

impl<S: ChunkSource + Send + 'static> Deref for ThreadArena<'_, S> {
    type Target = Arena<S>;

    #[inline]
    fn deref(&self) -> &Arena<S> {
        // SAFETY: the handle, which owns the slot, is borrowed; the lease is exclusive.
        &unsafe { self.slot.as_ref() }.arena
    }
}

impl<S: ChunkSource + Send + 'static> DerefMut for ThreadArena<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Arena<S> {
        // SAFETY: the place of a slot that lives; no reference to the whole slot is made.
        let arena = unsafe { &raw mut (*self.slot.as_ptr()).arena };
        // SAFETY: the lease is exclusive, and borrowed mutably.
        unsafe { &mut *arena }
    }
}

impl<S: ChunkSource + Send + 'static> Drop for ThreadArena<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_pristine() {
            core::hint::cold_path();
            self.set_budget(Budget::NONE);
            self.reset();
        }
        match self.unlisted {
            // SAFETY: the handle, which owns the slot, is borrowed.
            None => unsafe { self.slot.as_ref() }.leased.set(false),
            Some(handle) => handle.shared.free(self.slot),
        }
    }
}

impl<S: ChunkSource + Send + 'static> fmt::Debug for ThreadArena<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadArena").field(&**self).finish()
    }
}
