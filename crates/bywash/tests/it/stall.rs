//! Stall reports: who is stuck, where, and who is not.

use std::sync::mpsc::channel;
use std::time::Duration;

use bywash::{Doing, JobSystem, WorkerReport};

fn running(reports: impl Iterator<Item = WorkerReport>) -> Vec<WorkerReport> {
    reports
        .filter(|report| report.doing == Doing::Running)
        .collect()
}

#[test]
fn a_worker_inside_one_job_is_named_with_the_place_that_it_marked() {
    let jobs = JobSystem::builder().workers(3).build().unwrap();
    let mut watch = jobs.stall_watch();
    let (begun, begins) = channel();
    let (release, blocked) = channel::<()>();
    let line = line!() + 2;
    jobs.spawn_detached(move |ctx| {
        ctx.mark();
        begun.send(ctx.worker_index()).unwrap();
        blocked.recv().unwrap_err();
    });
    let stuck = begins.recv().unwrap();
    // The others fall asleep sooner or later; the one inside its job never gets on.
    let mut before = Duration::ZERO;
    let report = loop {
        let now = running(watch.look());
        let report = *now.iter().find(|report| report.worker == stuck).unwrap();
        assert!(report.since >= before);
        before = report.since;
        if now.len() == 1 && before > Duration::ZERO {
            break report;
        }
        std::thread::yield_now();
    };
    let place = report.marked.unwrap();
    assert!(place.file().ends_with("stall.rs"), "{place}");
    assert_eq!(place.line(), line);
    drop(release);
}

#[test]
fn a_worker_that_gets_on_between_two_looks_is_not_called_stuck() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let mut watch = jobs.stall_watch();
    jobs.frame(|frame| {
        // Each job looks: between two looks, one job ends and another begins.
        let watch = std::sync::Mutex::new(&mut watch);
        let watch = frame.alloc(watch);
        let watch = &*watch;
        for _ in 0..100 {
            frame.spawn_detached(move |_| {
                let mut watch = watch.lock().unwrap();
                let now = running(watch.look());
                assert_eq!(now.len(), 1);
                assert_eq!(
                    now[0].since,
                    Duration::ZERO,
                    "it got on since the last look"
                );
            });
        }
    });
}

#[test]
fn an_idle_system_sleeps_in_the_report() {
    let jobs = JobSystem::builder().workers(4).build().unwrap();
    let mut watch = jobs.stall_watch();
    while watch.look().any(|report| report.doing != Doing::Asleep) {
        std::thread::yield_now();
    }
    assert_eq!(watch.look().count(), 4);
}
