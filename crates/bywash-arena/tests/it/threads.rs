//! Thread arenas: one handle, an arena for each thread, exclusive while leased.

use std::alloc::Layout;
use std::cell::RefCell;
use std::mem;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bywash_arena::{ChunkSource, HeapChunks, NoChunk, ThreadArena, ThreadArenas};

/// Counts the chunks that are alive, over all threads.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

// SAFETY: every chunk is the heap's.
unsafe impl ChunkSource for Alive {
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        let chunk = HeapChunks.acquire(layout)?;
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(chunk)
    }

    unsafe fn release(&self, chunk: NonNull<[u8]>) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: passed on under the same contract.
        unsafe { HeapChunks.release(chunk) };
    }
}

fn counted() -> (ThreadArenas<Alive>, Alive) {
    let alive = Alive::default();
    let source = alive.clone();
    (
        ThreadArenas::with_source(1 << 16, move || source.clone()),
        alive,
    )
}

#[test]
fn a_thread_gets_the_same_arena_again_and_again() {
    let (arenas, alive) = counted();
    let mut places = Vec::new();
    for _ in 0..100 {
        let arena = arenas.for_current_thread();
        assert_eq!(arena.used(), 0);
        assert!(arena.room() >= 1 << 16);
        places.push(std::ptr::from_ref(arena.alloc(1u64)).addr());
    }
    assert!(places.iter().all(|&place| place == places[0]));
    assert_eq!(alive.0.load(Ordering::SeqCst), 1);
    drop(arenas);
    assert_eq!(alive.0.load(Ordering::SeqCst), 0);
}

#[test]
fn a_second_lease_while_one_lives_is_another_arena() {
    let (arenas, _alive) = counted();
    let first = arenas.for_current_thread();
    let value = first.alloc(1u64);
    let second = arenas.clone().for_current_thread().capacity();
    let other = arenas.for_current_thread();
    let theirs = other.alloc(2u64);
    assert_ne!(std::ptr::from_ref(value), std::ptr::from_ref(theirs));
    assert_eq!((*value, *theirs, second > 0), (1, 2, true));
}

#[test]
fn two_handles_share_no_arena() {
    let (one, alive) = counted();
    let other = ThreadArenas::with_source(1 << 16, {
        let alive = alive.clone();
        move || alive.clone()
    });
    drop(one.for_current_thread());
    drop(other.for_current_thread());
    assert_eq!(alive.0.load(Ordering::SeqCst), 2);
    drop(one);
    assert_eq!(alive.0.load(Ordering::SeqCst), 1);
    let arena = other.for_current_thread();
    assert_eq!(*arena.alloc(3), 3);
}

#[test]
fn an_arena_is_freed_when_its_thread_ends() {
    let (arenas, alive) = counted();
    for _ in 0..4 {
        let arenas = arenas.clone();
        thread::spawn(move || {
            arenas.for_current_thread().alloc([0u8; 100_000]);
        })
        .join()
        .unwrap();
        assert_eq!(alive.0.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn arenas_of_threads_that_live_on_are_freed_with_the_handle() {
    let (arenas, alive) = counted();
    let (leased, wait_leased) = std::sync::mpsc::channel();
    let (dropped, wait_dropped) = std::sync::mpsc::channel::<()>();
    let theirs = arenas.clone();
    let thread = thread::spawn(move || {
        theirs.for_current_thread().alloc(1);
        drop(theirs);
        leased.send(()).unwrap();
        wait_dropped.recv().unwrap();
        // A new handle works on a thread that still remembers the old one.
        let again = ThreadArenas::new();
        assert_eq!(*again.for_current_thread().alloc(5), 5);
    });
    wait_leased.recv().unwrap();
    assert_eq!(alive.0.load(Ordering::SeqCst), 1);
    drop(arenas);
    assert_eq!(alive.0.load(Ordering::SeqCst), 0);
    dropped.send(()).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_forgotten_lease_is_freed_with_the_handle() {
    let (arenas, alive) = counted();
    let lease = arenas.for_current_thread();
    lease.alloc(1);
    mem::forget(lease);
    arenas.for_current_thread().alloc(2);
    assert_eq!(alive.0.load(Ordering::SeqCst), 2);
    drop(arenas);
    assert_eq!(alive.0.load(Ordering::SeqCst), 0);
}

#[test]
fn a_thread_locals_destructor_may_lease_an_arena() {
    static HANDLE: std::sync::LazyLock<ThreadArenas> = std::sync::LazyLock::new(ThreadArenas::new);
    static RAN: AtomicUsize = AtomicUsize::new(0);
    struct Late(RefCell<Option<ThreadArena<'static>>>);
    impl Drop for Late {
        fn drop(&mut self) {
            // The lease that was kept is still good, and so is a new one.
            let kept = self.0.get_mut().take().unwrap();
            assert_eq!(*kept.alloc(1), 1);
            assert_eq!(*HANDLE.for_current_thread().alloc(2), 2);
            RAN.fetch_add(1, Ordering::SeqCst);
        }
    }
    thread_local! {
        static BEFORE: Late = const { Late(RefCell::new(None)) };
        static AFTER: Late = const { Late(RefCell::new(None)) };
    }
    // Destructors run in the reverse order of first use: one of them after the arenas' own list.
    thread::spawn(|| {
        BEFORE.with(|late| late.0.replace(Some(HANDLE.for_current_thread())));
        AFTER.with(|late| late.0.replace(Some(HANDLE.for_current_thread())));
    })
    .join()
    .unwrap();
    assert_eq!(RAN.load(Ordering::SeqCst), 2);
}

#[test]
fn a_lease_that_panics_returns_empty() {
    let (arenas, _alive) = counted();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let arena = arenas.for_current_thread();
        arena.alloc([1u8; 1_000]);
        panic!("in the kernel");
    }));
    assert!(panicked.is_err());
    assert_eq!(arenas.for_current_thread().used(), 0);
}

#[test]
fn a_refused_first_chunk_is_an_error() {
    struct Nothing;
    // SAFETY: hands out nothing.
    unsafe impl ChunkSource for Nothing {
        fn acquire(&self, _: Layout) -> Result<NonNull<[u8]>, NoChunk> {
            Err(NoChunk { left: 0, limit: 0 })
        }

        unsafe fn release(&self, _: NonNull<[u8]>) {}
    }
    let arenas = ThreadArenas::with_source(4_096, || Nothing);
    assert!(arenas.try_for_current_thread().is_err());
}
