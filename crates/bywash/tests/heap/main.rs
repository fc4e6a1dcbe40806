//! No heap allocation a job or a loop, and a frame's memory bounded by the jobs alive: counted by a global
//! allocator, hence a binary of its own with one test at a time. Not with feature `trace`, which keeps what
//! happened.
#![cfg(not(feature = "trace"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bywash::{Context, Granularity, JobSystem};

/// The system's allocator, counting calls and bytes.
struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tests that count take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What a kind of job is called, and a frame full of it.
type Kind = (&'static str, fn(&JobSystem));

/// Jobs in one frame of the steady state.
const JOBS: usize = 50_000;
/// Frames that together make a million jobs.
const FRAMES: usize = 20;

/// Heap calls during the last of many rounds of `FRAMES` frames: rounds are repeated until one is
/// free of calls, since which worker first meets which frame is up to the scheduler.
fn calls_in_the_steady_state(jobs: &JobSystem, frame: impl Fn(&JobSystem)) -> u64 {
    let mut calls = u64::MAX;
    for _ in 0..20 {
        let before = CALLS.load(Ordering::Relaxed);
        (0..FRAMES).for_each(|_| frame(jobs));
        calls = CALLS.load(Ordering::Relaxed) - before;
        if calls == 0 {
            break;
        }
    }
    calls
}

fn detached<const BYTES: usize>(jobs: &JobSystem) {
    let sum = AtomicUsize::new(0);
    jobs.frame(|frame| {
        let sum = &sum;
        for index in 0..JOBS {
            if BYTES == 0 {
                frame.spawn_detached(|_| ());
                continue;
            }
            let captured = [index as u8; BYTES];
            frame.spawn_detached(move |_| {
                if captured[BYTES - 1] != index as u8 {
                    sum.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 0);
}

fn counted(jobs: &JobSystem) {
    jobs.frame(|frame| {
        let group = frame.counter();
        for _ in 0..JOBS {
            frame.spawn_with_counter(group, |_| ());
        }
        frame.spawn_after(group, |_| ());
        frame.wait(group);
    });
}

fn with_handles(jobs: &JobSystem) {
    jobs.frame(|frame| {
        let mut sum = 0;
        for index in 0..JOBS / 10 {
            let handles: [_; 10] =
                std::array::from_fn(|step| frame.spawn_job(move |_| index + step));
            sum += handles
                .into_iter()
                .map(|handle| handle.wait(frame))
                .sum::<usize>();
        }
        assert!(sum > 0);
    });
}

fn joined(jobs: &JobSystem) {
    fn tree(ctx: &Context, leaves: usize) -> usize {
        if leaves == 1 {
            return 1;
        }
        let half = leaves / 2;
        let (a, b) = ctx.join(|ctx| tree(ctx, half), |ctx| tree(ctx, leaves - half));
        a + b
    }
    assert_eq!(jobs.frame(|frame| tree(frame, JOBS)), JOBS);
}

fn looped(jobs: &JobSystem) {
    let sum = AtomicUsize::new(0);
    let add = |index| {
        sum.fetch_add(index, Ordering::Relaxed);
    };
    jobs.frame(|frame| {
        for _ in 0..3 {
            frame.parallel_for_by(Granularity::Heavy, 0..1_000, add);
            frame.parallel_for_chunks(0..1_000, 7, |piece| piece.for_each(add));
            add(frame.parallel_sum(0..1_000, |index| index));
        }
    });
    assert_eq!(sum.into_inner(), 9 * 499_500);
}

#[test]
fn a_million_jobs_allocate_nothing_once_warm() {
    let _turn = TURN.lock().unwrap();
    for workers in [1, 2, 8] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let kinds: [Kind; 7] = [
            ("detached, nothing captured", detached::<0>),
            ("detached, 64 bytes", detached::<64>),
            ("detached, 1,024 bytes", detached::<1_024>),
            ("with a counter", counted),
            ("with a handle", with_handles),
            ("joined", joined),
            ("looped", looped),
        ];
        for (kind, frame) in kinds {
            assert_eq!(
                calls_in_the_steady_state(&jobs, frame),
                0,
                "{kind}, {workers} workers"
            );
        }
    }
}

/// Bytes asked from the heap while one frame runs `waves` waves of 1,000 jobs.
fn bytes_of_a_long_frame(jobs: &JobSystem, waves: usize) -> u64 {
    let before = BYTES.load(Ordering::Relaxed);
    let count = AtomicUsize::new(0);
    jobs.frame(|frame| {
        let count = &count;
        let group = frame.counter();
        for _ in 0..waves {
            for _ in 0..500 {
                frame.spawn_with_counter(group, move |ctx| {
                    ctx.spawn_with_counter(group, move |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                });
            }
            frame.wait(group);
        }
    });
    assert_eq!(count.into_inner(), waves * 500);
    BYTES.load(Ordering::Relaxed) - before
}

#[test]
fn ten_million_jobs_in_waves_need_the_memory_of_one_wave() {
    let _turn = TURN.lock().unwrap();
    for workers in [1, 2, 8] {
        let jobs = JobSystem::builder().workers(workers).build().unwrap();
        let bytes = bytes_of_a_long_frame(&jobs, 10_000);
        // A thousand jobs of 64 bytes on each worker that may hold them, with room to spare;
        // without recycling it would be 640 MB.
        assert!(bytes < 8 << 20, "{workers} workers: {bytes} bytes");
    }
}

#[test]
fn ten_thousand_loops_in_one_frame_need_the_memory_of_one() {
    let _turn = TURN.lock().unwrap();
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let before = BYTES.load(Ordering::Relaxed);
    jobs.frame(|frame| {
        for _ in 0..10_000 {
            frame.parallel_for_by(Granularity::Heavy, 0..2, |index| {
                std::hint::black_box(index);
            });
        }
    });
    let bytes = BYTES.load(Ordering::Relaxed) - before;
    // A descriptor takes 16 KiB, and each worker keeps up to three magazines of 64; without recycling
    // it would be 80 MiB.
    assert!(bytes < 8 << 20, "{bytes} bytes");
}

#[test]
#[ignore = "takes a minute; for the full run"]
fn a_hundred_million_jobs_in_waves_need_the_memory_of_one_wave() {
    let _turn = TURN.lock().unwrap();
    let jobs = JobSystem::builder().workers(2).build().unwrap();
    let bytes = bytes_of_a_long_frame(&jobs, 100_000);
    assert!(bytes < 8 << 20, "{bytes} bytes");
}
