//! Counts of what happened to a deque; without the feature `stats` nothing is counted.

#[cfg(feature = "stats")]
pub use counted::Stats;

#[cfg(feature = "stats")]
pub(crate) use counted::Counters;

#[cfg(not(feature = "stats"))]
pub(crate) use uncounted::Counters;

#[cfg(feature = "stats")]
mod counted {
    use bywash_sync::CachePadded;
    use bywash_sync::atomic::{AtomicU64, Ordering};

    /// What happened to a deque so far. Each number is right; together they are of no one moment.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Stats {
        /// Items that the owner pushed, stolen ones included.
        pub pushes: u64,
        /// Items that the owner popped.
        pub pops: u64,
        /// Items that thieves took.
        pub steals: u64,
        /// Steals that lost a race and took nothing.
        pub retries: u64,
        /// How often items were made visible to thieves: once for a batch.
        pub publications: u64,
    }

    /// The counters of one deque: the owner's on a line of their own, relaxed and never contended.
    #[derive(Debug, Default)]
    pub(crate) struct Counters {
        own: CachePadded<Own>,
        thieves: CachePadded<Thieves>,
    }

    #[derive(Debug, Default)]
    struct Own {
        pushes: AtomicU64,
        pops: AtomicU64,
        publications: AtomicU64,
    }

    #[derive(Debug, Default)]
    struct Thieves {
        steals: AtomicU64,
        retries: AtomicU64,
    }

    /// Adds to a counter that only this thread writes.
    #[inline(always)]
    fn add(counter: &AtomicU64, count: usize) {
        let sum = counter.load(Ordering::Relaxed) + count as u64;
        counter.store(sum, Ordering::Relaxed);
    }

    impl Counters {
        #[inline(always)]
        pub(crate) fn pushed(&self, items: usize) {
            add(&self.own.pushes, items);
        }

        #[inline(always)]
        pub(crate) fn popped(&self) {
            add(&self.own.pops, 1);
        }

        #[inline(always)]
        pub(crate) fn published(&self) {
            add(&self.own.publications, 1);
        }

        /// Any thief: took `items`, or lost a race if none.
        #[inline(always)]
        pub(crate) fn stolen(&self, items: usize) {
            let thieves = &self.thieves;
            if items == 0 {
                thieves.retries.fetch_add(1, Ordering::Relaxed);
            } else {
                thieves.steals.fetch_add(items as u64, Ordering::Relaxed);
            }
        }

        pub(crate) fn read(&self) -> Stats {
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            Stats {
                pushes: read(&self.own.pushes),
                pops: read(&self.own.pops),
                steals: read(&self.thieves.steals),
                retries: read(&self.thieves.retries),
                publications: read(&self.own.publications),
            }
        }
    }
}

#[cfg(not(feature = "stats"))]
mod uncounted {
    /// No counters: nothing is stored and nothing is done.
    #[derive(Debug, Default)]
    pub(crate) struct Counters(());

    impl Counters {
        #[inline(always)]
        pub(crate) const fn pushed(&self, _items: usize) {}

        #[inline(always)]
        pub(crate) const fn popped(&self) {}

        #[inline(always)]
        pub(crate) const fn published(&self) {}

        #[inline(always)]
        pub(crate) const fn stolen(&self, _items: usize) {}
    }
}
