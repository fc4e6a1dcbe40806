//! crossbeam-deque's interface over our Chase-Lev deque, as far as crossbeam's own tests need it.

use bywash_deque::chase_lev as ours;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Crossbeam's own limit, on which its tests rely: with no limit, a few thieves empty the deque.
const BATCH: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub enum Steal<T> {
    Empty,
    Success(T),
    Retry,
}

impl<T> Steal<T> {
    fn of<U>(outcome: ours::Steal<U>, map: impl FnOnce(U) -> T) -> Self {
        match outcome {
            ours::Steal::Empty => Self::Empty,
            ours::Steal::Retry => Self::Retry,
            ours::Steal::Taken(taken) => Self::Success(map(taken)),
        }
    }
}

pub struct Worker<T>(ours::Worker<Box<T>>);

impl<T> Worker<T> {
    pub fn new_lifo() -> Self {
        Self(ours::Worker::lifo())
    }

    pub fn new_fifo() -> Self {
        Self(ours::Worker::fifo())
    }

    pub fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.stealer())
    }

    pub fn push(&self, item: T) {
        assert!(self.0.push(Box::new(item)).is_ok(), "no maximum was set");
    }

    pub fn pop(&self) -> Option<T> {
        self.0.pop().map(|item| *item)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub struct Stealer<T>(ours::Stealer<Box<T>>);

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Stealer<T> {
    pub fn steal(&self) -> Steal<T> {
        Steal::of(self.0.steal(), |item| *item)
    }

    pub fn steal_batch(&self, own: &Worker<T>) -> Steal<()> {
        Steal::of(self.0.steal_batch(&own.0, BATCH), |_| ())
    }

    pub fn steal_batch_and_pop(&self, own: &Worker<T>) -> Steal<T> {
        Steal::of(self.0.steal_batch_and_pop(&own.0, BATCH), |item| *item)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Crossbeam's tests of batches feed from one of these too; ours is a queue behind a lock.
pub struct Injector<T>(Mutex<VecDeque<T>>);

impl<T> Injector<T> {
    pub fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    pub fn push(&self, item: T) {
        self.0.lock().unwrap().push_back(item);
    }

    pub fn steal(&self) -> Steal<T> {
        let item = self.0.lock().unwrap().pop_front();
        item.map_or(Steal::Empty, Steal::Success)
    }

    /// Half of the items, so that `own` gives them back oldest first.
    pub fn steal_batch(&self, own: &Worker<T>) -> Steal<()> {
        let mut items = self.0.lock().unwrap();
        let half = items.len().div_ceil(2);
        let mut batch: Vec<_> = items.drain(..half).collect();
        if batch.is_empty() {
            return Steal::Empty;
        }
        let is_lifo = format!("{:?}", own.0).contains("Lifo");
        if is_lifo {
            batch.reverse();
        }
        batch.into_iter().for_each(|item| own.push(item));
        Steal::Success(())
    }

    pub fn steal_batch_and_pop(&self, own: &Worker<T>) -> Steal<T> {
        match self.steal_batch(own) {
            Steal::Success(()) => own.pop().map_or(Steal::Empty, Steal::Success),
            Steal::Empty | Steal::Retry => Steal::Empty,
        }
    }
}
