//! Chunks: where memory comes from, when it is reused, when it goes back.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;

use bywash_arena::{Arena, ArenaError, ChunkSource, HeapChunks, NoChunk};

/// Counts what the heap is asked for, and refuses beyond a number of bytes.
pub(crate) struct Counted {
    pub(crate) acquired: Cell<usize>,
    pub(crate) released: Cell<usize>,
    pub(crate) left: Cell<usize>,
}

impl Counted {
    pub(crate) fn new(left: usize) -> Self {
        Self {
            acquired: Cell::new(0),
            released: Cell::new(0),
            left: Cell::new(left),
        }
    }
}

// SAFETY: every chunk is the heap's.
unsafe impl ChunkSource for &Counted {
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        let left = self.left.get();
        if layout.size() > left {
            return Err(NoChunk { left, limit: left });
        }
        self.left.set(left - layout.size());
        self.acquired.set(self.acquired.get() + 1);
        HeapChunks.acquire(layout)
    }

    unsafe fn release(&self, chunk: NonNull<[u8]>) {
        self.released.set(self.released.get() + 1);
        // SAFETY: passed on under the same contract.
        unsafe { HeapChunks.release(chunk) };
    }
}

#[test]
fn a_new_arena_takes_no_chunk() {
    let source = Counted::new(usize::MAX);
    let arena = Arena::with_source(&source);
    assert_eq!((arena.capacity(), arena.used(), arena.room()), (0, 0, 0));
    drop(arena);
    assert_eq!(source.acquired.get(), 0);
}

#[test]
fn a_reset_keeps_the_chunks_and_the_steady_state_takes_no_more() {
    let source = Counted::new(usize::MAX);
    let mut arena = Arena::with_source(&source);
    for _ in 0..3 {
        for size in [10, 3_000, 70_000, 5, 200_000, 64] {
            arena.alloc_slice_fill(size, 1u8);
        }
        arena.reset();
    }
    let acquired = source.acquired.get();
    let capacity = arena.capacity();
    for _ in 0..100 {
        for size in [10, 3_000, 70_000, 5, 200_000, 64] {
            arena.alloc_slice_fill(size, 1u8);
        }
        arena.reset();
    }
    assert_eq!(source.acquired.get(), acquired);
    assert_eq!(arena.capacity(), capacity);
    assert_eq!(arena.used(), 0);
    drop(arena);
    assert_eq!(source.released.get(), acquired);
}

#[test]
fn trim_returns_the_spare_chunks_and_leaves_those_in_use() {
    let source = Counted::new(usize::MAX);
    let mut arena = Arena::with_source(&source);
    for _ in 0..100 {
        arena.alloc([0u8; 1024]);
    }
    assert_eq!(arena.trim(), 0);
    arena.reset();
    let kept = arena.alloc(7);
    assert!(arena.trim() > 0);
    assert_eq!(*kept, 7);
    assert_eq!(source.acquired.get() - source.released.get(), 1);
}

#[test]
fn an_oversized_allocation_gets_its_own_chunk_and_small_ones_go_on_where_they_were() {
    let arena = Arena::new();
    let first = std::ptr::from_ref(arena.alloc(1u64));
    arena.alloc_slice_fill(1 << 20, 0u8);
    let second = std::ptr::from_ref(arena.alloc(2u64));
    assert_eq!(second.addr() - first.addr(), size_of::<u64>());
}

#[test]
fn a_source_that_refuses_is_an_error_that_says_what_was_left() {
    let source = Counted::new(5_000);
    let arena = Arena::with_source(&source);
    arena.alloc(1u8);
    let refused = arena.try_alloc_slice_fill(10_000, 0u8).unwrap_err();
    assert!(
        matches!(
            refused,
            ArenaError::Exhausted {
                requested: 10_000,
                ..
            }
        ),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("10000 bytes were asked for"),
        "{refused}"
    );
    // What fits is still served.
    assert!(arena.try_alloc_slice_fill(100, 0u8).is_ok());
}

#[test]
fn a_source_that_refuses_the_doubled_chunk_is_asked_for_the_bare_minimum() {
    let source = Counted::new(6_000);
    let arena = Arena::with_source(&source);
    arena.alloc_slice_fill(4_000, 0u8);
    assert!(arena.try_alloc_slice_fill(1_000, 0u8).is_ok());
    assert_eq!(source.acquired.get(), 2);
}

#[test]
fn an_arena_moves_to_another_thread_with_its_memory() {
    let mut arena = Arena::new();
    arena.alloc(1);
    let used = arena.used();
    let arena = std::thread::spawn(move || {
        arena.alloc(2);
        assert_eq!(arena.used(), used + 8);
        arena.reset();
        arena
    });
    assert_eq!(arena.join().unwrap().used(), 0);
}

#[test]
fn reserved_memory_is_there_before_it_is_used() {
    let source = Counted::new(usize::MAX);
    let arena = Arena::with_source(&source);
    arena.reserve(100_000).unwrap();
    assert!(arena.room() >= 100_000);
    for _ in 0..100 {
        arena.alloc([0u8; 1_000]);
    }
    assert_eq!(source.acquired.get(), 1);
}

#[test]
fn the_debug_output_says_what_is_used_and_held() {
    let arena = Arena::new();
    arena.alloc(1u64);
    let text = format!("{arena:?}");
    assert!(
        text.contains("used: 8") && text.contains("chunks: 1"),
        "{text}"
    );
}

/// Reads a byte of a frame that has ended. Run by the test below, in a process of its own.
#[cfg(bywash_asan)]
#[test]
#[ignore = "must die: started by the_sanitizer_sees_a_read_after_the_frame"]
fn reads_after_the_frame() {
    let mut arena = Arena::new();
    arena.alloc(0u64);
    let frame = arena.begin_frame();
    let place = std::ptr::from_ref(frame.alloc([1u64; 8]));
    frame.end();
    // SAFETY: not sound at all: the point of the test.
    assert_ne!(unsafe { place.read_volatile() }[0], 0);
}

#[cfg(bywash_asan)]
#[test]
fn the_sanitizer_sees_a_read_after_the_frame() {
    let program = std::env::current_exe().unwrap();
    let child = std::process::Command::new(program)
        .args([
            "memory::reads_after_the_frame",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&child.stderr);
    assert!(
        !child.status.success() && report.contains("use-after-poison"),
        "{report}"
    );
}
