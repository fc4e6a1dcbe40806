//! The deque of Chase and Lev, as the scheduler asks for it: all jobs are shown as soon as they are pushed.
//!
//! Its indices only count up, and thieves take from below; so the owner keeps the height of its stack in a
//! word of its own. The newest job lies right below that height, the others below it one by one, and at the
//! bottom is what thieves took. When nothing is left, any height is right.
//!
//! A question makes the owner look around before its next job, and tell others at its next push. Unasked, a
//! push tells others when nothing was there before: nobody goes to sleep while something is.
//!
//! Of stolen jobs the newest stays in the owner's hand, on top of the stack, until it is popped or another job
//! is to come to lie on it: while it is there, the frame it belongs to does not end.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use bywash_deque::chase_lev::{self, Options, Stealer, Worker};
use bywash_sync::CachePadded;
use bywash_sync::atomic::{AtomicBool, Ordering};

use super::{Deque, Haul, Owner, Position, Sharing, Steal, TakeBack};
use crate::job::JobRef;

/// The deque of [`bywash_deque::chase_lev`], both ends.
pub(crate) struct ChaseLev {
    own: CachePadded<Own>,
    stealer: Stealer<JobRef>,
    is_asked: CachePadded<AtomicBool>,
}

/// What the owner alone touches.
struct Own {
    worker: Worker<JobRef>,
    height: Cell<Position>,
    /// What lies uppermost, if it is not in the deque.
    hand: Cell<Option<JobRef>>,
    /// Whether there is anybody to tell of new jobs.
    is_shared: Cell<bool>,
}

// SAFETY: `own` is touched through `ChaseLevOwner` alone, of which there is one at a time by the contract of
// `Deque::owner`, and what earlier ones did happens before; the rest is for all threads.
unsafe impl Sync for ChaseLev {}

/// Its owner's view. Neither `Send` nor `Sync`.
#[derive(Clone, Copy)]
pub(crate) struct ChaseLevOwner<'deque> {
    deque: &'deque ChaseLev,
    _not_send: PhantomData<*const ()>,
}

impl Default for ChaseLev {
    fn default() -> Self {
        // A frame's burst comes again with the next frame.
        let options = Options::lifo().initial_capacity(256).keep_capacity();
        let worker = options.build().expect("bywash: 256 jobs fit into memory");
        Self {
            stealer: worker.stealer(),
            own: CachePadded::new(Own {
                worker,
                height: Cell::new(0),
                hand: Cell::new(None),
                is_shared: Cell::new(true),
            }),
            is_asked: CachePadded::new(AtomicBool::new(false)),
        }
    }
}

impl Deque for ChaseLev {
    type Owner<'deque> = ChaseLevOwner<'deque>;

    #[inline(always)]
    unsafe fn owner(&self) -> Self::Owner<'_> {
        ChaseLevOwner {
            deque: self,
            _not_send: PhantomData,
        }
    }

    #[inline]
    fn ask(&self) {
        // Relaxed: advice; nothing is read on its strength. Written only if nobody has asked yet.
        if !self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(true, Ordering::Relaxed);
        }
    }

    fn front_label(&self) -> Option<*mut ()> {
        self.stealer.front_label()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.stealer.is_empty()
    }

    fn len(&self) -> usize {
        self.stealer.len()
    }
}

impl ChaseLevOwner<'_> {
    #[inline(always)]
    fn worker(&self) -> &Worker<JobRef> {
        &self.deque.own.worker
    }

    #[inline(always)]
    fn height(&self) -> &Cell<Position> {
        &self.deque.own.height
    }

    #[inline(always)]
    fn hand(&self) -> &Cell<Option<JobRef>> {
        &self.deque.own.hand
    }

    /// Shows what is in the owner's hand. Returns whether there was something.
    #[inline(always)]
    fn show_hand(&self) -> bool {
        let job = self.hand().take();
        job.into_iter().for_each(|job| self.show(job));
        job.is_some()
    }

    #[inline(always)]
    fn show(&self, job: JobRef) {
        let pushed = self.worker().push(job);
        pushed.expect("bywash: no maximum was set");
    }

    /// Pops the newest job, which lies right below the height; if there is none, the height is `otherwise`.
    #[inline(always)]
    fn pop_or_lower(&self, otherwise: Position) -> Option<JobRef> {
        let job = self.hand().take().or_else(|| self.worker().pop());
        self.height().set(match job {
            Some(_) => self.height().get() - 1,
            None => otherwise,
        });
        job
    }
}

