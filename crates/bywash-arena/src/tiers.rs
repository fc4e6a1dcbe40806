//! Memory for a kernel that must not fail: one tier after another, the nearest first.

use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::chunk::{CHUNK_ALIGN, ChunkSource, HeapChunks, NoChunk};

/// What happens when every buffer that was given is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exhausted {
    /// The allocation is refused, with an error that says what was left.
    #[default]
    Error,
    /// The arena grows by chunks from the heap, doubling, and keeps them for the next frame.
    Grow,
    /// Each overflow takes just what it needs from the heap, and the frame's end gives it back.
    Heap,
}

/// A chunk source over a caller's buffer, then a thread's arena, then a second buffer (usually on
/// the stack), then what [`Exhausted`] says.
///
/// ```
/// use bywash_arena::{Arena, Exhausted, Tiers};
/// use core::mem::MaybeUninit;
///
/// let thread = Arena::new(); // usually `arenas.for_current_thread()`
/// let mut given = [MaybeUninit::uninit(); 1024];
/// let mut stack = [MaybeUninit::uninit(); 512];
/// let tiers = Tiers::over(&mut given).then_arena(&thread).then_buffer(&mut stack);
/// let mut arena = Arena::with_source(tiers.exhausted(Exhausted::Heap));
///
/// let frame = arena.begin_frame();
/// assert_eq!(frame.alloc_slice_fill(10_000, 1.0f32).len(), 10_000);
/// frame.end(); // whichever tier served has it back
/// ```
pub struct Tiers<'buffer> {
    first: Buffer,
    arena: Option<&'buffer dyn Overflow>,
    second: Buffer,
    exhausted: Exhausted,
    /// The buffers are borrowed, to be written to.
    borrows: PhantomData<&'buffer mut [MaybeUninit<u8>]>,
}

/// A caller's bytes: a chunk that is out or not.
struct Buffer {
    bytes: NonNull<[u8]>,
    is_out: Cell<bool>,
}

/// Which tier a chunk outside the buffers is from; stands right before it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(align(16))]
enum Origin {
    Arena,
    Heap,
}

/// Bytes before a chunk for its origin.
const ORIGIN: usize = size_of::<Origin>();

/// An arena of any source, as a tier.
trait Overflow {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>>;
}

impl<S: ChunkSource> Overflow for Arena<S> {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.try_alloc_layout(layout).ok()
    }
}

impl Buffer {
    fn new(bytes: &mut [MaybeUninit<u8>]) -> Self {
        let skipped = bytes.as_ptr().align_offset(CHUNK_ALIGN).min(bytes.len());
        let bytes = &mut bytes[skipped..];
        let start = NonNull::from(&mut *bytes).cast();
        Self {
            bytes: NonNull::slice_from_raw_parts(start, bytes.len()),
            is_out: Cell::new(false),
        }
    }

    /// The whole buffer, if it is there and at least as large as asked.
    fn take(&self, layout: Layout) -> Option<NonNull<[u8]>> {
        let fits = layout.size() <= self.bytes.len() && layout.align() <= CHUNK_ALIGN;
        (fits && !self.is_out.replace(true)).then_some(self.bytes)
    }

    fn left(&self) -> usize {
        if self.is_out.get() {
            0
        } else {
            self.bytes.len()
        }
    }
}

impl Arena<Tiers<'_>> {
    /// An arena in a caller's buffer that refuses what does not fit; see [`Tiers`] for more.
    ///
    /// Its bookkeeping takes the first 48 bytes, and up to 15 before them for their alignment.
    ///
    /// ```
    /// use bywash_arena::Arena;
    /// use core::mem::MaybeUninit;
    ///
    /// let mut buffer = [MaybeUninit::uninit(); 1024];
    /// let mut arena = Arena::over(&mut buffer);
    /// assert_eq!(arena.alloc_slice_fill(100, 1u32).len(), 100);
    /// assert!(arena.try_alloc([0u8; 1024]).is_err());
    /// ```
    /// The buffer is the arena's while it lives:
    /// ```compile_fail,E0506
    /// use bywash_arena::Arena;
    /// use core::mem::MaybeUninit;
    /// let mut buffer = [MaybeUninit::uninit(); 1024];
    /// let arena = Arena::over(&mut buffer);
    /// buffer[0] = MaybeUninit::new(1);
    /// arena.alloc(1);
    /// ```
    #[must_use]
    pub fn over(buffer: &mut [MaybeUninit<u8>]) -> Arena<Tiers<'_>> {
        Arena::with_source(Tiers::over(buffer))
    }
}

