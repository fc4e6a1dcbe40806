//! The door for threads that have no seat: jobs in the order in which they came.
//!
//! A letter's closure is written once, into a block of the inbox's own; blocks are kept, so that an
//! inbox that has seen its fullest moment does not ask the heap again.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::PoisonError;

use bywash_sync::atomic::{AtomicUsize, Ordering};
use bywash_sync::lock::{Mutex, MutexGuard};

use crate::context::Context;
use crate::memory::{self, CLASSES, class_of};

/// First in, first out.
pub(crate) struct Inbox {
    state: Mutex<State>,
    count: AtomicUsize,
}

struct State {
    letters: VecDeque<Letter>,
    /// Blocks that were used before, by class.
    spare: [Vec<Block>; CLASSES],
}

/// A job from outside. It runs in a root frame of its own; unread, its closure is dropped.
pub(crate) struct Letter(NonNull<Head>);

// SAFETY: what a letter holds is `Send`, by the bounds of `post` and `post_borrowing`.
unsafe impl Send for Letter {}

struct Block(NonNull<u8>);

// SAFETY: a spare block is memory and nothing else.
unsafe impl Send for Block {}

#[repr(C)]
struct Head {
    open: unsafe fn(NonNull<Head>, Option<(&Inbox, &Context<'_>)>),
}

#[repr(C)]
struct Written<F> {
    head: Head,
    body: ManuallyDrop<F>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let state = State {
            letters: VecDeque::new(),
            spare: std::array::from_fn(|_| Vec::new()),
        };
        Self {
            state: Mutex::new(state),
            count: AtomicUsize::new(0),
        }
    }

    /// Puts a job in. Takes a lock; allocates only if the inbox was never as full.
    pub(crate) fn post<F>(&self, body: F)
    where
        F: for<'frame> FnOnce(&Context<'frame>) + Send + 'static,
    {
        // SAFETY: a `'static` closure may be read whenever.
        unsafe { self.post_borrowing(body) };
    }

    /// Puts a job in that borrows from its sender.
    ///
    /// # Safety
    /// What `body` borrows must live until it was run or dropped.
    pub(crate) unsafe fn post_borrowing<F>(&self, body: F)
    where
        F: for<'frame> FnOnce(&Context<'frame>) + Send,
    {
        let mut state = self.lock();
        let spare = class_of::<Written<F>>().and_then(|class| state.spare[class].pop());
        let block = spare.map_or_else(new_block::<F>, |block| block.0.cast());
        let head = Head { open: open::<F> };
        // SAFETY: the block has room for this, and is used for nothing else.
        unsafe {
            block.write(Written {
                head,
                body: ManuallyDrop::new(body),
            })
        };
        state.letters.push_back(Letter(block.cast()));
        self.count.store(state.letters.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> Option<Letter> {
        if self.is_empty() {
            return None;
        }
        let mut state = self.lock();
        let letter = state.letters.pop_front();
        self.count.store(state.letters.len(), Ordering::Relaxed);
        letter
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letter {
    /// Runs the job; its block goes back to `inbox`, whence it came.
    pub(crate) fn read(self, inbox: &Inbox, context: &Context<'_>) {
        let letter = ManuallyDrop::new(self);
        // SAFETY: a letter's block begins with its head, until it is opened.
        let open = unsafe { letter.0.as_ref() }.open;
        // SAFETY: opened here and nowhere else, since the letter is not dropped.
        unsafe { open(letter.0, Some((inbox, context))) };
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        // SAFETY: a letter's block begins with its head, until it is opened.
        let open = unsafe { self.0.as_ref() }.open;
        // SAFETY: opened here and nowhere else: a letter that was read is not dropped.
        unsafe { open(self.0, None) };
    }
}

/// Takes the closure out, gives the block up, and runs the closure, or drops it.
///
/// # Safety
/// `head` begins a `Written<F>` from `post`; opened once.
unsafe fn open<F>(head: NonNull<Head>, reader: Option<(&Inbox, &Context<'_>)>)
where
    F: for<'frame> FnOnce(&Context<'frame>),
{
    // SAFETY: as the caller says; the closure is moved out, once.
    let written = unsafe { head.cast::<Written<F>>().read() };
    let body = ManuallyDrop::into_inner(written.body);
    match (reader, class_of::<Written<F>>()) {
        (Some((inbox, _)), Some(class)) => inbox.lock().spare[class].push(Block(head.cast())),
        // SAFETY: it came from `new_block::<F>`, or from a spare of the same layout.
        _ => unsafe { dealloc(head.as_ptr().cast(), layout_of::<F>()) },
    }
    if let Some((_, context)) = reader {
        body(context);
    }
}

/// The layout of a closure's block: its class's, or its own if it fits none.
fn layout_of<F>() -> Layout {
    match class_of::<Written<F>>() {
        Some(class) => memory::layout_of(class),
        None => Layout::new::<Written<F>>(),
    }
}

fn new_block<F>() -> NonNull<Written<F>> {
    let layout = layout_of::<F>();
    // SAFETY: the layout is not empty: it has room for a head.
    let block = unsafe { alloc(layout) };
    NonNull::new(block)
        .unwrap_or_else(|| handle_alloc_error(layout))
        .cast()
}

impl Drop for State {
    fn drop(&mut self) {
        for (class, spare) in self.spare.iter().enumerate() {
            for block in spare {
                // SAFETY: a spare of this class has its layout, and nobody uses it any more.
                unsafe { dealloc(block.0.as_ptr(), memory::layout_of(class)) };
            }
        }
    }
}
