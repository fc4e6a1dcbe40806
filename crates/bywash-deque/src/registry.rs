//! Who can be stolen from, while workers and guests come and go.
//!
//! A [`Registry`] is a list that any thread reads without a lock, and that members change under one:
//! a change copies the list, puts the copy in its place, and retires the old one through
//! `crossbeam-epoch`. Joining and leaving are rare (a thread starts, a guest comes by), reading is
//! not (every search for work).
//!
//! ```
//! use bywash_deque::chase_lev::{Steal, Worker};
//! use bywash_deque::registry::Registry;
//!
//! let registry = Registry::new();
//! let worker = Worker::lifo();
//! let membership = registry.join(worker.stealer());
//! worker.push(Box::new(7)).expect("no maximum was set");
//!
//! let members = registry.read();
//! assert_eq!(members.iter().map(|stealer| stealer.steal()).next(), Some(Steal::Taken(Box::new(7))));
//! drop(members);
//!
//! drop(membership); // The worker leaves.
//! assert!(registry.read().is_empty());
//! ```

use bywash_sync::atomic::Ordering;
use bywash_sync::lock::{Mutex, MutexGuard};
use bywash_sync::ordering;
use crossbeam_epoch::{Atomic, Guard, Owned};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// One entry: the number of its membership, and what was registered.
type Entry<T> = (u64, Arc<T>);

/// A list that is read without a lock.
///
/// Cheap to share: wrap it in an `Arc`, or clone it, which gives another handle to the same list.
pub struct Registry<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
}

struct Shared<T: Send + Sync + 'static> {
    /// Never null.
    entries: Atomic<Vec<Entry<T>>>,
    /// The number of the next membership. Whoever holds it may change the list.
    next: Mutex<u64>,
}

impl<T: Send + Sync + 'static> Registry<T> {
    /// An empty registry.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                entries: Atomic::new(Vec::new()),
                next: Mutex::new(0),
            }),
        }
    }

    /// Adds `member` until the returned membership is dropped. Those that forget it stay members.
    ///
    /// Takes a lock that only joins and leaves take; allocates.
    pub fn join(&self, member: T) -> Membership<T> {
        let mut next = self.shared.lock();
        let number = *next;
        *next += 1;
        self.shared
            .replace(|entries| entries.push((number, Arc::new(member))), &next);
        Membership {
            number,
            shared: Arc::clone(&self.shared),
        }
    }

    /// The members as they are now; later joins and leaves do not show.
    ///
    /// One pin of an epoch, a full barrier; takes no lock and allocates nothing. While the reading
    /// lives, what leaves is not freed: do not keep it.
    pub fn read(&self) -> Reading<'_, T> {
        let guard = crossbeam_epoch::pin();
        // Acquire: pairs with the Release in `replace`, which filled the list before.
        let entries = self
            .shared
            .entries
            .load(ordering!(Acquire, "registry.read" => Relaxed), &guard);
        Reading {
            entries: NonNull::new(entries.as_raw().cast_mut()).expect("the list is never null"),
            _registry: self,
            _guard: guard,
        }
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.next
            .lock()
            .expect("nothing panics while the registry is locked")
    }

    /// Puts a changed copy in the place of the list; the lock proves that nobody else does.
    fn replace(&self, change: impl FnOnce(&mut Vec<Entry<T>>), _lock: &MutexGuard<'_, u64>) {
        // SAFETY: lists are only retired here, under the lock, so this one needs no pin.
        let unprotected = unsafe { crossbeam_epoch::unprotected() };
        // Relaxed: the lock orders it after the last change.
        let old = self.entries.load(Ordering::Relaxed, unprotected);
        // SAFETY: never null, and only retired here, under the lock.
        let mut entries = unsafe { old.deref() }.clone();
        change(&mut entries);
        // Release: pairs with the Acquire in `Registry::read`, which reads the list.
        self.entries.store(
            Owned::new(entries),
            ordering!(Release, "registry.publish" => Relaxed),
        );
        let guard = crossbeam_epoch::pin();
        // SAFETY: it was replaced before the pin, under the lock, so nobody who pins from here on
        // finds it, and nobody else retires it.
        unsafe { guard.defer_destroy(old) };
    }
}

impl<T: Send + Sync + 'static> Drop for Shared<T> {
    fn drop(&mut self) {
        let entries = std::mem::replace(&mut self.entries, Atomic::null());
        // SAFETY: never null, and the last handle is gone: nobody else can reach the list.
        drop(unsafe { entries.into_owned() });
    }
}

impl<T: Send + Sync + 'static> Clone for Registry<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Send + Sync + 'static> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("members", &self.read().len())
            .finish()
    }
}

/// A place in a [`Registry`]; dropping it leaves.
///
/// Leaving takes the registry's lock and allocates. Readers that began before still see the member.
#[must_use = "dropping the membership leaves the registry"]
pub struct Membership<T: Send + Sync + 'static> {
    number: u64,
    shared: Arc<Shared<T>>,
}

impl<T: Send + Sync + 'static> Drop for Membership<T> {
    fn drop(&mut self) {
        let next = self.shared.lock();
        self.shared.replace(
            |entries| entries.retain(|(number, _)| *number != self.number),
            &next,
        );
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Membership<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The members of a [`Registry`] at one moment. Neither `Send` nor `Sync`.
pub struct Reading<'registry, T: Send + Sync + 'static> {
    entries: NonNull<Vec<Entry<T>>>,
    _registry: &'registry Registry<T>,
    /// Keeps the list alive.
    _guard: Guard,
}

impl<T: Send + Sync + 'static> Reading<'_, T> {
    fn entries(&self) -> &[Entry<T>] {
        // SAFETY: the list was reachable after the guard pinned, and the guard is still here; a
        // list is never written again once it is published.
        unsafe { self.entries.as_ref() }
    }

    /// How many members there were.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether nobody was a member.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// The member at `index`, in the order of joining.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.entries().get(index).map(|(_, member)| &**member)
    }

    /// The members in the order of joining.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.entries().iter().map(|(_, member)| &**member)
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Reading<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("len", &self.len()).finish()
    }
}