impl<'buffer> Tiers<'buffer> {
    /// A caller's buffer, and nothing after it.
    #[must_use]
    pub fn over(buffer: &'buffer mut [MaybeUninit<u8>]) -> Self {
        let exhausted = Exhausted::Error;
        let second = Buffer::new(&mut []);
        Self {
            first: Buffer::new(buffer),
            arena: None,
            second,
            exhausted,
            borrows: PhantomData,
        }
    }

    /// Then chunks from an arena, such as a thread's. They return to it when its own frame or
    /// lease ends.
    #[must_use]
    pub fn then_arena<S: ChunkSource>(self, arena: &'buffer Arena<S>) -> Self {
        Self {
            arena: Some(arena),
            ..self
        }
    }

    /// Then a second buffer.
    #[must_use]
    pub fn then_buffer(self, buffer: &'buffer mut [MaybeUninit<u8>]) -> Self {
        Self {
            second: Buffer::new(buffer),
            ..self
        }
    }

    /// And then this.
    #[must_use]
    pub fn exhausted(self, exhausted: Exhausted) -> Self {
        Self { exhausted, ..self }
    }

    /// A chunk from `take`, with its origin before it.
    fn marked(
        origin: Origin,
        layout: Layout,
        take: impl FnOnce(Layout) -> Option<NonNull<u8>>,
    ) -> Option<NonNull<[u8]>> {
        if layout.align() > CHUNK_ALIGN {
            return None;
        }
        let size = layout.size().checked_add(ORIGIN)?;
        let start = take(Layout::from_size_align(size, CHUNK_ALIGN).ok()?)?;
        // SAFETY: the start of an allocation that is large and aligned enough.
        unsafe { start.cast::<Origin>().write(origin) };
        // SAFETY: the allocation is ORIGIN bytes longer than the chunk, and stays aligned.
        let chunk = unsafe { start.add(ORIGIN) };
        Some(NonNull::slice_from_raw_parts(chunk, layout.size()))
    }
}

// SAFETY: a buffer is borrowed for as long as the source lives, and is out at most once; an arena's
// bytes live as long as it is borrowed, which is as long; heap chunks are the heap's.
unsafe impl ChunkSource for Tiers<'_> {
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        self.acquire_between(layout, layout)
    }

    fn acquire_between(&self, least: Layout, wanted: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        if let Some(buffer) = self.first.take(least) {
            return Ok(buffer);
        }
        let from_arena = self.arena.and_then(|arena| {
            let take = |layout| arena.take(layout);
            let large = Self::marked(Origin::Arena, wanted, take);
            large.or_else(|| Self::marked(Origin::Arena, least, take))
        });
        if let Some(chunk) = from_arena.or_else(|| self.second.take(least)) {
            return Ok(chunk);
        }
        let none = NoChunk {
            left: self.first.left().max(self.second.left()),
            limit: self.first.bytes.len() + self.second.bytes.len(),
        };
        let heap = |layout| {
            let take = |layout| HeapChunks.acquire(layout).ok().map(NonNull::cast);
            Self::marked(Origin::Heap, layout, take)
        };
        match self.exhausted {
            Exhausted::Error => None,
            Exhausted::Grow => heap(wanted).or_else(|| heap(least)),
            Exhausted::Heap => heap(least),
        }
        .ok_or(none)
    }

    fn keeps_spare(&self) -> bool {
        self.exhausted != Exhausted::Heap
    }

    fn keeps_first(&self) -> bool {
        true
    }

    unsafe fn release(&self, chunk: NonNull<[u8]>) {
        for buffer in [&self.first, &self.second] {
            if buffer.is_out.get() && buffer.bytes.cast::<u8>() == chunk.cast::<u8>() {
                buffer.is_out.set(false);
                return;
            }
        }
        // SAFETY: not a buffer's, so `marked` made it, with its origin before it.
        let place = unsafe { chunk.cast::<u8>().sub(ORIGIN) }.cast::<Origin>();
        // SAFETY: as above.
        if unsafe { place.read() } == Origin::Heap {
            let start = NonNull::slice_from_raw_parts(place.cast::<u8>(), chunk.len() + ORIGIN);
            // SAFETY: the origin stands at the start of what the heap gave.
            unsafe { HeapChunks.release(start) };
        }
    }
}

impl fmt::Debug for Tiers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiers")
            .field("first", &self.first.bytes.len())
            .field("has_arena", &self.arena.is_some())
            .field("second", &self.second.bytes.len())
            .field("exhausted", &self.exhausted)
            .finish()
    }
}
