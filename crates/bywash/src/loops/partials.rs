//! A place for each block's result, written by whoever runs the block.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;

use super::run::Cut;
use crate::context::Context;
use crate::memory::LARGEST;

/// The largest block of job memory, which most reductions' partials fit into.
#[repr(C, align(64))]
struct Room([MaybeUninit<u8>; LARGEST]);

/// `Option<T>` places, all `None` at first: in job memory, or on the heap if they are too large.
pub(super) struct Partials<'a, 'frame, T> {
    context: &'a Context<'frame>,
    places: NonNull<Option<T>>,
    count: usize,
    room: Option<NonNull<Room>>,
}

impl<'a, 'frame, T> Partials<'a, 'frame, T> {
    fn new(context: &'a Context<'frame>, count: usize) -> Self {
        let fits = size_of::<Option<T>>() * count <= LARGEST && align_of::<Option<T>>() <= 64;
        let room = fits.then(|| context.share().take::<Room>());
        let places = match room {
            Some(room) => {
                let places = room.cast::<Option<T>>();
                for index in 0..count {
                    // SAFETY: the room is large and aligned enough for `count` places.
                    let place = unsafe { places.add(index) };
                    // SAFETY: as above; the room is this value's own.
                    unsafe { place.write(None) };
                }
                places
            }
            None => {
                let places: Box<[Option<T>]> = (0..count).map(|_| None).collect();
                NonNull::from(Box::leak(places)).cast()
            }
        };
        Self {
            context,
            places,
            count,
            room,
        }
    }

    /// A place for each index below `count`, filled by a loop: `run` gets the indices that a worker
    /// has claimed, and a function that fills the place of any of them.
    pub(super) fn filled_by(
        context: &'a Context<'frame>,
        cut: Cut,
        count: usize,
        run: impl Fn(&Context<'frame>, Range<usize>, &dyn Fn(usize, T)) + Sync,
    ) -> Self
    where
        T: Send,
    {
        let mut partials = Self::new(context, count);
        let slots = partials.slots();
        context.run_loop(cut, 0..count, |context, indices| {
            let fill = |index, value| {
                assert!(
                    indices.contains(&index),
                    "bywash: a place belongs to who claimed it"
                );
                // SAFETY: the loop hands each index to one body, once, and this is one of its own.
                unsafe { slots.fill(index, value) };
            };
            run(context, indices.clone(), &fill);
        });
        partials
    }

    /// For the loop that fills the places.
    fn slots(&mut self) -> Slots<'_, T> {
        let places = self.filled();
        // SAFETY: an exclusive slice may be seen as cells, which `UnsafeCell` is laid out as.
        let cells = unsafe { &*(std::ptr::from_mut(places) as *const [UnsafeCell<Option<T>>]) };
        Slots {
            cells,
            _places: PhantomData,
        }
    }

    /// The places, after that loop.
    pub(super) fn filled(&mut self) -> &mut [Option<T>] {
        let places = NonNull::slice_from_raw_parts(self.places, self.count);
        // SAFETY: all places were written by `new`, and this value is their only way in.
        unsafe { &mut *places.as_ptr() }
    }
}

impl<T> Drop for Partials<'_, '_, T> {
    fn drop(&mut self) {
        match self.room {
            Some(room) => {
                let places = NonNull::slice_from_raw_parts(self.places, self.count);
                // SAFETY: initialised by `new`, and dropped once.
                unsafe { places.drop_in_place() };
                // SAFETY: it came from `take::<Room>` in this frame, and is not used any more.
                unsafe { self.context.share().give(room) };
            }
            None => {
                let places = NonNull::slice_from_raw_parts(self.places, self.count);
                // SAFETY: `new` leaked exactly this boxed slice.
                drop(unsafe { Box::from_raw(places.as_ptr()) });
            }
        }
    }
}

/// The places as a loop's bodies see them.
struct Slots<'a, T> {
    cells: &'a [UnsafeCell<Option<T>>],
    _places: PhantomData<&'a mut T>,
}

// SAFETY: each place is written by the one body that runs its block; values move between threads.
unsafe impl<T: Send> Sync for Slots<'_, T> {}

impl<T> Slots<'_, T> {
    /// Writes a block's result.
    ///
    /// # Safety
    /// Nobody else touches the place of `index` meanwhile: the caller is the one body that its loop
    /// handed this index to.
    unsafe fn fill(&self, index: usize, value: T) {
        // SAFETY: as the caller promises.
        unsafe { *self.cells[index].get() = Some(value) };
    }
}
