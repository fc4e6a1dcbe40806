//! The two safe handles of one deque: its worker, and the stealers that may be cloned.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;

use super::core::Core;
use super::owner::Owner;
use super::ring::Steal;
use crate::item::Item;

/// A new deque's two ends. Allocates the first stack and the ring.
///
/// ```
/// use bywash_deque::split::{Steal, deque};
/// let (worker, stealer) = deque::<Box<u32>>();
/// worker.push(Box::new(1));
/// worker.push(Box::new(2));
/// assert_eq!(worker.pop(), Some(Box::new(2)));
/// assert_eq!(stealer.steal(), Steal::Taken(Box::new(1)));
/// ```
pub fn deque<T: Item + Send>() -> (Worker<T>, Stealer<T>) {
    let core = Arc::new(Core::new());
    (
        Worker {
            core: Arc::clone(&core),
            _not_sync: PhantomData,
        },
        Stealer { core },
    )
}

/// The owner's end: newest first. `Send`, but not `Sync`:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(bywash_deque::split::deque::<Box<u32>>().0);
/// ```
pub struct Worker<T: Item> {
    core: Arc<Core<T>>,
    _not_sync: PhantomData<Cell<()>>,
}

impl<T: Item + Send> Worker<T> {
    fn owner(&self) -> Owner<'_, T> {
        // SAFETY: there is one `Worker` a deque and it is not `Sync`, so all views are used on one
        // thread at a time; sending the worker to another thread orders what came before.
        unsafe { self.core.owner() }
    }

    /// Puts `item` on top. Two stores and a compare, but for the rare slow way.
    #[inline]
    pub fn push(&self, item: T) {
        self.owner().push(item);
    }

    /// Takes the newest item.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let item = self.owner().pop(0);
        if item.is_none() {
            self.owner().rest();
        }
        item
    }

    /// How many items are here, public ones included; thieves may take some meanwhile.
    pub fn len(&self) -> usize {
        self.owner().len()
    }

    /// Whether nothing is here, public or private.
    pub fn is_empty(&self) -> bool {
        self.owner().is_empty()
    }

    /// How many slots the private stack has: at most twice as many as items were here at once,
    /// and given back by halves while the owner finds nothing to pop.
    pub fn capacity(&self) -> usize {
        self.owner().capacity()
    }

    /// Makes older items public if thieves would find nothing: to be called before long work.
    #[inline]
    pub fn expose(&self) -> bool {
        self.owner().expose()
    }

    /// Steals a batch from another deque: the newest of it is returned, the rest is on this one.
    pub fn steal_batch_from(&self, victim: &Stealer<T>, most: usize) -> Steal<T> {
        match self.owner().steal_from(&victim.core, most, |_| true) {
            Steal::Taken(_) => self.pop().map_or(Steal::Retry, Steal::Taken),
            Steal::Empty => Steal::Empty,
            Steal::Declined => Steal::Declined,
            Steal::Retry => Steal::Retry,
        }
    }
}

/// A thief's end: oldest first.
pub struct Stealer<T: Item> {
    core: Arc<Core<T>>,
}

impl<T: Item> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<T: Item + Send> Stealer<T> {
    /// Takes the oldest public item; when nothing is public, asks the owner to expose some.
    pub fn steal(&self) -> Steal<T> {
        self.core.steal()
    }

    /// What happened to this deque so far.
    #[cfg(feature = "stats")]
    pub fn stats(&self) -> crate::Stats {
        self.core.stats()
    }

    /// Whether nothing is public just now; the owner may hold more.
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// How many items are public just now.
    pub fn len(&self) -> usize {
        self.core.len()
    }
}
