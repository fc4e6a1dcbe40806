//! Who sleeps and whom a publication wakes: no wake-up is lost, no seat has two occupants.
//!
//! A queue is one word here; a deque would bring fences of its own and cover for a missing one.

use std::sync::Arc;

use bywash::model::{Called, Idle, Roll};
use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, mutant, thread};

/// A system, as far as sleep is concerned.
struct Scene {
    idle: Idle,
    queues: Vec<AtomicU64>,
    beds: Vec<Parker>,
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
        self.idle.is_stopping() || self.is_there(0) || self.is_there(1)
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

    fn is_there(&self, queue: usize) -> bool {
        self.queues[queue].load(Ordering::Relaxed) != 0
    }

    /// As a thread does that comes for what is in queue 0.
    fn live_until_taken(&self) {
        while !self.take(0) {
            self.leave(0);
            self.beds[0].park();
        }
    }

    /// As a wait on seat 0 does.
    fn sleep_until(&self, is_over: impl Fn() -> bool) {
        while !is_over() {
            self.idle.sleep_in_wait(0, &self.beds[0], &is_over);
        }
    }

    #[track_caller]
    fn assert_no_token_is_left(&self) {
        let is_left = self.beds[0].take_token();
        assert!(!is_left, "a token was given and not taken");
    }

    /// As `System::stop` does.
    fn stop(&self) {
        self.idle.stop(|seat| self.beds[seat].unpark());
    }

    /// As `System::deliver` does.
    fn deliver(&self) {
        self.queues[0].swap(1, Ordering::Relaxed);
        if self.idle.call(0) != Called::Up {
            self.beds[0].unpark();
        }
    }

    /// As `System::take_back` does.
    fn take_back(&self, seat: usize) -> bool {
        let was_taken = self.beds[seat].take_token();
        if was_taken {
            self.idle.leave_seat(seat);
        }
        was_taken
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
        let worker = thread::spawn(move || worker.live_until_taken());
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
                let stops = own.idle.is_stopping();
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
        scene.stop();
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
            while !worker.idle.is_stopping() {
                worker.leave(0);
                worker.beds[0].park();
            }
        });
        scene.stop();
        worker.join().unwrap();
    });
}

#[test]
fn whoever_sees_that_the_system_stops_sees_what_was_posted_before() {
    model("idle::stop_seen", BOUND, 5, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || {
            if worker.idle.is_stopping() {
                let seen = worker.queues[0].load(Ordering::Relaxed);
                assert_eq!(seen, 1, "a job was left behind");
            }
        });
        scene.queues[0].swap(1, Ordering::Relaxed);
        scene.stop();
        worker.join().unwrap();
    });
}

#[test]
fn a_letter_meets_an_occupant_that_leaves() {
    model("idle::letter_leaves", BOUND, 100, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let worker = Arc::clone(&scene);
        let worker = thread::spawn(move || worker.live_until_taken());
        scene.deliver();
        worker.join().unwrap();
    });
}

#[test]
fn a_letter_meets_an_occupant_that_is_about_to_sleep_in_a_wait() {
    model("idle::letter_waits", BOUND, 50, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let sender = Arc::clone(&scene);
        let sender = thread::spawn(move || sender.deliver());
        scene.sleep_until(|| scene.is_there(0));
        sender.join().unwrap();
        scene.assert_no_token_is_left();
    });
}

#[test]
fn a_token_for_a_thread_that_was_refused_is_taken_back_once() {
    model("idle::refused", BOUND, 50, || {
        let scene = Scene::new(1);
        let roll = Arc::new(Roll::new(1));
        let (starter, struck) = (Arc::clone(&scene), Arc::clone(&roll));
        let starter = thread::spawn(move || {
            struck.refuse_from(0);
            starter.take_back(0)
        });
        // As `System::rouse` does.
        assert!(scene.idle.take_seat(0));
        scene.beds[0].unpark();
        let took_back = !roll.will_come(0) && scene.take_back(0);
        let times = usize::from(took_back) + usize::from(starter.join().unwrap());
        assert_eq!(times, 1, "the token lies there for ever");
        assert!(scene.idle.take_seat(0), "callers can sit there");
    });
}

#[test]
fn whoever_looks_who_waits_sees_what_they_said_before() {
    model("idle::said", BOUND, 20, || {
        let scene = Scene::new(1);
        assert!(scene.idle.take_seat(0));
        let finisher = Arc::clone(&scene);
        let finisher = thread::spawn(move || {
            finisher.queues[0].swap(1, Ordering::Relaxed);
            finisher.idle.wake_waiting(|seat| {
                finisher.own.with(|own| {
                    // SAFETY: the sleeper writes no more before it is woken; loom checks it.
                    assert_eq!(unsafe { own.read() }, 1);
                });
                Some(&finisher.beds[seat])
            });
        });
        scene.use_own();
        let is_over = || scene.is_there(0);
        scene.idle.sleep_in_wait(0, &scene.beds[0], is_over);
        finisher.join().unwrap();
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
        scene.sleep_until(|| scene.is_there(0));
        finisher.join().unwrap();
        scene.assert_no_token_is_left();
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
        scene.sleep_until(|| scene.is_there(0) && scene.is_there(1));
        for waker in wakers {
            waker.join().unwrap();
        }
        scene.assert_no_token_is_left();
    });
}
