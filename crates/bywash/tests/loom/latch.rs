//! A fork and its joiner, a task and its handle: who wakes, who reads, who drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::model::{Finished, Home, Idle, TaskLatch};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, thread};

struct Scene {
    idle: Idle,
    bed: Parker,
    fork: Home<()>,
    task: TaskLatch,
    result: UnsafeCell<u32>,
    /// Loom does not see it.
    dropped: AtomicUsize,
}

// SAFETY: the result is written before the latch says so and read after: what loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            idle: Idle::new(1, 0),
            bed: Parker::new(),
            fork: Home::new(&()),
            task: TaskLatch::new(),
            result: UnsafeCell::new(0),
            dropped: AtomicUsize::new(0),
        })
    }

    fn write(&self) {
        self.result.with_mut(|result| {
            // SAFETY: before the latch, the result is its writer's; loom checks it.
            unsafe { result.write(7) }
        });
    }

    fn read(&self) -> u32 {
        self.result.with(|result| {
            // SAFETY: after the latch, nobody writes; loom checks it.
            unsafe { result.read() }
        })
    }

    fn drop_result(&self) {
        assert_eq!(self.read(), 7);
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn wake(&self) {
        self.idle.wake_waiting(|_| Some(&self.bed));
    }
}

#[test]
fn a_joiner_sleeps_until_its_fork_is_done_and_reads_the_result() {
    model("latch::fork", BOUND, 50, || {
        let scene = Scene::new();
        let thief = Arc::clone(&scene);
        let thief = thread::spawn(move || {
            thief.write();
            thief.fork.finish();
            thief.wake();
        });
        while !scene.fork.is_finished() {
            scene
                .idle
                .sleep_in_wait(0, &scene.bed, || scene.fork.is_finished());
        }
        assert_eq!(scene.read(), 7);
        thief.join().unwrap();
    });
}

#[test]
fn a_fork_that_is_done_before_anybody_sleeps_is_read_all_the_same() {
    model("latch::fork_seen", BOUND, 3, || {
        // Nobody sleeps, so no lock of the futex orders anything.
        let scene = Scene::new();
        let thief = Arc::clone(&scene);
        let thief = thread::spawn(move || {
            thief.write();
            thief.fork.finish();
        });
        if scene.fork.is_finished() {
            assert_eq!(scene.read(), 7);
        }
        thief.join().unwrap();
    });
}

#[test]
fn a_handle_waits_for_its_task() {
    model("latch::task", BOUND, 50, || {
        let scene = Scene::new();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            worker.write();
            if worker.task.finish() == Finished::Waited {
                worker.wake();
            }
        });
        while !scene.task.is_done() {
            scene.task.expect_sleep();
            scene
                .idle
                .sleep_in_wait(0, &scene.bed, || scene.task.is_done());
        }
        assert_eq!(scene.read(), 7);
        worker.join().unwrap();
    });
}

#[test]
fn a_task_that_is_done_before_anybody_sleeps_is_read_all_the_same() {
    model("latch::task_seen", BOUND, 3, || {
        let scene = Scene::new();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            worker.write();
            worker.task.finish();
        });
        if scene.task.is_done() {
            assert_eq!(scene.read(), 7);
        }
        worker.join().unwrap();
    });
}

#[test]
fn the_second_of_handle_and_task_drops_the_result() {
    model("latch::abandon", BOUND, 3, || {
        let scene = Scene::new();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            worker.write();
            if worker.task.finish() == Finished::Abandoned {
                worker.drop_result();
            }
        });
        if scene.task.abandon() {
            scene.drop_result();
        }
        worker.join().unwrap();
        assert_eq!(
            scene.dropped.load(Ordering::Relaxed),
            1,
            "dropped exactly once"
        );
    });
}
