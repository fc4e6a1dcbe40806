//! Job memory that changes hands: a block has one user at a time, and none is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bywash::model::{Block, Books};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::thread;

struct Scene {
    books: Books,
    /// What lies in each block: its user's, as loom checks.
    contents: Vec<UnsafeCell<u32>>,
    /// Loom does not see it.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Which of the contents is whose, by the blocks' addresses.
    known: BTreeMap<usize, usize>,
    in_use: BTreeSet<usize>,
}

// SAFETY: the contents are the user's of the block: what loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(workers: usize) -> Arc<Self> {
        let books = Books::new(workers);
        (0..workers).for_each(|worker| books.enrol(worker));
        Arc::new(Self {
            books,
            contents: (0..16).map(|_| UnsafeCell::new(0)).collect(),
            seen: Mutex::default(),
        })
    }

    /// As a spawn does: takes a block and writes a closure there.
    #[track_caller]
    fn take(&self, worker: usize) -> Block {
        let block = self.books.take(worker);
        let mut seen = self.seen.lock().unwrap();
        let is_free = seen.in_use.insert(block.address());
        assert!(is_free, "a block was given to two");
        let next = seen.known.len();
        seen.known.entry(block.address()).or_insert(next);
        drop(seen);
        self.touch(&block);
        block
    }

    #[track_caller]
    fn touch(&self, block: &Block) {
        let content = self.seen.lock().unwrap().known[&block.address()];
        self.contents[content].with_mut(|content| {
            // SAFETY: the block is the caller's; loom checks it.
            unsafe { *content += 1 }
        });
    }

    /// As the run of a job does: takes the closure out and gives the block back.
    #[track_caller]
    fn finish(&self, worker: usize, block: Block) {
        self.touch(&block);
        self.seen.lock().unwrap().in_use.remove(&block.address());
        self.books.give(worker, block);
    }

    /// How many blocks there are.
    fn blocks(&self) -> usize {
        self.seen.lock().unwrap().known.len()
    }
}

/// Of so many blocks that a worker adopts, it keeps half in a magazine and passes half on in another.
const ADOPTED: usize = 4;

#[test]
fn a_block_that_is_passed_on_comes_after_its_last_use() {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    model("memory::pass", BOUND, 20, || {
        let scene = Scene::new(2);
        let blocks: Vec<_> = (0..ADOPTED).map(|_| scene.take(0)).collect();
        let thief = Arc::clone(&scene);
        let thief = thread::spawn(move || {
            for block in blocks {
                thief.finish(1, block);
            }
        });
        scene.take(0);
        scene.take(0);
        if scene.blocks() == ADOPTED {
            PASSED.fetch_add(1, Ordering::Relaxed);
        }
        thief.join().unwrap();
    });
    assert_ne!(
        PASSED.load(Ordering::Relaxed),
        0,
        "no block was passed on in time"
    );
}

#[test]
fn two_who_pass_magazines_on_lose_none() {
    model("memory::two_givers", 2, 200, || {
        let scene = Scene::new(3);
        let thieves: Vec<_> = (1..3)
            .map(|worker| {
                let blocks: Vec<_> = (0..ADOPTED).map(|_| scene.take(0)).collect();
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    for block in blocks {
                        scene.finish(worker, block);
                    }
                })
            })
            .collect();
        thieves.into_iter().for_each(|thief| thief.join().unwrap());
        (0..ADOPTED).for_each(|_| drop(scene.take(0)));
        assert_eq!(scene.blocks(), 2 * ADOPTED, "a magazine was lost");
    });
}

#[test]
fn of_two_who_have_no_block_left_one_takes_what_was_passed_on() {
    model("memory::two_takers", BOUND, 20, || {
        let scene = Scene::new(3);
        let blocks: Vec<_> = (0..ADOPTED).map(|_| scene.take(0)).collect();
        for block in blocks {
            scene.finish(1, block);
        }
        let other = Arc::clone(&scene);
        let other = thread::spawn(move || drop(other.take(2)));
        scene.take(0);
        other.join().unwrap();
        assert!(scene.blocks() < ADOPTED + 2, "one of them found it");
    });
}

#[test]
fn what_was_passed_on_in_one_frame_is_gone_in_the_next() {
    model("memory::next_frame", BOUND, 5, || {
        let scene = Scene::new(2);
        scene.books.spawn(0, ADOPTED as u64);
        let blocks: Vec<_> = (0..ADOPTED).map(|_| scene.take(0)).collect();
        let thief = Arc::clone(&scene);
        let thief = thread::spawn(move || {
            for block in blocks {
                thief.finish(1, block);
            }
            thief.books.execute(1, ADOPTED as u64);
        });
        if scene.books.is_quiet() {
            scene.books.close();
            scene.books.open();
            scene.books.turn(0);
            // The arena begins anew: a magazine of the last frame would name what it gives out now.
            (0..ADOPTED).for_each(|_| drop(scene.take(0)));
        }
        thief.join().unwrap();
    });
}
