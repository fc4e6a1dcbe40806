//! Who sleeps and whom a publication wakes: no wake-up is lost, no seat has two occupants.
//!
//! A queue is one word here; a deque would bring fences of its own and cover for a missing one.

use std::sync::Arc;

use bywash::model::Idle;
use bywash_sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, mutant, thread};

/// A system, as far as sleep is concerned.
struct Scene {
    idle: Idle,
    queues: Vec<AtomicU64>,
    beds: Vec<Parker>,
    stopping: AtomicBool,
    /// What only the occupant of seat 0 touches.
    own: UnsafeCell<usize>,
}

// SAFETY: `own` is the occupant's, which is what loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Idle::new(seats, 0),
            queues: (0..2).map(|_| AtomicU64::new(0)).collect(),
            beds: (0..seats).map(|_| Parker::new()).collect(),
            stopping: AtomicBool::new(false),
            own: UnsafeCell::new(0),
        })
    }

    /// Makes work public and wakes as `System::wake_for` does.
    fn publish(&self, queue: usize) {
        // An exchange, since loom lets a plain store slip in before another thread's earlier one.
        self.queues[queue].swap(1, Ordering::Relaxed);
        if self.idle.has_sleepers() {
            self.wake_one();
        }
    }

    fn wake_one(&self) {
        let taken = self
            .idle
            .free_seats()
            .find(|&seat| self.idle.take_seat(seat));
        if let Some(seat) = taken {
            self.beds[seat].unpark();
        }
    }

    fn is_work_left(&self) -> bool {
        let is_there = |queue: &AtomicU64| queue.load(Ordering::Relaxed) != 0;
        self.stopping.load(Ordering::Relaxed) || self.queues.iter().any(is_there)
    }

    fn take(&self, queue: usize) -> bool {
        self.queues[queue].swap(0, Ordering::Relaxed) != 0
    }

    /// As `System::leave` does.
    fn leave(&self, seat: usize) {
        self.idle.leave_seat(seat);
        if mutant("canary.idle.no_last_look") {
            return;
        }
        if self.is_work_left() && self.idle.take_seat(seat) {
            self.beds[seat].unpark();
        }
    }

    fn use_own(&self) {
        self.own.with_mut(|own| {
            // SAFETY: the caller occupies seat 0; loom checks that nobody else does.
            let own = unsafe { &mut *own };
            *own += 1;
        });
    }
}

#[test]
fn a_publication_meets_a_worker_that_leaves() {
    model("idle::leaves", BOUND, 100, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            while !worker.take(0) {
                worker.leave(0);
                worker.beds[0].park();
            }
        });
        scene.publish(0);
        worker.join().unwrap();
    });
}

#[test]
fn a_publication_meets_a_worker_that_stops_searching() {
    model("idle::stops_searching", BOUND, 100, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        scene.idle.start_searching();
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            loop {
                let found = worker.take(0);
                worker.idle.stop_searching();
                if found {
                    return;
                }
                worker.leave(0);
                worker.beds[0].park();
                worker.idle.start_searching();
            }
        });
        scene.publish(0);
        worker.join().unwrap();
    });
}

#[test]
fn the_last_who_searched_answers_for_those_who_relied_on_it() {
    model("idle::finds", BOUND, 100, || {
        // Seat 0 searches and finds the work of queue 0, for good; seat 1 sleeps.
        let scene = Scene::new(2);
        assert!(scene.idle.take_seat(0));
        scene.idle.start_searching();
        scene.queues[0].store(1, Ordering::Relaxed);
        let sleeper = Arc::clone(&scene);
        let sleeper = thread::spawn(move || {
            sleeper.beds[1].park();
            assert!(sleeper.take(1), "woken for what is there");
        });
        let searcher = Arc::clone(&scene);
        let searcher = thread::spawn(move || {
            assert!(searcher.take(0));
            let was_last = searcher.idle.stop_searching();
            if was_last && searcher.is_work_left() && searcher.idle.has_sleepers() {
                searcher.wake_one();
            }
        });
        scene.publish(1);
        searcher.join().unwrap();
        sleeper.join().unwrap();
    });
}

#[test]
fn a_seat_has_one_occupant_at_a_time() {
    model("idle::one_occupant", 2, 500, || {
        // A calling thread and the seat's own want it; work comes meanwhile.
        let scene = Scene::new(1);
        let own = Arc::clone(&scene);
        let own = thread::spawn(move || {
            loop {
                own.beds[0].park();
                own.use_own();
                let stops = own.stopping.load(Ordering::Relaxed);
                own.queues[0].store(0, Ordering::Relaxed);
                own.leave(0);
                if stops {
                    return;
                }
            }
        });
        let caller = Arc::clone(&scene);
        let caller = thread::spawn(move || {
            if caller.idle.take_seat(0) {
                caller.use_own();
                caller.leave(0);
            }
        });
        scene.publish(0);
        caller.join().unwrap();
        scene.stopping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if scene.idle.take_seat(0) {
            scene.beds[0].unpark();
        }
        own.join().unwrap();
    });
}

#[test]
fn a_system_that_stops_meets_a_worker_that_leaves() {
    model("idle::stop", BOUND, 50, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            while !worker.stopping.load(Ordering::Relaxed) {
                worker.leave(0);
                worker.beds[0].park();
            }
        });
        scene.stopping.store(true, Ordering::Relaxed);
        if !mutant("canary.idle.stop_without_fence") {
            fence(Ordering::SeqCst);
        }
        if scene.idle.take_seat(0) {
            scene.beds[0].unpark();
        }
        worker.join().unwrap();
    });
}

#[test]
fn a_wait_meets_its_end() {
    model("idle::wait_ends", BOUND, 50, || {
        let scene = Scene::new(1);
        let finisher = Arc::clone(&scene);
        let finisher = thread::spawn(move || {
            finisher.queues[0].store(1, Ordering::Relaxed);
            finisher
                .idle
                .wake_waiting(|seat| Some(&finisher.beds[seat]));
        });
        while scene.queues[0].load(Ordering::Relaxed) == 0 {
            scene.idle.sleep_in_wait(0, &scene.beds[0], || {
                scene.queues[0].load(Ordering::Relaxed) != 0
            });
        }
        finisher.join().unwrap();
        assert!(
            !scene.beds[0].take_token(),
            "a token was given and not taken"
        );
    });
}

#[test]
fn two_wake_one_sleeper_and_give_one_token() {
    model("idle::two_wakers", 2, 100, || {
        let scene = Scene::new(1);
        let wakers: Vec<_> = (0..2)
            .map(|queue| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    scene.queues[queue].store(1, Ordering::Relaxed);
                    scene.idle.wake_waiting(|seat| Some(&scene.beds[seat]));
                })
            })
            .collect();
        let is_over = || {
            let is_there = |queue: &AtomicU64| queue.load(Ordering::Relaxed) != 0;
            scene.queues.iter().all(is_there)
        };
        while !is_over() {
            scene.idle.sleep_in_wait(0, &scene.beds[0], is_over);
        }
        for waker in wakers {
            waker.join().unwrap();
        }
        assert!(
            !scene.beds[0].take_token(),
            "a token was given and not taken"
        );
    });
}
