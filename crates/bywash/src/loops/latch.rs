//! What ends a loop: one word that knows when its units are done, one that knows who holds it.

use bywash_sync::atomic::{AtomicU32, AtomicU64, Ordering};
use bywash_sync::{mutant, ordering};

/// One participant; the units that are left are below it.
const HAND: u64 = 1 << 40;

/// Somebody may sleep until the loop is over.
const WAITED: u64 = 1 << 63;

/// Units that are not done, how many took part, and whether somebody sleeps until all is done.
pub struct LoopLatch(AtomicU64);

impl LoopLatch {
    /// A loop of so many units, none of them done.
    pub fn new(units: u32) -> Self {
        Self(AtomicU64::new(units.into()))
    }

    /// A participant has done so many units. Returns whether the loop is over by that, and its
    /// caller may sleep and has to be woken.
    pub fn count_done(&self, units: u64) -> bool {
        // Release: pairs with the Acquire in `is_over`; the caller then sees what the bodies did. The
        // counts of other participants continue it.
        let order = ordering!(Release, "loop.done" => Relaxed);
        let before = self.0.fetch_add(HAND - units, order);
        before % HAND == units && before & WAITED != 0 && !mutant("loop.done.wake")
    }

    /// Whether every unit is done; what the bodies did is then visible.
    pub fn is_over(&self) -> bool {
        // Acquire: pairs with the Release in `count_done`.
        let order = ordering!(Acquire, "loop.is_over" => Relaxed);
        self.0.load(order).is_multiple_of(HAND)
    }

    /// The caller is about to sleep.
    pub fn expect_sleep(&self) {
        // Relaxed: the last participant's addition reads this very word; if it came first, the look
        // that follows sees that the loop is over.
        self.0.fetch_or(WAITED, Ordering::Relaxed);
    }

    /// How many took part. Exact once the loop is over.
    pub(super) fn hands(&self) -> u64 {
        (self.0.load(Ordering::Relaxed) & !WAITED) / HAND
    }
}

/// The tickets of a loop, and how many hold its descriptor: its caller, and each ticket until it has
/// gone.
pub struct Tickets {
    holders: AtomicU32,
    /// Not given out yet.
    left: AtomicU32,
}

impl Tickets {
    /// So many tickets, none given out; the caller holds the descriptor.
    pub fn new(tickets: u32) -> Self {
        Self {
            holders: AtomicU32::new(1),
            left: AtomicU32::new(tickets),
        }
    }

    /// Gives a ticket out, if one is left. The one who asks holds the descriptor.
    pub fn give_out(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        let order = Ordering::Relaxed;
        let is_given = self.left.fetch_update(order, order, one_less).is_ok();
        if is_given {
            // Relaxed: the descriptor cannot go meanwhile, and the ticket takes the way of jobs.
            self.holders.fetch_add(1, Ordering::Relaxed);
        }
        is_given
    }

    /// Nobody else needs to come.
    pub(super) fn close(&self) {
        self.left.store(0, Ordering::Relaxed);
    }

    /// One lets go. Returns whether it was the last, whose the descriptor is now.
    pub fn let_go(&self) -> bool {
        // Release: pairs with the Acquire below: its use of the descriptor comes before the end of that.
        let order = ordering!(Release, "loop.let_go" => Relaxed);
        let is_last = self.holders.fetch_sub(1, order) == 1;
        if is_last {
            // Acquire: pairs with the Release above, of everybody who let go before. A load, since
            // ThreadSanitizer knows no fences.
            let order = ordering!(Acquire, "loop.let_go.last" => Relaxed);
            self.holders.load(order);
        }
        is_last
    }
}
