//! A frame's end: its owner sleeps until it is quiet, and then nobody touches its memory any more.

use std::sync::Arc;

use bywash::model::{Books, Idle};
use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, ordering, thread};

struct Scene {
    books: Books,
    idle: Idle,
    bed: Parker,
    /// How many jobs are public: what a deque would be.
    public: AtomicU64,
    /// The frame's memory: touched by its jobs, given back at its end.
    memory: UnsafeCell<u32>,
}

// SAFETY: the memory is the jobs' until the frame is quiet, and the owner's afterwards: what loom
// checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(workers: usize) -> Arc<Self> {
        let scene = Self {
            books: Books::new(workers),
            idle: Idle::new(1, 0),
            bed: Parker::new(),
            public: AtomicU64::new(0),
            memory: UnsafeCell::new(0),
        };
        scene.books.enrol(0);
        Arc::new(scene)
    }

    fn publish(&self) {
        let order = ordering!(Release, "canary.books.publish" => Relaxed);
        self.public.fetch_add(1, order);
    }

    fn steal(&self) -> bool {
        let public = self.public.load(Ordering::Acquire);
        let taken = |public| {
            self.public
                .compare_exchange(public, public - 1, Ordering::Acquire, Ordering::Relaxed)
        };
        public != 0 && taken(public).is_ok()
    }

    fn touch(&self) {
        self.memory.with(|memory| {
            // SAFETY: the frame is open while a job of it runs; loom checks it.
            let _seen = unsafe { memory.read() };
        });
    }

    /// As a worker ends its haul: counts, then looks whether the owner sleeps.
    fn execute(&self, worker: usize) {
        self.books.execute(worker, 1);
        self.tell();
    }

    fn tell(&self) {
        if self.books.is_waited() {
            self.idle.wake_waiting(|_| Some(&self.bed));
        }
    }

    fn end(&self) {
        while !self.books.is_quiet() {
            self.books.expect_sleep();
            self.idle
                .sleep_in_wait(0, &self.bed, || self.books.is_quiet());
            self.books.end_sleep();
        }
        self.memory.with_mut(|memory| {
            // SAFETY: the frame is quiet, so the memory is the owner's; loom checks it.
            unsafe { memory.write(1) }
        });
        self.books.close();
    }
}

#[test]
fn the_owner_sleeps_until_the_last_job_is_counted() {
    model("books::end", BOUND, 50, || {
        let scene = Scene::new(2);
        scene.books.spawn(0, 1);
        scene.publish();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            assert!(worker.steal());
            worker.books.enrol(1);
            worker.touch();
            worker.execute(1);
        });
        scene.end();
        worker.join().unwrap();
    });
}

#[test]
fn a_frame_that_was_never_slept_for_is_quiet_when_it_looks_so() {
    model("books::look", BOUND, 10, || {
        let scene = Scene::new(2);
        scene.books.spawn(0, 1);
        scene.publish();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            assert!(worker.steal());
            worker.books.enrol(1);
            worker.touch();
            worker.execute(1);
        });
        if scene.books.is_quiet() {
            scene.memory.with_mut(|memory| {
                // SAFETY: the frame is quiet, so the memory is the owner's; loom checks it.
                unsafe { memory.write(1) }
            });
        }
        worker.join().unwrap();
    });
}

#[test]
fn a_job_that_spawns_another_for_a_third_worker_is_not_overlooked() {
    model("books::three", 2, 200, || {
        let scene = Scene::new(3);
        scene.books.spawn(0, 1);
        let first = Arc::clone(&scene);
        let first = thread::spawn(move || {
            first.books.enrol(1);
            first.touch();
            first.books.spawn(1, 1);
            first.publish();
            first.execute(1);
        });
        let second = Arc::clone(&scene);
        let second = thread::spawn(move || {
            if second.steal() {
                second.books.enrol(2);
                second.touch();
                second.execute(2);
                return true;
            }
            false
        });
        if scene.books.is_quiet() {
            scene.memory.with_mut(|memory| {
                // SAFETY: the frame is quiet, so the memory is the owner's; loom checks it.
                unsafe { memory.write(1) }
            });
        }
        first.join().unwrap();
        if !second.join().unwrap() {
            scene.touch();
            scene.books.execute(0, 1);
        }
        scene.end();
    });
}

#[test]
fn a_worker_that_sees_its_share_outlived_has_its_memory_for_itself() {
    model("books::outlived", BOUND, 5, || {
        let scene = Scene::new(2);
        scene.books.enrol(1);
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            if worker.books.is_outlived(1) {
                worker.memory.with_mut(|memory| {
                    // SAFETY: the frame has ended, so the memory is its worker's; loom checks it.
                    unsafe { memory.write(1) }
                });
            }
        });
        // The owner writes to that memory last.
        scene.end();
        worker.join().unwrap();
    });
}

#[test]
fn two_workers_end_a_frame_between_them() {
    model("books::two", 2, 200, || {
        let scene = Scene::new(3);
        scene.books.spawn(0, 2);
        let workers: Vec<_> = (1..3)
            .map(|worker| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    scene.books.enrol(worker);
                    scene.touch();
                    scene.execute(worker);
                })
            })
            .collect();
        scene.end();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
