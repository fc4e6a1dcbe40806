//! Who competes in the deque rows: our deques, crossbeam's and st3's behind one interface, and a `Vec`.

use bywash_deque::{chase_lev, split};
use std::cell::RefCell;
use std::thread;

/// What every deque holds here: a pointer, as a scheduler's does.
pub(super) type Item = &'static u64;

/// The items: their values are their places, so what comes out can be added up.
pub(super) static ITEMS: [u64; 64] = {
    let mut items = [0; 64];
    let mut place = 0;
    while place < 64 {
        items[place] = place as u64;
        place += 1;
    }
    items
};
pub(super) const SUM_OF_64: u64 = 64 * 63 / 2;

/// What an owner does alone.
pub(super) trait Stack: 'static {
    fn new() -> Self;
    fn push(&self, item: Item);
    fn pop(&self) -> Option<Item>;
}

/// A deque's owner.
pub(super) trait Deque: Stack {
    type Thief: Thief;
    fn thief(&self) -> Self::Thief;
    /// What an owner does that sees its thieves idle.
    fn offer(&self) {}
}

/// A thief, on its own thread.
pub(super) trait Thief: Send {
    /// Steals what it can at once: how many items, and their sum.
    fn steal(&mut self) -> (u64, u64);
}

/// The most items a thief asks for at once; crossbeam's own limit.
const BATCH: usize = 32;

pub(super) struct Split(split::Worker<Item>, split::Stealer<Item>);

impl Stack for Split {
    fn new() -> Self {
        let (worker, stealer) = split::deque();
        Self(worker, stealer)
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl Deque for Split {
    type Thief = (split::Worker<Item>, split::Stealer<Item>);

    fn thief(&self) -> Self::Thief {
        (split::deque().0, self.1.clone())
    }

    fn offer(&self) {
        self.0.expose();
    }
}

impl Thief for (split::Worker<Item>, split::Stealer<Item>) {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        match self.0.steal_batch_from(&self.1, BATCH) {
            split::Steal::Taken(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// Empties the thief's own deque: how many items there were with `first`, and their sum.
#[inline]
fn drain(first: u64, mut pop: impl FnMut() -> Option<Item>) -> (u64, u64) {
    let (mut count, mut sum) = (1, first);
    while let Some(item) = pop() {
        count += 1;
        sum += *item;
    }
    (count, sum)
}

/// Our growable deque; `FIFO` chooses its flavour.
pub(super) struct ChaseLev<const FIFO: bool>(chase_lev::Worker<Item>);

impl<const FIFO: bool> Stack for ChaseLev<FIFO> {
    fn new() -> Self {
        Self(if FIFO {
            chase_lev::Worker::fifo()
        } else {
            chase_lev::Worker::lifo()
        })
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item).expect("no maximum was set");
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl<const FIFO: bool> Deque for ChaseLev<FIFO> {
    type Thief = (chase_lev::Worker<Item>, chase_lev::Stealer<Item>);

    fn thief(&self) -> Self::Thief {
        (Self::new().0, self.0.stealer())
    }
}

impl Thief for (chase_lev::Worker<Item>, chase_lev::Stealer<Item>) {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        match self.1.steal_batch_and_pop(&self.0, BATCH) {
            chase_lev::Steal::Taken(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// crossbeam's deque; `FIFO` chooses its flavour, `BATCH` how its thief steals.
pub(super) struct Crossbeam<const FIFO: bool, const BATCH: bool>(crossbeam_deque::Worker<Item>);

impl<const FIFO: bool, const BATCH: bool> Stack for Crossbeam<FIFO, BATCH> {
    fn new() -> Self {
        Self(if FIFO {
            crossbeam_deque::Worker::new_fifo()
        } else {
            crossbeam_deque::Worker::new_lifo()
        })
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.pop()
    }
}

impl<const FIFO: bool, const BATCH: bool> Deque for Crossbeam<FIFO, BATCH> {
    type Thief = CrossbeamThief<BATCH>;

    fn thief(&self) -> Self::Thief {
        CrossbeamThief(Self::new().0, self.0.stealer())
    }
}

pub(super) struct CrossbeamThief<const BATCH: bool>(
    crossbeam_deque::Worker<Item>,
    crossbeam_deque::Stealer<Item>,
);

impl<const BATCH: bool> Thief for CrossbeamThief<BATCH> {
    #[inline]
    fn steal(&mut self) -> (u64, u64) {
        let stolen = if BATCH {
            self.1.steal_batch_and_pop(&self.0)
        } else {
            self.1.steal()
        };
        match stolen {
            crossbeam_deque::Steal::Success(first) => drain(*first, || self.0.pop()),
            _ => (0, 0),
        }
    }
}

/// st3's deques have a fixed capacity and steal in batches only.
const ST3_CAPACITY: usize = 256;

macro_rules! st3 {
    ($name:ident, $flavour:ident) => {
        pub(super) struct $name(st3::$flavour::Worker<Item>);

        impl Stack for $name {
            fn new() -> Self {
                Self(st3::$flavour::Worker::new(ST3_CAPACITY))
            }

            /// Waits when full: of a thief that is held up in a steal, the items stay in the way.
            #[inline(always)]
            fn push(&self, item: Item) {
                while self.0.push(item).is_err() {
                    thread::yield_now();
                }
            }

            #[inline(always)]
            fn pop(&self) -> Option<Item> {
                self.0.pop()
            }
        }

        impl Deque for $name {
            type Thief = (st3::$flavour::Worker<Item>, st3::$flavour::Stealer<Item>);

            fn thief(&self) -> Self::Thief {
                (st3::$flavour::Worker::new(ST3_CAPACITY), self.0.stealer())
            }
        }

        impl Thief for (st3::$flavour::Worker<Item>, st3::$flavour::Stealer<Item>) {
            #[inline]
            fn steal(&mut self) -> (u64, u64) {
                match self
                    .1
                    .steal_and_pop(&self.0, |count| count.div_ceil(2).min(BATCH))
                {
                    Ok((first, _)) => drain(*first, || self.0.pop()),
                    Err(_) => (0, 0),
                }
            }
        }
    };
}

st3!(St3Lifo, lifo);
st3!(St3Fifo, fifo);

/// The floor of the rows without thieves: nobody else may look.
pub(super) struct Plain(RefCell<Vec<Item>>);

impl Stack for Plain {
    fn new() -> Self {
        Self(RefCell::new(Vec::with_capacity(ITEMS.len())))
    }

    #[inline(always)]
    fn push(&self, item: Item) {
        self.0.borrow_mut().push(item);
    }

    #[inline(always)]
    fn pop(&self) -> Option<Item> {
        self.0.borrow_mut().pop()
    }
}
