//! Counters of one frame, used from frames nested in it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bywash::JobSystem;

#[test]
fn an_outer_frames_counter_can_be_waited_for_in_an_inner_frame() {
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let done = AtomicUsize::new(0);
        let done = &done;
        jobs.frame(|outer| {
            let group = outer.counter();
            for _ in 0..100 {
                outer.spawn_with_counter(group, move |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            outer.frame(|inner| {
                inner.wait(group);
                assert_eq!(done.load(Ordering::Relaxed), 100);
            });
        });
    }
}

#[test]
fn jobs_of_an_inner_frame_can_count_in_an_outer_ones_counter() {
    for workers in [1, 2, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let done = AtomicUsize::new(0);
        let done = &done;
        jobs.frame(|outer| {
            let group = outer.counter();
            outer.frame(|inner| {
                for _ in 0..100 {
                    inner.spawn_with_counter(group, move |_| {
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            outer.wait(group);
            assert_eq!(done.load(Ordering::Relaxed), 100);
        });
    }
}

#[test]
fn a_continuation_on_an_outer_frames_counter_is_refused_with_words() {
    let jobs = JobSystem::builder().workers(1).build().unwrap();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        jobs.frame(|outer| {
            let group = outer.counter();
            outer.spawn_with_counter(group, |_| ());
            outer.frame(|inner| inner.spawn_after(group, |_| ()));
        });
    }));
    let words = refused.unwrap_err();
    assert!(
        words
            .downcast_ref::<&str>()
            .unwrap()
            .contains("counter of its own frame")
    );
}

#[test]
fn a_job_that_waits_for_its_own_counter_panics_with_words() {
    for workers in [1, 4] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            jobs.frame(|frame| {
                let group = frame.counter();
                frame.spawn_with_counter(group, move |ctx| ctx.wait(group));
            });
        }));
        let words = panicked.unwrap_err();
        assert!(
            words
                .downcast_ref::<&str>()
                .unwrap()
                .contains("cannot become zero")
        );
    }
}
