//! Where scenarios keep count: each item is written once, read by its taker, and taken once.

use bywash_deque::Item;
use bywash_sync::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of an item, dressed up as a pointer that is never followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) usize);

// SAFETY: the address is the number plus one, times the alignment that a pointer to `()` needs; it
// carries no ownership.
unsafe impl Item for Token {
    fn into_raw(self) -> NonNull<()> {
        NonNull::new(std::ptr::without_provenance_mut(self.0 + 1)).expect("one more than a number")
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self(raw.addr().get() - 1)
    }

    fn label(&self) -> *mut () {
        std::ptr::dangling_mut()
    }
}

/// A token that says, beside itself, which pair of numbers it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Labelled(pub(crate) Token);

// SAFETY: as for `Token`.
unsafe impl Item for Labelled {
    const IS_LABELLED: bool = true;

    fn into_raw(self) -> NonNull<()> {
        self.0.into_raw()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: passed on.
        Self(unsafe { Token::from_raw(raw) })
    }

    fn label(&self) -> *mut () {
        std::ptr::without_provenance_mut(1 + self.0.0 / 2)
    }
}

/// One scenario's items.
#[derive(Clone)]
pub(crate) struct Board(Arc<Vec<Entry>>);

struct Entry {
    /// Written before the push, read after the take: loom reports it if nothing orders the two.
    payload: UnsafeCell<usize>,
    /// A plain count, which loom does not see.
    taken: AtomicUsize,
}

// SAFETY: a payload is written before its item is pushed and read by the one thread that took it;
// loom checks exactly that.
unsafe impl Sync for Entry {}

impl Board {
    pub(crate) fn new(items: usize) -> Self {
        let entry = |_| Entry {
            payload: UnsafeCell::new(0),
            taken: AtomicUsize::new(0),
        };
        Self(Arc::new((0..items).map(entry).collect()))
    }

    /// The item `number`, written and ready to be pushed.
    #[track_caller]
    pub(crate) fn make(&self, number: usize) -> Token {
        self.0[number].payload.with_mut(|payload| {
            // SAFETY: the item is not in a deque yet; loom checks that nobody reads it now.
            unsafe { payload.write(number) }
        });
        Token(number)
    }

    /// Checks an item that came out.
    #[track_caller]
    pub(crate) fn take(&self, token: Token) {
        let entry = &self.0[token.0];
        let before = entry.taken.fetch_add(1, Ordering::Relaxed);
        assert_eq!(before, 0, "item {} was taken twice", token.0);
        let payload = entry.payload.with(|payload| {
            // SAFETY: the item was written before it was pushed; loom checks that this is known.
            unsafe { payload.read() }
        });
        assert_eq!(payload, token.0);
    }

    /// Checks that nothing was lost, once all threads are done and the deques are drained.
    #[track_caller]
    pub(crate) fn finish(&self) {
        for (number, entry) in self.0.iter().enumerate() {
            assert_eq!(
                entry.taken.load(Ordering::Relaxed),
                1,
                "item {number} was lost"
            );
        }
    }
}
