//! What bodies cost: remembered by worker, so that the next loop of the same body need not guess.

use std::cell::Cell;
use std::ptr::null;

/// Bodies remembered at a time; a newer one takes the place of another with the same low bits.
const PLACES: usize = 64;

/// Nanoseconds an item, by body. A guess by nature: two bodies may share code, one may vary.
pub(crate) struct LoopCosts {
    places: [Cell<(*const (), f64)>; PLACES],
}

impl LoopCosts {
    pub(crate) fn new() -> Self {
        Self {
            places: [const { Cell::new((null(), 0.0)) }; PLACES],
        }
    }

    fn place(&self, body: *const ()) -> &Cell<(*const (), f64)> {
        &self.places[(body.addr() >> 4) % PLACES]
    }

    /// What an item of `body` cost, if that was seen.
    #[inline]
    pub(crate) fn nanos_an_item(&self, body: *const ()) -> Option<f64> {
        let (key, nanos) = self.place(body).get();
        std::ptr::eq(key, body).then_some(nanos)
    }

    /// An item of `body` was seen to cost this: older experience counts for half.
    #[inline]
    pub(crate) fn learn(&self, body: *const (), seen: f64) {
        let nanos = self
            .nanos_an_item(body)
            .map_or(seen, |known| (known + seen) / 2.0);
        self.place(body).set((body, nanos));
    }
}
