//! Sleep: everybody who is needed is woken, nobody else is, and who did not sleep leaves no trace.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use bywash::{JobSystem, WaitPolicy};

/// A policy without patience: whoever finds nothing sleeps.
fn impatient(workers: usize) -> JobSystem {
    JobSystem::builder()
        .workers(workers)
        .wait_policy(WaitPolicy::Power)
        .build()
        .unwrap()
}

#[test]
fn while_latency_is_critical_nobody_who_is_up_sleeps() {
    for workers in [1, 2, 4] {
        let jobs = impatient(workers);
        let critical = jobs.latency_critical();
        // Everybody has been woken by now, or is.
        jobs.broadcast(|_| ());
        let parked = || {
            (0..workers)
                .map(|worker| jobs.worker_stats(worker).parked)
                .sum::<u64>()
        };
        let (sender, receiver) = channel();
        let talk = |messages: usize| {
            for number in 0..messages {
                let sender = sender.clone();
                jobs.spawn_detached(move |_| sender.send(number).unwrap());
                assert_eq!(receiver.recv(), Ok(number));
            }
        };
        // Some were on their way to sleep when the stretch began.
        talk(1_000);
        let before = parked();
        talk(1_000);
        assert!(
            parked() - before <= workers as u64,
            "{} of {before}",
            parked()
        );
        drop(critical);
        let before = parked();
        while parked() == before {
            talk(1);
        }
    }
}

/// A message each way, `rounds` times: the worker sleeps and is woken in between.
fn ping(workers: usize, rounds: usize) {
    let jobs = impatient(workers);
    let (sender, receiver) = channel();
    for round in 0..rounds {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(round).unwrap());
        assert_eq!(receiver.recv(), Ok(round));
    }
}

/// One job up and one down, `rounds` times, each waited for by a worker that has nothing else.
fn count_up_and_down(workers: usize, rounds: usize) {
    let jobs = impatient(workers);
    let count = AtomicUsize::new(0);
    for _ in 0..rounds / 2 {
        jobs.frame(|frame| {
            let (up, down) = (frame.counter(), frame.counter());
            let count = &count;
            frame.spawn_with_counter(up, move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            frame.wait(up);
            assert_eq!(count.load(Ordering::Relaxed), 1);
            frame.spawn_with_counter(down, move |_| {
                count.fetch_sub(1, Ordering::Relaxed);
            });
            frame.wait(down);
            assert_eq!(count.load(Ordering::Relaxed), 0);
        });
    }
}

#[test]
fn a_message_is_never_slept_through() {
    for workers in [1, 2, 4] {
        ping(workers, 3_000);
    }
}

#[test]
fn a_count_goes_up_and_down_without_a_lost_wake_up() {
    for workers in [1, 2, 4] {
        count_up_and_down(workers, 10_000);
    }
}

#[test]
fn a_message_wakes_one_of_many_sleepers() {
    let jobs = impatient(8);
    let (sender, receiver) = channel();
    // Whoever wakes with the system's start is asleep again when a broadcast has passed.
    jobs.broadcast(|_| ());
    let before = jobs.stats().total;
    for round in 0..500 {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(round).unwrap());
        assert_eq!(receiver.recv(), Ok(round));
    }
    let after = jobs.stats().total;
    // Each message wakes one; who then leaves and finds the next message already there stays or is
    // woken once more.
    let woken = after.parked - before.parked;
    assert!(woken <= 2 * 500, "{woken} woken for 500 messages");
    assert!(woken >= 1);
}

#[test]
fn a_seat_that_a_caller_takes_and_leaves_wakes_no_thread() {
    let jobs = impatient(4);
    jobs.broadcast(|_| ());
    let before = jobs.stats().total;
    for _ in 0..10_000 {
        jobs.frame(|frame| frame.worker_index());
    }
    let after = jobs.stats().total;
    // Those whom the broadcast woke may still have been on their way.
    assert!(after.parked - before.parked <= 4);
    assert_eq!(after.wakes, before.wakes);
}

#[test]
#[ignore = "takes half a minute; for the full run"]
fn three_hundred_thousand_times_no_wake_up_is_lost() {
    for workers in [1, 2, 4] {
        ping(workers, 300_000);
        count_up_and_down(workers, 300_000);
    }
}
