//! Trace files: valid, and with what happened in them.
#![cfg(feature = "trace")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use bywash::{Doing, JobSystem, WaitPolicy};
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// What `jobs` writes, read back.
fn events_of(jobs: &JobSystem, name: &str) -> Vec<Value> {
    let path = std::env::temp_dir().join(format!("bywash-{}-{name}.json", std::process::id()));
    jobs.write_trace(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["traceEvents"].as_array().unwrap().clone()
}

fn named<'a>(events: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["name"] == name)
}

fn time(event: &Value, field: &str) -> f64 {
    event[field].as_f64().unwrap()
}

#[test]
fn a_trace_holds_each_frame_and_each_job_inside_it() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    for _ in 0..3 {
        jobs.frame(|frame| (0..10).for_each(|_| frame.spawn_detached(|_| ())));
    }
    let events = events_of(&jobs, "jobs");
    let frames: Vec<_> = named(&events, "frame").collect();
    let inside = |event: &Value, frame: &Value| {
        let end = |event| time(event, "ts") + time(event, "dur");
        time(event, "ts") >= time(frame, "ts") && end(event) <= end(frame) + 0.001
    };
    assert_eq!(frames.len(), 3);
    assert_eq!(named(&events, "job").count(), 30);
    for frame in frames {
        let its = named(&events, "job").filter(|job| inside(job, frame));
        assert_eq!(its.count(), 10);
    }
}

#[test]
fn a_trace_names_threads_victims_and_sleeps() {
    let jobs = JobSystem::builder()
        .workers(2)
        .wait_policy(WaitPolicy::Power)
        .thread_name(|index| format!("painter \"{index}\""))
        .build()
        .unwrap();
    let mut stolen = false;
    while !stolen {
        jobs.frame(|frame| {
            let begun = AtomicBool::new(false);
            let here = frame.worker_index();
            let (_, there) = frame.join(
                |_| {
                    let mut looks = 0..1_000;
                    while !begun.load(Ordering::Acquire) && looks.next().is_some() {
                        std::thread::yield_now();
                    }
                },
                |ctx| {
                    begun.store(true, Ordering::Release);
                    ctx.worker_index()
                },
            );
            stolen = here != there;
        });
    }
    let events = events_of(&jobs, "steals");
    let names: Vec<_> = named(&events, "thread_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("painter \"")),
        "{names:?}"
    );
    let steal = named(&events, "steal").next().unwrap();
    assert_eq!(steal["ph"], "i");
    assert_eq!(steal["args"]["jobs"], 1);
    assert_ne!(steal["args"]["victim"], steal["args"]["worker"]);
    // The thief slept before it was woken for this.
    assert!(named(&events, "park").count() > 0);
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    assert!(jobs.write_trace(std::env::temp_dir()).is_err());
}

/// Counts the spans of one thread by their names.
struct Counting(ThreadId, Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Subscriber for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bywash")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if std::thread::current().id() == self.0 {
            let mut counts = self.1.lock().unwrap();
            *counts.entry(span.metadata().name()).or_default() += 1;
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn subscribers_of_tracing_see_frames_and_jobs_as_spans() {
    let counts: Arc<Mutex<BTreeMap<_, _>>> = Arc::default();
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    // The one seat is this thread's, where the subscriber is, once its own thread sleeps.
    let mut watch = jobs.stall_watch();
    while watch.look().any(|report| report.doing != Doing::Asleep) {
        std::thread::yield_now();
    }
    let counting = Counting(std::thread::current().id(), Arc::clone(&counts));
    // For all threads: what one of them caches of a scoped subscriber can be wrong for another.
    tracing::subscriber::set_global_default(counting).unwrap();
    jobs.frame(|frame| (0..10).for_each(|_| frame.spawn_detached(|_| ())));
    let counts = counts.lock().unwrap();
    assert_eq!(
        (counts.get("frame"), counts.get("job")),
        (Some(&1), Some(&10))
    );
}
