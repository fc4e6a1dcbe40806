//! How a block freed on another thread gets home: one word, and what becomes of it at the end.
//!
//! While its heap is in use the word is the head of a list. Any thread pushes with one
//! compare-and-swap, the owner takes the whole list with a swap, so there is no ABA. When the
//! owner or the pool leaves, that one replaces the empty list by the number of blocks still alive, an odd number
//! where a pointer would be even. From then on who frees a block counts down instead of pushing,
//! and who counts down to nothing releases the pages. A closed inbox never opens again.

use core::ptr::{self, NonNull};

use bywash_sync::atomic::{AtomicPtr, Ordering};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::{mutant, ordering};

/// What a free block begins with.
#[derive(Debug)]
pub struct Node {
    next: UnsafeCell<*mut Node>,
}

impl Node {
    /// The node of a free block, in front of `next`.
    pub(crate) fn new(next: *mut Node) -> Self {
        Self {
            next: UnsafeCell::new(next),
        }
    }

    pub(crate) fn next(&self) -> *mut Node {
        // SAFETY: read by whoever has the block: its freer before the push, its owner after the take.
        self.next.with(|next| unsafe { *next })
    }
}

/// Where other threads leave the blocks of one heap. Nothing but the word: it may be freed by
/// another thread as soon as this one has let go of its block.
#[derive(Debug)]
pub struct Inbox {
    word: AtomicPtr<Node>,
}

/// What a block that was given back has brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Given {
    /// The heap lives on; its memory is no longer the caller's to touch.
    Kept,
    /// It was the last block of a heap that was left: the caller frees its memory.
    Last,
}

impl Inbox {
    /// An open, empty inbox.
    #[must_use]
    pub fn new() -> Self {
        Self {
            word: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Gives a block back from a thread that does not own it. Lock-free; allocates nothing.
    ///
    /// # Safety
    /// The block belongs to this inbox's heap, was handed out, and is the caller's; after this it
    /// is not. `node` is valid for writes.
    pub unsafe fn give(&self, node: NonNull<Node>) -> Given {
        let mut head = self.word.load(Ordering::Relaxed);
        loop {
            let (new, given) = match closed(head) {
                None => {
                    // SAFETY: the block is the caller's until the exchange succeeds.
                    unsafe { node.write(Node::new(head)) };
                    (node.as_ptr(), Given::Kept)
                }
                Some(1) => (count(0), Given::Last),
                Some(alive) => (count(alive - 1), Given::Kept),
            };
            // Release: pairs with the Acquire of `take`, whose thread then reads the node, and
            // with the Acquire here of the thread that counts down last, which frees the memory.
            // (The exchanges that count form a release sequence, so the last one sees them all.)
            let success = if new == node.as_ptr() {
                ordering!(Release, "inbox.give.publish" => Relaxed)
            } else {
                ordering!(AcqRel, "inbox.give.count" => Relaxed)
            };
            match self
                .word
                .compare_exchange_weak(head, new, success, Ordering::Relaxed)
            {
                Ok(_) => return given,
                Err(found) => head = found,
            }
        }
    }

    /// Takes every block that was given back. Whoever has the heap's lists, before it closes.
    pub fn take(&self) -> Taken {
        if self.word.load(Ordering::Relaxed).is_null() {
            return Taken(ptr::null_mut());
        }
        // Acquire: pairs with the Release in `give`; the nodes are read next.
        let order = ordering!(Acquire, "inbox.take" => Relaxed);
        Taken(self.word.swap(ptr::null_mut(), order))
    }

    /// Leaves `alive` blocks to those who hold them. The first who leaves the heap, and once.
    ///
    /// `arrived` is told of each block that came home meanwhile. Returns `Last` if none is alive:
    /// then the heap is the caller's to free.
    pub fn close(&self, mut alive: usize, mut arrived: impl FnMut(NonNull<Node>)) -> Given {
        loop {
            for node in self.take() {
                alive -= 1;
                arrived(node);
            }
            // Release: pairs with the Acquire in `give` of the thread that counts down last; it
            // frees what the owner has written. Acquire is not needed: the list is empty.
            let order = ordering!(Release, "inbox.close" => Relaxed);
            let expected = if mutant("inbox.close.without_look") {
                self.word.load(Ordering::Relaxed)
            } else {
                ptr::null_mut()
            };
            let closed =
                self.word
                    .compare_exchange(expected, count(alive), order, Ordering::Relaxed);
            if closed.is_ok() {
                return if alive == 0 { Given::Last } else { Given::Kept };
            }
        }
    }
}

impl Inbox {
    /// Whether it is closed and every block home.
    pub(super) fn is_over(&self) -> bool {
        // Relaxed: true for ever once it is; whoever sees it touches no block.
        closed(self.word.load(Ordering::Relaxed)) == Some(0)
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// The word of a closed inbox: odd, so that it is no pointer to a node.
fn count(alive: usize) -> *mut Node {
    ptr::without_provenance_mut((alive << 1) | 1)
}

/// The blocks alive, if the inbox is closed.
fn closed(word: *mut Node) -> Option<usize> {
    (word.addr() & 1 == 1).then_some(word.addr() >> 1)
}

/// A list of free blocks: those that came home, or a class's.
#[derive(Debug)]
pub struct Taken(*mut Node);

impl Taken {
    /// The list that begins with `head`, which is the caller's to read.
    pub(super) fn from(head: *mut Node) -> Self {
        Self(head)
    }

    pub(super) fn head(&self) -> *mut Node {
        self.0
    }
}

impl Iterator for Taken {
    type Item = NonNull<Node>;

    fn next(&mut self) -> Option<NonNull<Node>> {
        let node = NonNull::new(self.0)?;
        // SAFETY: the list is the owner's since it was taken.
        self.0 = unsafe { node.as_ref() }.next();
        Some(node)
    }
}
