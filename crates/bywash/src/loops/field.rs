//! A loop's units as they are claimed: each worker its own slice first, then what is left of others'.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;

use super::pace::Pace;
use super::slice::Slice;
use crate::prefetch::{prefetch_to_read, prefetch_to_write};

/// The most slices of one loop; more workers than that share slices.
pub(super) const MOST_SLICES: usize = 64;

/// A value on cache lines of its own, aligned no more than job memory is: some processors fetch
/// lines in pairs.
#[repr(C, align(64))]
pub(super) struct Apart<T> {
    value: T,
    _gap: MaybeUninit<[u8; 64]>,
}

impl<T> Apart<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            value,
            _gap: MaybeUninit::uninit(),
        }
    }
}

impl<T> std::ops::Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The slices of a loop.
#[repr(C)]
pub(super) struct Field {
    count: usize,
    /// Written up to `count`, so that a loop among few costs few lines.
    slices: [MaybeUninit<Apart<Slice>>; MOST_SLICES],
}

impl Field {
    /// Divides `units` into `count` slices, from 1 to [`MOST_SLICES`]: even in the number of units, and
    /// the same ones each time.
    ///
    /// # Safety
    /// There is room for a `Field` at `place`, which nobody else has.
    pub(super) unsafe fn write(place: NonNull<Self>, units: &Range<u32>, count: usize) {
        let len = u64::from(units.end - units.start);
        let border = |index: usize| units.start + (len * index as u64 / count as u64) as u32;
        // SAFETY: the first field, in the room that the caller has.
        unsafe { place.cast::<usize>().write(count) };
        // SAFETY: as above; slices may be uninitialised.
        let slices = unsafe { &mut (*place.as_ptr()).slices };
        for (index, slice) in slices[..count].iter_mut().enumerate() {
            slice.write(Apart::new(Slice::new(border(index)..border(index + 1))));
        }
    }

    /// How many slices there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Fetches the count and the slice `own`.
    pub(super) fn fetch(&self, own: usize) {
        prefetch_to_read(&raw const self.count);
        prefetch_to_write(self.slices.as_ptr().wrapping_add(own % MOST_SLICES));
    }

    fn slice(&self, index: usize) -> &Slice {
        // SAFETY: `write` wrote all that `count` counts, and every caller stays below it.
        unsafe { self.slices[..self.count][index].assume_init_ref() }
    }

    /// Claims units and runs them until none are left to claim: those of the slice `own`, then, as a
    /// new `own`, the back half of the first of the slices `near` that has any. What is claimed is
    /// added to `claimed` before it is run.
    pub(super) fn work<N: Iterator<Item = usize>>(
        &self,
        own: usize,
        near: impl Fn() -> N,
        pace: &mut Pace,
        claimed: &Cell<u64>,
        run: impl Fn(Range<u32>),
    ) {
        let claim = |units: &Range<u32>| claimed.set(claimed.get() + len(units));
        loop {
            while let Some(units) = self.slice(own).take_front(|left| pace.want(left)) {
                claim(&units);
                run(units);
                pace.step();
            }
            let mut halves = near().map(|slice| self.slice(slice).take_back_half());
            let Some(mut units) = halves.find_map(|half| half) else {
                return;
            };
            if self.slice(own).put(&units) {
                continue;
            }
            // Another worker shares this slice and was faster: what was claimed is run from here.
            claim(&units);
            while !units.is_empty() {
                let cut = units.start + pace.want(units.end - units.start);
                run(units.start..cut);
                units.start = cut;
                pace.step();
            }
        }
    }

    /// Claims all that is left, and returns how much that was.
    pub(super) fn clear(&self) -> u64 {
        let slices = (0..self.count).map(|index| self.slice(index));
        slices
            .filter_map(|slice| slice.take_front(|left| left))
            .map(|units| len(&units))
            .sum()
    }
}

fn len(units: &Range<u32>) -> u64 {
    u64::from(units.end - units.start)
}
