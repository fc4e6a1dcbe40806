//! The scheduler's protocols with more threads than loom can take, under shuttle's random schedules.

use std::sync::Arc;

use bywash::model::{Books, Home, Idle, Linked, Sums};
use bywash_sync::atomic::{AtomicU64, Ordering};
use bywash_sync::model::{SCHEDULES, random};
use bywash_sync::{Parker, thread};
use std::cell::Cell;
use std::ptr::NonNull;

/// Workers that sleep, search and take from one queue, until they are told to stop.
struct Crew {
    idle: Idle,
    queue: AtomicU64,
    done: AtomicU64,
    beds: Vec<Parker>,
}

impl Crew {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Idle::new(workers, 0),
            queue: AtomicU64::new(0),
            done: AtomicU64::new(0),
            beds: (0..workers).map(|_| Parker::new()).collect(),
        })
    }

    fn publish(&self, jobs: u64) {
        self.queue.fetch_add(jobs, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if self.idle.has_sleepers() {
            let seat = self
                .idle
                .free_seats()
                .find(|&seat| self.idle.take_seat(seat));
            seat.into_iter().for_each(|seat| self.beds[seat].unpark());
        }
    }

    fn take(&self) -> bool {
        let mut queued = self.queue.load(Ordering::Acquire);
        while queued != 0 {
            let taken = self.queue.compare_exchange(
                queued,
                queued - 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match taken {
                Ok(_) => return true,
                Err(now) => queued = now,
            }
        }
        false
    }

    /// As `Worker::work` does, with as many looks as patience has.
    fn work(&self) -> bool {
        self.idle.start_searching();
        let mut patience = 2;
        loop {
            let is_stopping = self.idle.is_stopping();
            if self.take() {
                if self.idle.stop_searching() && self.queue.load(Ordering::Relaxed) != 0 {
                    self.wake();
                }
                self.done.fetch_add(1, Ordering::Relaxed);
                self.idle.start_searching();
                patience = 2;
            } else if is_stopping || patience == 0 {
                self.idle.stop_searching();
                return is_stopping;
            } else {
                patience -= 1;
                thread::yield_now();
            }
        }
    }

    fn live(&self, seat: usize) {
        let mut is_over = false;
        while !is_over {
            self.beds[seat].park();
            is_over = self.work();
            self.idle.leave_seat(seat);
            let is_left = self.queue.load(Ordering::Relaxed) != 0 || self.idle.is_stopping();
            if is_left && self.idle.take_seat(seat) {
                self.beds[seat].unpark();
            }
        }
    }

    /// As the last handle's drop does.
    fn stop(&self) {
        self.idle.stop(|seat| self.beds[seat].unpark());
    }
}

#[test]
fn what_was_posted_is_done_when_the_last_worker_has_stopped() {
    for workers in [1, 4, 8] {
        random(SCHEDULES / 4, move || {
            let crew = Crew::new(workers);
            let threads: Vec<_> = (0..workers)
                .map(|seat| {
                    let crew = Arc::clone(&crew);
                    thread::spawn(move || crew.live(seat))
                })
                .collect();
            for _ in 0..5 {
                crew.publish(1);
            }
            crew.stop();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(crew.done.load(Ordering::Relaxed), 5, "a job was lost");
        });
    }
}

#[test]
fn sleepers_take_what_comes_without_being_stopped() {
    random(SCHEDULES, || {
        let crew = Crew::new(4);
        let threads: Vec<_> = (0..4)
            .map(|seat| {
                let crew = Arc::clone(&crew);
                thread::spawn(move || crew.live(seat))
            })
            .collect();
        crew.publish(3);
        crew.publish(2);
        while crew.done.load(Ordering::Relaxed) != 5 {
            thread::yield_now();
        }
        crew.stop();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn joiners_of_six_forks_sleep_until_each_is_done() {
    random(SCHEDULES, || {
        let scene = Arc::new((
            Idle::new(6, 0),
            (0..6).map(|_| Parker::new()).collect::<Vec<_>>(),
            (0..6).map(|_| Home::new(&())).collect::<Vec<_>>(),
        ));
        let joiners: Vec<_> = (0..6)
            .map(|seat| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    let (idle, beds, forks) = &*scene;
                    while !forks[seat].is_finished() {
                        idle.sleep_in_wait(seat, &beds[seat], || forks[seat].is_finished());
                    }
                })
            })
            .collect();
        let (idle, beds, forks) = &*scene;
        for (seat, fork) in forks.iter().enumerate() {
            fork.finish();
            idle.wake_waiting(|sleeper| (sleeper == seat).then(|| &beds[sleeper]));
        }
        for joiner in joiners {
            joiner.join().unwrap();
        }
    });
}

struct Node(Cell<*mut Node>);

impl Linked for Node {
    fn next(&self) -> &Cell<*mut Self> {
        &self.0
    }
}

// SAFETY: the link is the list's holder's.
unsafe impl Sync for Node {}
// SAFETY: as above.
unsafe impl Send for Node {}

#[test]
fn five_workers_and_three_continuations_meet_at_zero() {
    random(SCHEDULES, || {
        let nodes: Arc<Vec<Node>> = Arc::new(
            (0..3)
                .map(|_| Node(Cell::new(std::ptr::null_mut())))
                .collect(),
        );
        let sums = Arc::new((Sums::<Node>::new(std::ptr::null()), AtomicU64::new(0)));
        sums.0.count_spawned(std::ptr::null(), 5);
        let workers: Vec<_> = (0..5)
            .map(|worker| {
                let (sums, nodes) = (Arc::clone(&sums), Arc::clone(&nodes));
                thread::spawn(move || {
                    let started = |_| {
                        assert!(sums.0.is_zero(), "started before zero");
                        sums.1.fetch_add(1, Ordering::Relaxed);
                    };
                    if let Some(node) = nodes.get(worker) {
                        // SAFETY: the nodes are in place until everybody has ended.
                        unsafe { sums.0.add(NonNull::from(node), started) };
                    }
                    sums.0.count_done(1, || (), started);
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(sums.1.load(Ordering::Relaxed), 3, "a continuation was lost");
    });
}

#[test]
fn a_frame_with_seven_workers_ends_when_the_last_is_done() {
    random(SCHEDULES, || {
        let scene = Arc::new((Books::new(8), Idle::new(1, 0), Parker::new()));
        let (books, idle, bed) = &*scene;
        books.enrol(0);
        books.spawn(0, 7);
        let workers: Vec<_> = (1..8)
            .map(|worker| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    let (books, idle, bed) = &*scene;
                    books.enrol(worker);
                    books.execute(worker, 1);
                    if books.is_waited() {
                        idle.wake_waiting(|_| Some(bed));
                    }
                })
            })
            .collect();
        while !books.is_quiet() {
            books.expect_sleep();
            idle.sleep_in_wait(0, bed, || books.is_quiet());
            books.end_sleep();
        }
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
