//! The private stack with the public ring, as the scheduler asks for it: calls are passed on, and a pop tells
//! when public jobs were hidden for a moment.

use std::ptr::NonNull;

use bywash_deque::split::{self, Core};

use super::{Deque, Haul, Owner, Position, Sharing, Steal, TakeBack};
use crate::job::JobRef;

/// The deque of [`bywash_deque::split`].
#[derive(Default)]
pub(crate) struct Split(Core<JobRef>);

/// Its owner's view.
#[derive(Clone, Copy)]
pub(crate) struct SplitOwner<'deque>(split::Owner<'deque, JobRef>);

impl Deque for Split {
    type Owner<'deque> = SplitOwner<'deque>;

    #[inline(always)]
    unsafe fn owner(&self) -> Self::Owner<'_> {
        // SAFETY: passed on to the caller, in the same words.
        SplitOwner(unsafe { self.0.owner() })
    }

    #[inline(always)]
    fn ask(&self) {
        self.0.ask();
    }

    #[inline(always)]
    fn front_label(&self) -> Option<*mut ()> {
        self.0.front_label()
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Owner for SplitOwner<'_> {
    type Deque = Split;

    #[inline(always)]
    fn push(self, job: JobRef) -> bool {
        self.0.push(job)
    }

    #[inline(always)]
    fn pop(self, floor: Position, tell: impl FnOnce()) -> Option<JobRef> {
        if self.0.peek(floor).is_some() {
            return self.0.pop(floor);
        }
        // What was public has come back, and goes out again but for this one.
        let job = self.0.pop(floor);
        if job.is_some() {
            tell();
        }
        job
    }

    #[inline(always)]
    fn peek(self, floor: Position) -> Option<JobRef> {
        self.0.peek(floor)
    }

    #[inline(always)]
    fn pop_if(self, address: NonNull<()>) -> bool {
        self.0.pop_if(address)
    }

    #[inline(always)]
    fn take_back(self, address: NonNull<()>) -> TakeBack {
        self.0.take_back(address)
    }

    #[inline(always)]
    fn position(self) -> Position {
        self.0.position()
    }

    #[inline(always)]
    fn settle(self, floor: Position) {
        self.0.settle(floor);
    }

    #[inline(always)]
    fn above(self, floor: Position) -> impl Iterator<Item = NonNull<()>> {
        self.0.above(floor)
    }

    #[inline(always)]
    fn expose(self) -> bool {
        self.0.expose()
    }

    #[inline(always)]
    fn expose_all(self) -> bool {
        self.0.expose_all()
    }

    #[inline(always)]
    fn is_asked(self) -> bool {
        self.0.is_asked()
    }

    #[inline(always)]
    fn answer(self) {
        self.0.answer();
    }

    #[inline(always)]
    fn steal_from(
        self,
        victim: &Split,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
    ) -> Steal<Haul> {
        self.0.steal_from(&victim.0, most, wants)
    }

    #[inline(always)]
    fn rest(self) {
        self.0.rest();
    }

    #[inline(always)]
    fn is_shared(self) -> bool {
        self.0.is_shared()
    }

    #[inline(always)]
    fn set_sharing(self, sharing: Sharing) {
        self.0.set_sharing(sharing);
    }
}
