//! The numbers behind a counter, and the list of those who start at zero.
//!
//! Three numbers that only grow: jobs spawned by the counter's own worker (a plain store), jobs
//! spawned by others, jobs done. Done is read before spawned, so that equality means a moment of
//! zero (see `record.rs`). Whoever adds to `done` fences and then looks who waits; whoever comes to
//! wait says so, fences and then looks at the sum: one of the two sees the other.

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

use bywash_sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};
use bywash_sync::{CachePadded, mutant, ordering};

/// What can stand on the list: it has a link.
pub trait Linked {
    /// The link, which belongs to whoever holds the list.
    fn next(&self) -> &Cell<*mut Self>;
}

/// A counter's numbers and its list of `N`.
pub struct Sums<N> {
    by_owner: CachePadded<ByOwner>,
    by_others: CachePadded<ByOthers<N>>,
}

struct ByOwner {
    owner: *const (),
    spawned: AtomicU64,
}

struct ByOthers<N> {
    spawned: AtomicU64,
    done: AtomicU64,
    waiters: AtomicU64,
    list: AtomicPtr<N>,
}

// SAFETY: the owner's address is compared, never followed; the rest is atomic.
unsafe impl<N> Sync for Sums<N> {}
// SAFETY: as above.
unsafe impl<N> Send for Sums<N> {}

impl<N: Linked> Sums<N> {
    /// Zero. Spawns by whoever calls himself `owner`, on one thread at a time, are the cheap ones.
    pub fn new(owner: *const ()) -> Self {
        let by_owner = ByOwner {
            owner,
            spawned: AtomicU64::new(0),
        };
        let by_others = ByOthers {
            spawned: AtomicU64::new(0),
            done: AtomicU64::new(0),
            waiters: AtomicU64::new(0),
            list: AtomicPtr::new(null_mut()),
        };
        Self {
            by_owner: CachePadded::new(by_owner),
            by_others: CachePadded::new(by_others),
        }
    }

    /// Whether all that was counted so far is done. A look; others may go on.
    #[inline]
    pub fn is_zero(&self) -> bool {
        if mutant("sums.spawned_first") {
            let spawned = self.spawned();
            return self.by_others.done.load(Ordering::Acquire) == spawned;
        }
        // Acquire: pairs with the AcqRel in `count_done`; the caller then sees what the jobs did.
        let order = ordering!(Acquire, "sums.is_zero" => Relaxed);
        let done = self.by_others.done.load(order);
        done == self.spawned()
    }

    /// Asked after `done` was read, which acquires: whatever a job spawned before it was counted as done
    /// is in these numbers, since nobody sees an older one than what came before.
    #[inline(always)]
    fn spawned(&self) -> u64 {
        let by_others = self.by_others.spawned.load(Ordering::Relaxed);
        by_others + self.by_owner.spawned.load(Ordering::Relaxed)
    }

    /// Counts jobs as spawned by `whom`, before anybody can see them.
    ///
    /// Relaxed: who finishes such a job learnt of it by a later Release, or is this worker.
    #[inline(always)]
    pub fn count_spawned(&self, whom: *const (), jobs: u64) {
        if std::ptr::eq(whom, self.by_owner.owner) {
            let spawned = self.by_owner.spawned.load(Ordering::Relaxed);
            self.by_owner
                .spawned
                .store(spawned + jobs, Ordering::Relaxed);
        } else {
            self.by_others.spawned.fetch_add(jobs, Ordering::Relaxed);
        }
    }

    /// Counts jobs as done; calls `wake` if somebody may sleep until zero, which is now, and `start`
    /// with each on the list if it is.
    pub fn count_done(&self, jobs: u64, wake: impl FnOnce(), start: impl FnMut(NonNull<N>)) {
        // AcqRel: pairs with the Acquire in `is_zero`.
        let order = ordering!(AcqRel, "sums.done" => Relaxed);
        self.by_others.done.fetch_add(jobs, order);
        // SeqCst: pairs with the fences in `Idle::start_waiting` and `add`: either this side sees
        // who came, or they see the new sum.
        if !mutant("sums.done.fence") {
            fence(Ordering::SeqCst);
        }
        if self.by_others.waiters.load(Ordering::Relaxed) != 0 && self.is_zero() {
            wake();
        }
        if !self.by_others.list.load(Ordering::Relaxed).is_null() {
            self.start_list(start);
        }
    }

    /// Puts `node` on the list; calls `start` with each that is there if the sum is zero now.
    ///
    /// # Safety
    /// The node stays in place until `start` gets it, here or in [`Sums::count_done`], and nobody else
    /// uses its link.
    pub unsafe fn add(&self, node: NonNull<N>, start: impl FnMut(NonNull<N>)) {
        self.link(node);
        // SeqCst: pairs with the fence in `count_done`.
        if !mutant("sums.add.fence") {
            fence(Ordering::SeqCst);
        }
        self.start_list(start);
    }

    /// If the sum is zero, takes the list and starts what is on it.
    #[cold]
    fn start_list(&self, start: impl FnMut(NonNull<N>)) {
        while self.is_zero() {
            // Acquire: pairs with the Release in `link`. Whoever is on the list came after its jobs'
            // spawns were counted, so the sum below counts them too.
            let order = ordering!(Acquire, "sums.list.take" => Relaxed);
            let list = self.by_others.list.swap(null_mut(), order);
            if list.is_null() {
                return;
            }
            if self.is_zero() || mutant("sums.list.second_look") {
                chain(list).for_each(start);
                return;
            }
            // Somebody came with more jobs in between: all wait on.
            chain(list).for_each(|node| self.link(node));
            // SeqCst: pairs with the fence in `count_done`; whoever found the list empty meanwhile
            // has counted before the next look at the sum.
            if !mutant("sums.relink.fence") {
                fence(Ordering::SeqCst);
            }
            if mutant("sums.relink.look") {
                return;
            }
        }
    }

    fn link(&self, node: NonNull<N>) {
        let list = &self.by_others.list;
        let mut head = list.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is in place, by the contract of `add`.
            unsafe { node.as_ref() }.next().set(head);
            // Release: pairs with the Acquire in `start_list`, as does every push before.
            let order = ordering!(Release, "sums.list.put" => Relaxed);
            match list.compare_exchange_weak(head, node.as_ptr(), order, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// Somebody is about to sleep until zero.
    pub fn add_waiter(&self) {
        self.by_others.waiters.fetch_add(1, Ordering::Relaxed);
    }

    /// The sleeper is up again.
    pub fn remove_waiter(&self) {
        self.by_others.waiters.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The nodes from `head` on, which the caller alone holds.
fn chain<N: Linked>(head: *mut N) -> impl Iterator<Item = NonNull<N>> {
    let mut here = NonNull::new(head);
    std::iter::from_fn(move || {
        let node = here?;
        // SAFETY: a node stays in place until it is started, which is after it left this list.
        here = NonNull::new(unsafe { node.as_ref() }.next().get());
        Some(node)
    })
}
