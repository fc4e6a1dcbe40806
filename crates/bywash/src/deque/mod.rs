//! What the scheduler asks of a deque: two traits, and the deque it runs on.
//!
//! `split` is the scheduler's own. `chase_lev` is the alternative that it is measured against: the same
//! sources, built as the package `bywash-on-chase-lev`, whose build sets `bywash_chase_lev`. There is no
//! feature, so that nobody's choice of features can change what the scheduler runs on
//! (`docs/decisions/410-two-deques-behind-two-traits.md`).

use std::ptr::NonNull;

use crate::job::JobRef;

#[cfg(bywash_chase_lev)]
mod chase_lev;
#[cfg(not(bywash_chase_lev))]
mod split;

#[cfg(bywash_chase_lev)]
pub(crate) use chase_lev::ChaseLev as JobDeque;
#[cfg(not(bywash_chase_lev))]
pub(crate) use split::Split as JobDeque;

pub(crate) use bywash_deque::split::{Haul, Position, Sharing, Steal, TakeBack};

/// What any thread may do with the deque of a seat.
pub(crate) trait Deque: Default + Send + Sync {
    /// The owner's view of it.
    type Owner<'deque>: Owner<Deque = Self>
    where
        Self: 'deque;

    /// The owner's view.
    ///
    /// # Safety
    /// Until the returned view is gone, no other view may be in use on another thread, and what
    /// earlier views did must happen before.
    unsafe fn owner(&self) -> Self::Owner<'_>;

    /// Makes the owner look around: at its next push or before its next job.
    fn ask(&self);

    /// The label of the oldest job that could be stolen: a look that may be out of date at once.
    fn front_label(&self) -> Option<*mut ()>;

    /// Whether nothing could be stolen just now.
    fn is_empty(&self) -> bool;

    /// How many jobs could be stolen just now.
    fn len(&self) -> usize;
}

/// What the occupant of a seat does with its deque: a stack, whose lower part others may take away.
///
/// A position is a height of that stack, what was taken away included.
pub(crate) trait Owner: Copy {
    /// Whose owner this is.
    type Deque;

    /// Puts `job` on top. Returns whether somebody may want to know.
    fn push(self, job: JobRef) -> bool;

    /// Takes the newest job off, unless the stack is down to `floor`; `None` also when all above it has
    /// been taken away. Calls `tell` if others may have overlooked what they could see before and can see
    /// again: it was hidden for a moment.
    fn pop(self, floor: Position, tell: impl FnOnce()) -> Option<JobRef>;

    /// The job that [`Owner::pop`] would give, if nobody can take it away meanwhile.
    fn peek(self, floor: Position) -> Option<JobRef>;

    /// Takes the job at `address` off if it is the very top.
    fn pop_if(self, address: NonNull<()>) -> bool;

    /// Comes back for the job at `address`, which was pushed and not popped since.
    fn take_back(self, address: NonNull<()>) -> TakeBack;

    /// The height of the stack.
    fn position(self) -> Position;

    /// Lowers an emptied stack to `floor`, so that what was taken away does not pile up.
    fn settle(self, floor: Position);

    /// The jobs from `floor` upwards that nobody took away, as far as can be told.
    fn above(self, floor: Position) -> impl Iterator<Item = NonNull<()>>;

    /// Shows the older half of what is hidden if nothing is shown. Returns whether somebody may want to
    /// know.
    fn expose(self) -> bool;

    /// The same with all of it, before the owner turns to something that may wait for it.
    fn expose_all(self) -> bool;

    /// Whether somebody [asked](Deque::ask) and was not answered.
    fn is_asked(self) -> bool;

    /// Before the owner pops a job and turns to it, if it was asked.
    fn answer(self);

    /// Takes the oldest jobs of `victim`, up to half of them and at most `most`, if `wants` accepts the
    /// label that all of them carry. They come to lie on top here, the newest uppermost.
    fn steal_from(
        self,
        victim: &Self::Deque,
        most: usize,
        wants: impl FnOnce(*mut ()) -> bool,
    ) -> Steal<Haul>;

    /// Called on a stack that may be empty: gives memory back bit by bit.
    fn rest(self);

    /// Whether there is anybody who could take something away.
    fn is_shared(self) -> bool;

    /// Says when to tell others of new jobs.
    fn set_sharing(self, sharing: Sharing);
}
