//! Where a job is: on which worker, in which frame. Every operation hangs on it.

use std::cell::Cell;
use std::marker::PhantomData;

use bywash_arena::Arena;

use crate::chunks::Chunks;
use crate::job::{Header, Run};
use crate::share::Share;
use crate::worker::Worker;

/// A running job's place: its worker and its frame. Spawning, waiting and allocating are its
/// methods; [`Frame`](crate::Frame) dereferences to it.
///
/// It stays on its thread (neither `Send` nor `Sync`): what a job captures cannot include another
/// job's context, so it uses its own, which it is given.
///
/// ```compile_fail,E0277
/// # let jobs = bywash::JobSystem::builder().workers(2).build().unwrap();
/// jobs.frame(|frame| frame.spawn_detached(|_| { frame.counter(); }));
/// ```
pub struct Context<'frame> {
    worker: &'frame Worker,
    share: &'static Share,
    _read_again: ReadAgain,
    _frame: PhantomData<InvariantOnThisThread<'frame>>,
}

/// What a shared reference to a cell leads to may change, and so is read again after each call. Nothing
/// changes here; but a worker kept in a register costs every function of a recursion a register to save,
/// which is more than a load.
type ReadAgain = Cell<()>;

/// Neither shorter nor longer than `'frame` will do, and no other thread.
type InvariantOnThisThread<'frame> = (fn(&'frame ()) -> &'frame (), *const ());

impl<'frame> Context<'frame> {
    #[inline(always)]
    pub(crate) fn new(worker: &'frame Worker, share: &'static Share) -> Self {
        Self {
            worker,
            share,
            _read_again: Cell::new(()),
            _frame: PhantomData,
        }
    }

    /// The same context, with its frame's lifetime named.
    ///
    /// # Safety
    /// The context is of the frame that lives for `'named`.
    #[inline(always)]
    pub(crate) unsafe fn in_frame<'named>(&self) -> &Context<'named> {
        // SAFETY: lifetimes do not change a type's layout; the caller vouches for the frame.
        unsafe { &*std::ptr::from_ref(self).cast() }
    }

    /// Its worker and its share of the frame, read once.
    #[inline(always)]
    pub(crate) fn parts(&self) -> (&'frame Worker, &'static Share) {
        (self.worker, self.share)
    }

    /// What a job that is spawned here begins with.
    #[inline(always)]
    pub(crate) fn header(&self, run: Run) -> Header {
        Header::new(run, self.share)
    }

    #[inline(always)]
    pub(crate) fn worker(&self) -> &'frame Worker {
        self.worker
    }

    #[inline(always)]
    pub(crate) fn share(&self) -> &'static Share {
        self.share
    }

    /// The index of the worker that runs this job: below [`JobSystem::seats`](crate::JobSystem::seats)
    /// for one of the system's own, at or above it for a guest. Costs a load. A job, or the second
    /// side of a `join`, that reads another index than where it was spawned has migrated.
    pub fn worker_index(&self) -> usize {
        self.worker.index()
    }

    /// This worker's arena of the frame: all its allocation forms, for values that live until the
    /// frame ends. Never blocks; asks the heap only for chunks that no earlier frame needed.
    #[inline(always)]
    pub fn arena(&self) -> &'frame Arena<Chunks> {
        self.share.arena()
    }

    /// Moves `value` into the frame's memory. Its `Drop` never runs; see
    /// [`Arena`] for boxes and vectors that do drop. A few instructions; never blocks.
    #[inline(always)]
    pub fn alloc<T>(&self, value: T) -> &'frame mut T {
        self.arena().alloc(value)
    }

    /// A slice of `len` values in the frame's memory, each made by `fill` from its index. The
    /// values' `Drop` never runs.
    #[inline]
    pub fn alloc_slice_fill_with<T>(
        &self,
        len: usize,
        fill: impl FnMut(usize) -> T,
    ) -> &'frame mut [T] {
        self.arena().alloc_slice_fill_with(len, fill)
    }

    /// A copy of `values` in the frame's memory.
    #[inline]
    pub fn alloc_slice_copy<T: Copy>(&self, values: &[T]) -> &'frame mut [T] {
        self.arena().alloc_slice_copy(values)
    }
}
