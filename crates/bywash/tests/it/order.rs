//! In which order one worker runs what is spawned: newest first, oldest first, or both side by side.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use bywash::{Context, JobSystem, Priority};

/// Numbers in the order in which one worker's jobs noted them.
#[derive(Default)]
struct Notes(Mutex<Vec<u32>>);

impl Notes {
    fn note(&self, number: u32) {
        self.0.lock().unwrap().push(number);
    }

    fn spawn<'frame>(&'frame self, ctx: &Context<'frame>, priority: Priority, number: u32) {
        ctx.spawn_with_priority(priority, move |_| self.note(number));
    }

    fn read(self) -> Vec<u32> {
        self.0.into_inner().unwrap()
    }
}

fn one_worker() -> JobSystem {
    JobSystem::builder().workers(1).build().unwrap()
}

#[test]
fn normal_jobs_run_newest_first() {
    let notes = Notes::default();
    one_worker().frame(|frame| (0..10).for_each(|n| notes.spawn(frame, Priority::Normal, n)));
    assert_eq!(notes.read(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
}

#[test]
fn high_jobs_and_low_jobs_run_oldest_first() {
    for priority in [Priority::High, Priority::Low] {
        let notes = Notes::default();
        one_worker().frame(|frame| (0..10).for_each(|n| notes.spawn(frame, priority, n)));
        assert_eq!(notes.read(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "{priority:?}");
    }
}

#[test]
fn each_kind_keeps_its_order_beside_the_others() {
    let notes = Notes::default();
    one_worker().frame(|frame| {
        for n in 0..4 {
            notes.spawn(frame, Priority::Low, 20 + n);
            notes.spawn(frame, Priority::Normal, 10 + n);
            notes.spawn(frame, Priority::High, n);
        }
    });
    assert_eq!(
        notes.read(),
        [0, 1, 2, 3, 13, 12, 11, 10, 20, 21, 22, 23],
        "high, normal, low"
    );
}

#[test]
fn a_jobs_own_jobs_run_before_those_that_were_there() {
    let notes = Notes::default();
    let seen = &notes;
    one_worker().frame(|frame| {
        frame.spawn_detached(|_| seen.note(3));
        frame.spawn_detached(|ctx| {
            seen.note(0);
            ctx.spawn_detached(|_| seen.note(2));
            ctx.spawn_detached(|_| seen.note(1));
        });
    });
    assert_eq!(notes.read(), [0, 1, 2, 3]);
}

#[test]
fn the_tasks_of_a_batch_run_in_the_order_of_the_iterator() {
    let notes = Notes::default();
    let seen = &notes;
    one_worker().frame(|frame| {
        frame.spawn_batch((0..16).map(|n| move |_: &Context| seen.note(n)));
    });
    assert_eq!(notes.read(), (0..16).collect::<Vec<_>>());
}

#[test]
fn one_worker_reads_messages_in_the_order_in_which_they_came() {
    let jobs = one_worker();
    let (sender, receiver) = channel();
    for n in 0..1_000 {
        let sender = sender.clone();
        jobs.spawn_detached(move |_| sender.send(n).unwrap());
    }
    drop(sender);
    assert!(receiver.iter().eq(0..1_000));
}
