//! A loop without its bodies, as the model checker drives it: the types that ship.

use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;

use super::field::Field;
use super::hints::Partitioner;
use super::pace::Pace;

pub use super::blocks::{Blocks, combine_here, split, subtrees};
pub use super::latch::{LoopLatch, Tickets};

/// A loop's units and its slices.
pub struct Units(Box<Field>);

impl Units {
    /// `units` in so many slices.
    pub fn new(units: Range<u32>, slices: usize) -> Self {
        let mut room = Box::<Field>::new_uninit();
        let place = NonNull::from(&mut *room).cast();
        // SAFETY: the room is this function's own.
        unsafe { Field::write(place, &units, slices) };
        // SAFETY: a field is initialised once it was written.
        Self(unsafe { room.assume_init() })
    }

    /// Claims units and runs them until none are left to claim, as the participant of slice `own`;
    /// returns how many it claimed.
    pub fn work(&self, own: usize, partitioner: Partitioner, run: impl Fn(Range<u32>)) -> u64 {
        let slices = self.0.count();
        let near = || (1..slices).map(move |step| (own + step) % slices);
        let claimed = Cell::new(0);
        let mut pace = Pace::new(partitioner, 1);
        self.0.work(own, near, &mut pace, &claimed, run);
        claimed.get()
    }
}
