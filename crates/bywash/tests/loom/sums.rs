//! A counter's sums: zero is a moment at which nothing was left, and nobody who came for it is missed.

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::model::{Idle, Linked, Sums};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, thread};

/// A continuation: a link, what its maker wrote, and how often it was started.
struct Node {
    next: Cell<*mut Node>,
    payload: UnsafeCell<u32>,
    /// Loom does not see it.
    started: AtomicUsize,
}

// SAFETY: link and payload are the holder's, which loom checks of the payload.
unsafe impl Sync for Node {}

impl Linked for Node {
    fn next(&self) -> &Cell<*mut Self> {
        &self.next
    }
}

impl Node {
    fn new() -> Self {
        Self {
            next: Cell::new(null_mut()),
            payload: UnsafeCell::new(0),
            started: AtomicUsize::new(0),
        }
    }
}

struct Scene {
    sums: Sums<Node>,
    idle: Idle,
    bed: Parker,
    nodes: Vec<Node>,
    /// What the jobs did.
    work: Vec<UnsafeCell<u32>>,
    /// Whether node 1 came after job 1.
    is_second_late: bool,
}

// SAFETY: a job's work is written before it is counted as done and read at zero: what loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

const OWNER: *const () = std::ptr::without_provenance(8);
const OTHER: *const () = std::ptr::without_provenance(16);

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self::with(false))
    }

    fn with(is_second_late: bool) -> Self {
        Self {
            sums: Sums::new(OWNER),
            idle: Idle::new(1, 0),
            bed: Parker::new(),
            nodes: (0..2).map(|_| Node::new()).collect(),
            work: (0..2).map(|_| UnsafeCell::new(0)).collect(),
            is_second_late,
        }
    }

    /// One job: its work, then its count.
    fn run(&self, job: usize) {
        self.work[job].with_mut(|work| {
            // SAFETY: the job is run by one thread; nobody reads before it is counted.
            unsafe { work.write(1) }
        });
        self.sums.count_done(
            1,
            || self.idle.wake_waiting(|_| Some(&self.bed)),
            |node| self.start(node),
        );
    }

    #[track_caller]
    fn see(&self, job: usize) {
        let done = self.work[job].with(|work| {
            // SAFETY: the sums were zero, so the job is done; loom checks it.
            unsafe { work.read() }
        });
        assert_eq!(done, 1, "at zero, every job is done");
    }

    fn start(&self, node: NonNull<Node>) {
        // SAFETY: nodes live as long as the scene.
        let node = unsafe { node.as_ref() };
        assert_eq!(
            node.started.fetch_add(1, Ordering::Relaxed),
            0,
            "started twice"
        );
        let payload = node.payload.with(|payload| {
            // SAFETY: written before the node was put on the list; loom checks it.
            unsafe { payload.read() }
        });
        assert_eq!(payload, 5);
        if self.is_second_late && std::ptr::eq(node, &raw const self.nodes[1]) {
            self.see(1);
        }
    }

    fn add(&self, node: usize) {
        let node = &self.nodes[node];
        node.payload.with_mut(|payload| {
            // SAFETY: not on the list yet.
            unsafe { payload.write(5) }
        });
        // SAFETY: the node is in place until the scene goes.
        unsafe { self.sums.add(NonNull::from(node), |node| self.start(node)) };
    }

    #[track_caller]
    fn finish(&self, nodes: usize) {
        for node in &self.nodes[..nodes] {
            assert_eq!(
                node.started.load(Ordering::Relaxed),
                1,
                "a continuation was lost"
            );
        }
    }
}

#[test]
fn a_wait_ends_at_zero_and_sees_what_the_jobs_did() {
    model("sums::wait", 2, 200, || {
        let scene = Scene::new();
        scene.sums.count_spawned(OWNER, 2);
        let workers: Vec<_> = (0..2)
            .map(|job| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || scene.run(job))
            })
            .collect();
        while !scene.sums.is_zero() {
            scene.sums.add_waiter();
            scene
                .idle
                .sleep_in_wait(0, &scene.bed, || scene.sums.is_zero());
            scene.sums.remove_waiter();
        }
        scene.see(0);
        scene.see(1);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn zero_seen_without_sleep_is_zero() {
    model("sums::look", BOUND, 20, || {
        // A job spawns another before it is done itself: no look may fall between.
        let scene = Scene::new();
        scene.sums.count_spawned(OWNER, 1);
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            worker.sums.count_spawned(OTHER, 1);
            worker.run(0);
            worker.run(1);
        });
        if scene.sums.is_zero() {
            scene.see(0);
            scene.see(1);
        }
        worker.join().unwrap();
    });
}

#[test]
fn a_continuation_meets_the_last_job() {
    model("sums::continuation", BOUND, 50, || {
        let scene = Scene::new();
        scene.sums.count_spawned(OWNER, 1);
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || worker.run(0));
        scene.add(0);
        worker.join().unwrap();
        scene.finish(1);
    });
}

#[test]
fn two_continuations_meet_two_jobs() {
    model("sums::two_continuations", 2, 500, || {
        let scene = Scene::new();
        scene.sums.count_spawned(OWNER, 2);
        let workers: Vec<_> = (0..2)
            .map(|job| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    if job == 1 {
                        scene.add(1);
                    }
                    scene.run(job);
                })
            })
            .collect();
        scene.add(0);
        for worker in workers {
            worker.join().unwrap();
        }
        scene.finish(2);
    });
}

#[test]
fn a_counter_that_counts_again_keeps_late_continuations_for_the_second_zero() {
    model("sums::again", BOUND, 200, || {
        // While the first zero's list is taken, the owner spawns a second job, asks for something
        // to go after it, and runs it.
        let scene = Arc::new(Scene::with(true));
        scene.sums.count_spawned(OWNER, 1);
        scene.add(0);
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || worker.run(0));
        scene.sums.count_spawned(OWNER, 1);
        scene.add(1);
        scene.run(1);
        worker.join().unwrap();
        scene.finish(2);
    });
}
