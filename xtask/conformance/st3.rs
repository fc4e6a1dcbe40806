//! st3's interface over our Chase-Lev deque, as far as st3's own tests need it.

use bywash_deque::chase_lev as ours;

#[derive(Debug, PartialEq, Eq)]
pub enum StealError {
    Empty,
    Busy,
}

macro_rules! flavour {
    ($name:ident) => {
        pub mod $name {
            use super::{ours, StealError};

            #[derive(Debug)]
            pub struct Worker<T> {
                deque: ours::Worker<Box<T>>,
                stealer: Stealer<T>,
                capacity: usize,
            }

            impl<T> Worker<T> {
                pub fn new(capacity: usize) -> Self {
                    let capacity = capacity.next_power_of_two();
                    let deque = ours::Options::$name()
                        .maximum_capacity(capacity)
                        .initial_capacity(capacity)
                        .build()
                        .unwrap();
                    let stealer = Stealer(deque.stealer());
                    Self {
                        deque,
                        stealer,
                        capacity,
                    }
                }

                pub fn capacity(&self) -> usize {
                    self.capacity
                }

                pub fn spare_capacity(&self) -> usize {
                    self.capacity - self.deque.len()
                }

                pub fn push(&self, item: T) -> Result<(), T> {
                    self.deque.push(Box::new(item)).map_err(|full| *full.0)
                }

                /// As many as fit; what does not fit is dropped.
                pub fn extend(&self, items: impl IntoIterator<Item = T>) {
                    for item in items {
                        if self.push(item).is_err() {
                            break;
                        }
                    }
                }

                pub fn pop(&self) -> Option<T> {
                    self.deque.pop().map(|item| *item)
                }

                /// Ours has nothing like it; the tests that call it are left out.
                pub fn drain(
                    &self,
                    _count: impl FnMut(usize) -> usize,
                ) -> Result<std::vec::IntoIter<T>, StealError> {
                    Err(StealError::Empty)
                }

                pub fn stealer(&self) -> Stealer<T> {
                    self.stealer.clone()
                }

                pub fn stealer_ref(&self) -> &Stealer<T> {
                    &self.stealer
                }
            }

            #[derive(Debug)]
            pub struct Stealer<T>(ours::Stealer<Box<T>>);

            impl<T> Clone for Stealer<T> {
                fn clone(&self) -> Self {
                    Self(self.0.clone())
                }
            }

            impl<T> PartialEq for Stealer<T> {
                fn eq(&self, other: &Self) -> bool {
                    self.0 == other.0
                }
            }

            impl<T> Eq for Stealer<T> {}

            impl<T> Stealer<T> {
                /// All but one by a batch, the last by itself: st3 returns the newest it took.
                pub fn steal_and_pop(
                    &self,
                    own: &Worker<T>,
                    mut count: impl FnMut(usize) -> usize,
                ) -> Result<(T, usize), StealError> {
                    let wanted = count(self.0.len()).max(1);
                    let moved = match self.0.steal_batch(&own.deque, wanted - 1) {
                        ours::Steal::Taken(moved) => moved,
                        ours::Steal::Empty => return Err(StealError::Empty),
                        ours::Steal::Retry => return Err(StealError::Busy),
                    };
                    match (self.0.steal(), moved) {
                        (ours::Steal::Taken(item), _) => Ok((*item, moved)),
                        (ours::Steal::Empty, 0) => Err(StealError::Empty),
                        (ours::Steal::Retry, 0) => Err(StealError::Busy),
                        // Others were faster: one of the batch has to do.
                        _ => own
                            .pop()
                            .map(|item| (item, moved - 1))
                            .ok_or(StealError::Busy),
                    }
                }
            }
        }
    };
}

flavour!(fifo);
flavour!(lifo);
