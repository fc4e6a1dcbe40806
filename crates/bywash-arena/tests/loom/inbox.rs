//! The inbox alone: giving, taking and closing, with every block accounted for.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash_arena::pool::model::{Given, Inbox, Node};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{mutant, thread};

/// A block: room for its node, and what its last holder wrote into it.
struct Block {
    node: UnsafeCell<Option<Box<std::mem::MaybeUninit<Node>>>>,
    payload: UnsafeCell<usize>,
}

/// One heap as far as its inbox is concerned.
struct Scene {
    inbox: Inbox,
    blocks: Vec<Block>,
    /// Written by the owner, and by whoever frees the heap.
    heap: UnsafeCell<usize>,
    /// How often the heap was freed; loom does not see it.
    freed: AtomicUsize,
}

// SAFETY: a block's cells are touched by its holder alone, the heap's by the owner and then by who
// frees it: exactly what loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(blocks: usize) -> Arc<Self> {
        let block = |_| Block {
            node: UnsafeCell::new(Some(Box::new(std::mem::MaybeUninit::uninit()))),
            payload: UnsafeCell::new(0),
        };
        Arc::new(Self {
            inbox: Inbox::new(),
            blocks: (0..blocks).map(block).collect(),
            heap: UnsafeCell::new(0),
            freed: AtomicUsize::new(0),
        })
    }

    fn node(&self, block: usize) -> NonNull<Node> {
        self.blocks[block].node.with(|node| {
            // SAFETY: nobody changes the option while the scene plays.
            let node = unsafe { &*node }.as_ref().expect("there until the end");
            NonNull::from(&**node).cast()
        })
    }

    /// Uses a block for the last time and gives it back.
    fn give(&self, block: usize) {
        // SAFETY: the block is this thread's; loom checks that nobody else touches it now.
        self.blocks[block]
            .payload
            .with_mut(|payload| unsafe { payload.write(block + 1) });
        // SAFETY: the block is this thread's, and its node is writable.
        if unsafe { self.inbox.give(self.node(block)) } == Given::Last {
            self.free();
        }
    }

    /// What came home, in no particular order; each block's payload is looked at.
    fn take(&self) -> Vec<usize> {
        let mut taken = Vec::new();
        for node in self.inbox.take() {
            let block = (0..self.blocks.len()).find(|&block| self.node(block) == node);
            let block = block.expect("a block of this heap's");
            self.look(block);
            taken.push(block);
        }
        taken
    }

    fn look(&self, block: usize) {
        // SAFETY: the block is the owner's again; loom checks it.
        let payload = self.blocks[block]
            .payload
            .with(|payload| unsafe { *payload });
        assert_eq!(
            payload,
            block + 1,
            "the block came home with what was written last"
        );
    }

    fn own(&self) {
        // SAFETY: the owner has not left; loom checks that nobody frees the heap now.
        self.heap.with_mut(|heap| unsafe { *heap += 1 });
    }

    /// Frees the heap: nobody else may touch it, or any block, any more.
    fn free(&self) {
        // SAFETY: nobody is left; loom checks it.
        self.heap.with_mut(|heap| unsafe { *heap = usize::MAX });
        for block in &self.blocks {
            // SAFETY: as above.
            block
                .payload
                .with_mut(|payload| unsafe { payload.write(0) });
        }
        self.freed.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_block_comes_home_with_what_was_written_last() {
    model(
        "inbox::a_block_comes_home_with_what_was_written_last",
        BOUND,
        10,
        || {
            let scene = Scene::new(1);
            let theirs = Arc::clone(&scene);
            let freer = thread::spawn(move || theirs.give(0));
            if mutant("canary.inbox.look_without_take") {
                scene.look(0);
            }
            let early = scene.take();
            freer.join().unwrap();
            let late = scene.take();
            assert_eq!(early.len() + late.len(), 1, "each block comes home once");
        },
    );
}

#[test]
fn two_threads_give_at_once() {
    model("inbox::two_threads_give_at_once", BOUND, 2000, || {
        let scene = Scene::new(3);
        let freers = [[0, 1], [2, 2]].map(|[first, second]| {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                scene.give(first);
                if second != first {
                    scene.give(second);
                }
            })
        });
        let mut home = scene.take();
        freers.into_iter().for_each(|freer| freer.join().unwrap());
        home.extend(scene.take());
        home.sort_unstable();
        assert_eq!(home, [0, 1, 2], "each block comes home once");
    });
}

#[test]
fn the_owner_leaves_while_blocks_come_home() {
    model(
        "inbox::the_owner_leaves_while_blocks_come_home",
        BOUND,
        4000,
        || {
            let scene = Scene::new(2);
            let freers = [0, 1].map(|block| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || scene.give(block))
            });
            scene.own();
            if scene.inbox.close(2, |_| {}) == Given::Last {
                scene.free();
            }
            freers.into_iter().for_each(|freer| freer.join().unwrap());
            assert_eq!(
                scene.freed.load(Ordering::Relaxed),
                1,
                "the heap is freed exactly once"
            );
        },
    );
}

#[test]
fn the_last_of_two_holders_frees_what_the_owner_left() {
    model(
        "inbox::the_last_of_two_holders_frees_what_the_owner_left",
        BOUND,
        6000,
        || {
            let scene = Scene::new(2);
            scene.own();
            let freers = [0, 1].map(|block| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || scene.give(block))
            });
            let taken = scene.take().len();
            scene.own();
            if scene.inbox.close(2 - taken, |_| {}) == Given::Last {
                scene.free();
            }
            freers.into_iter().for_each(|freer| freer.join().unwrap());
            assert_eq!(
                scene.freed.load(Ordering::Relaxed),
                1,
                "the heap is freed exactly once"
            );
        },
    );
}
