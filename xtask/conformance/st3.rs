//! st3's interface over our Chase-Lev deque, as far as st3's own tests need it.

use bywash_deque::{Item, chase_lev as ours};
use std::ptr::{self, NonNull};
use std::thread;

#[derive(Debug, PartialEq, Eq)]
pub enum StealError {
    Empty,
    Busy,
}

/// A number that travels as a pointer: the tests move 80 million of them twice, and a box for each
/// would be most of the work.
struct Number<T>(T);

// SAFETY: the address is the number's bytes, plus one; a type that needs no drop has no ownership to
// lose or double.
unsafe impl<T> Item for Number<T> {
    fn into_raw(self) -> NonNull<()> {
        const { assert!(size_of::<T>() <= size_of::<usize>() && !std::mem::needs_drop::<T>()) };
        let mut bits = 0_usize;
        // SAFETY: `bits` is aligned for any smaller number, and large enough by the assertion.
        unsafe { (&raw mut bits).cast::<T>().write(self.0) };
        NonNull::new(ptr::without_provenance_mut(bits.wrapping_add(1)))
            .expect("the tests use no number with all bits set")
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        let bits = raw.addr().get() - 1;
        // SAFETY: by this function's contract these are a number's bits.
        Self(unsafe { (&raw const bits).cast::<T>().read() })
    }
}

macro_rules! flavour {
    ($name:ident) => {
        pub mod $name {
            use super::{Number, StealError, ours, thread};

            #[derive(Debug)]
            pub struct Worker<T> {
                deque: ours::Worker<Number<T>>,
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

                /// Yields when full, as the callers spin, and may have no core to spare for thieves.
                pub fn push(&self, item: T) -> Result<(), T> {
                    self.deque.push(Number(item)).map_err(|full| {
                        thread::yield_now();
                        full.0.0
                    })
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
                    self.deque.pop().map(|item| item.0)
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
            pub struct Stealer<T>(ours::Stealer<Number<T>>);

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
                /// Yields when there is nothing, as `push` does when there is no room.
                pub fn steal_and_pop(
                    &self,
                    own: &Worker<T>,
                    mut count: impl FnMut(usize) -> usize,
                ) -> Result<(T, usize), StealError> {
                    let wanted = match (self.0.len(), self == own.stealer_ref()) {
                        (0, _) => 0,
                        (items, false) => count(items),
                        (items, true) => return Ok(self.rotate(own, count(items))),
                    };
                    if wanted == 0 {
                        thread::yield_now();
                        return Err(StealError::Empty);
                    }
                    let moved = match self.0.steal_batch(&own.deque, wanted - 1) {
                        ours::Steal::Taken(moved) => moved,
                        ours::Steal::Empty => return Err(StealError::Empty),
                        ours::Steal::Retry => return Err(StealError::Busy),
                    };
                    match (self.0.steal(), moved) {
                        (ours::Steal::Taken(item), _) => Ok((item.0, moved)),
                        (ours::Steal::Empty, 0) => Err(StealError::Empty),
                        (ours::Steal::Retry, 0) => Err(StealError::Busy),
                        // Others were faster: one of the batch has to do.
                        _ => own
                            .pop()
                            .map(|item| (item, moved - 1))
                            .ok_or(StealError::Busy),
                    }
                }

                /// Steals `count` items from `own` itself, alone: all but the last go back to it.
                fn rotate(&self, own: &Worker<T>, count: usize) -> (T, usize) {
                    let steal = || self.0.steal().taken().unwrap();
                    for _ in 1..count {
                        own.deque.push(steal()).unwrap();
                    }
                    (steal().0, count - 1)
                }
            }
        }
    };
}

flavour!(fifo);
flavour!(lifo);