impl Owner for ChaseLevOwner<'_> {
    type Deque = ChaseLev;

    #[inline(always)]
    fn push(self, job: JobRef) -> bool {
        let is_asked = self.is_asked();
        // A look: who takes the last job just now is awake, and comes here again.
        let is_first = self.worker().is_empty();
        self.show_hand();
        self.show(job);
        self.height().set(self.height().get() + 1);
        if is_asked {
            self.answer();
        }
        is_asked || is_first && self.is_shared()
    }

    #[inline(always)]
    fn pop(self, floor: Position, _tell: impl FnOnce()) -> Option<JobRef> {
        if self.position() <= floor {
            return None;
        }
        self.pop_or_lower(floor)
    }

    /// What is in the hand: anything else somebody may take, run and recycle.
    #[inline(always)]
    fn peek(self, floor: Position) -> Option<JobRef> {
        self.hand().get().filter(|_| self.position() > floor)
    }

    #[inline(always)]
    fn pop_if(self, address: NonNull<()>) -> bool {
        let in_hand = self.hand().get().map(JobRef::address);
        let newest = in_hand.or_else(|| self.worker().peek(0));
        newest == Some(address) && self.pop_or_lower(self.position()).is_some()
    }

    #[cold]
    fn take_back(self, address: NonNull<()>) -> TakeBack {
        self.show_hand();
        let mut newer = (0..).map_while(|newer| self.worker().peek(newer));
        match newer.position(|job| job == address) {
            Some(0) if self.pop_or_lower(self.position()).is_some() => TakeBack::Mine,
            Some(0) | None => TakeBack::Stolen,
            Some(newer) => TakeBack::Below(self.position() - newer),
        }
    }

    #[inline(always)]
    fn position(self) -> Position {
        self.height().get()
    }

    fn settle(self, floor: Position) {
        if self.position() > floor && self.hand().get().is_none() && self.worker().is_empty() {
            self.height().set(floor);
        }
    }

    fn above(self, floor: Position) -> impl Iterator<Item = NonNull<()>> {
        let in_hand = self.hand().get().map(JobRef::address);
        let shown = self.position() - floor - usize::from(in_hand.is_some());
        let shown = (0..shown).map_while(move |newer| self.worker().peek(newer));
        in_hand.into_iter().chain(shown)
    }

    #[inline(always)]
    fn expose(self) -> bool {
        self.show_hand()
    }

    fn expose_all(self) -> bool {
        self.show_hand()
    }

    #[inline(always)]
    fn is_asked(self) -> bool {
        self.deque.is_asked.load(Ordering::Relaxed)
    }

    fn answer(self) {
        self.deque.is_asked.store(false, Ordering::Relaxed);
    }

    fn steal_from(
        self,
        victim: &ChaseLev,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
    ) -> Steal<Haul> {
        self.show_hand();
        let mut label = null_mut();
        let wants = |of_oldest| {
            label = of_oldest;
            wants(of_oldest)
        };
        let stealer = &victim.stealer;
        match stealer.steal_batch_and_pop_if(self.worker(), most, wants) {
            chase_lev::Steal::Empty => {
                // Who is hungry says so: then the victim runs nothing in place, and tells of the next job.
                victim.ask();
                Steal::Empty
            }
            chase_lev::Steal::Retry => Steal::Retry,
            chase_lev::Steal::Taken(None) => Steal::Declined,
            chase_lev::Steal::Taken(Some((newest, others))) => {
                self.hand().set(Some(newest));
                let len = others + 1;
                self.height().set(self.height().get() + len);
                let left = victim.len();
                Steal::Taken(Haul { len, label, left })
            }
        }
    }

    /// Keeps its memory.
    #[inline(always)]
    fn rest(self) {}

    #[inline(always)]
    fn is_shared(self) -> bool {
        self.deque.own.is_shared.get()
    }

    fn set_sharing(self, sharing: Sharing) {
        self.deque.own.is_shared.set(sharing != Sharing::Off);
    }
}
