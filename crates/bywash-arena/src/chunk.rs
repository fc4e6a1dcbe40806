//! Where an arena's memory comes from, and the header that each chunk carries.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

use bumpalo::Bump;

/// A source of the large pieces of memory that an arena bumps through.
///
/// Implement it to place an arena's memory: on one NUMA node, in huge pages, in a fixed buffer.
/// An arena calls it on its cold path only, from the thread that uses the arena.
///
/// # Safety
/// A chunk that `acquire` returned must be valid for reads and writes of its whole length, aligned
/// as asked, at least as long as asked, and used by nobody else, until it is passed to `release`
/// or, if the arena is forgotten, for ever. A source that moves must not move its chunks.
pub unsafe trait ChunkSource {
    /// Hands out a chunk of at least `layout.size()` bytes at `layout.align()`; it may be longer.
    ///
    /// # Errors
    /// [`NoChunk`] when it has none so large.
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk>;

    /// Hands out a chunk of `wanted`, or of as little as `least` if that is all there is.
    ///
    /// An arena asks this way. Overwrite it where a small chunk that is near beats a large one
    /// from further away.
    ///
    /// # Errors
    /// [`NoChunk`] when it has none of at least `least`.
    fn acquire_between(&self, least: Layout, wanted: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        self.acquire(wanted).or_else(|_| self.acquire(least))
    }

    /// Whether chunks that a frame no longer needs stay with the arena, as they usually should.
    fn keeps_spare(&self) -> bool {
        true
    }

    /// Whether an empty arena keeps its first chunk even if a later one was larger: where near
    /// beats large.
    fn keeps_first(&self) -> bool {
        false
    }

    /// Takes a chunk back.
    ///
    /// # Safety
    /// `chunk` came from `acquire` of this source, is returned once, and nobody uses it any more.
    unsafe fn release(&self, chunk: NonNull<[u8]>);
}

/// What a [`ChunkSource`] answers when it cannot serve a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoChunk {
    /// Bytes the source could still hand out.
    pub left: usize,
    /// Bytes the source offers in all; `usize::MAX` if only the machine limits it.
    pub limit: usize,
}

/// Chunks from the heap: each is one [`bumpalo::Bump`], whose single allocation is the chunk.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeapChunks;

/// Room at a heap chunk's start for the `Bump` that owns it, a multiple of the chunk alignment.
const OWNER: usize = size_of::<Bump>().next_multiple_of(CHUNK_ALIGN);

// SAFETY: every chunk is the only allocation of a `Bump` that lives until `release` drops it; the
// memory belongs to the heap and does not move with the source.
unsafe impl ChunkSource for HeapChunks {
    fn acquire(&self, layout: Layout) -> Result<NonNull<[u8]>, NoChunk> {
        const NONE: NoChunk = NoChunk {
            left: 0,
            limit: usize::MAX,
        };
        let align = layout.align().max(CHUNK_ALIGN);
        let owner = OWNER.next_multiple_of(align);
        let size = layout.size().checked_add(owner).ok_or(NONE)?;
        let whole = Layout::from_size_align(size, align).map_err(|_| NONE)?;
        if cfg!(bywash_asan) && size > 1 << 40 {
            // The sanitizer's heap would abort rather than refuse.
            return Err(NONE);
        }
        let bump = Bump::try_with_capacity(size).map_err(|_| NONE)?;
        let start = bump.try_alloc_layout(whole).map_err(|_| NONE)?;
        // SAFETY: the allocation is `owner` bytes longer than what is handed out.
        let chunk = unsafe { start.add(owner) };
        // SAFETY: `owner >= OWNER`, so the place just below the chunk is inside the allocation.
        let place = unsafe { chunk.sub(OWNER) }.cast::<Bump>();
        // SAFETY: aligned (CHUNK_ALIGN is at least that of `Bump`) and writable; nobody else sees it.
        unsafe { place.write(bump) };
        Ok(NonNull::slice_from_raw_parts(chunk, layout.size()))
    }

    unsafe fn release(&self, chunk: NonNull<[u8]>) {
        // SAFETY: `acquire` left OWNER bytes below every chunk.
        let place = unsafe { chunk.cast::<u8>().sub(OWNER) }.cast::<Bump>();
        // SAFETY: `acquire` wrote the owner there and nobody has read it out: a chunk is released once.
        drop(unsafe { place.read() });
    }
}

/// The alignment every chunk is asked for.
pub(crate) const CHUNK_ALIGN: usize = 16;

/// Distance that a chunk keeps from the top of the address space, so that the bump's additions
/// cannot wrap: position and size are each below `isize::MAX`.
const TOP: usize = isize::MAX as usize - 4096;

/// The first bytes of a chunk: its place in the arena's lists.
#[repr(C, align(16))]
struct Header {
    /// The chunk taken after this one, by the level that uses it, or the next spare one.
    next: Cell<Option<Chunk>>,
    /// The next of all chunks that the arena owns, whoever uses them.
    owned: Cell<Option<Chunk>>,
    memory: NonNull<[u8]>,
    /// How the level stood when it took this chunk.
    before: Cell<Before>,
}

/// What changes in a level only when it takes a chunk, and is restored when the chunk goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// The chunk taken before this one: its neighbour in the level's list.
    pub(crate) last: Option<Chunk>,
    pub(crate) current: Option<Chunk>,
    pub(crate) filled: usize,
}

/// One chunk of an arena; exists from its header's writing until the arena releases it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chunk(NonNull<Header>);

impl Chunk {
    /// Bytes of a chunk that its header takes.
    pub(crate) const HEADER: usize = size_of::<Header>();

    /// Writes a header at the start of `memory`; refuses memory too short, or too high to bump in.
    ///
    /// # Safety
    /// `memory` fulfils the contract of [`ChunkSource::acquire`] for CHUNK_ALIGN and HEADER bytes.
    pub(crate) unsafe fn install(memory: NonNull<[u8]>) -> Option<Self> {
        let start = memory.cast::<u8>().addr().get();
        let end = start.checked_add(memory.len())?;
        if cfg!(target_pointer_width = "64") && end > TOP {
            return None;
        }
        let header = memory.cast::<Header>();
        let before = Cell::new(Before {
            last: None,
            current: None,
            filled: 0,
        });
        let value = Header {
            next: Cell::new(None),
            owned: Cell::new(None),
            memory,
            before,
        };
        // SAFETY: by the caller's contract the place is aligned, writable and long enough.
        unsafe { header.write(value) };
        Some(Self(header))
    }

    fn header(&self) -> &Header {
        // SAFETY: a `Chunk` is used only between `install` and its release; the header is reached
        // by shared references alone, and no allocation overlaps it.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn memory(self) -> NonNull<[u8]> {
        self.header().memory
    }

    pub(crate) fn size(self) -> usize {
        self.memory().len()
    }

    /// The first byte after the header, rounded up to the grain.
    pub(crate) fn start(self) -> NonNull<u8> {
        // SAFETY: `install` saw at least HEADER bytes.
        unsafe { self.memory().cast::<u8>().add(Self::HEADER) }
    }

    /// The byte before `start`: the header's last.
    pub(crate) fn tip(self) -> NonNull<u8> {
        // SAFETY: the header has bytes before its end.
        unsafe { self.start().sub(1) }
    }

    /// The address after the last byte that may be handed out, a multiple of the grain.
    pub(crate) fn end(self) -> usize {
        let memory = self.memory();
        (memory.cast::<u8>().addr().get() + memory.len()) & !(crate::arena::GRAIN - 1)
    }

    pub(crate) fn next(self) -> Option<Chunk> {
        self.header().next.get()
    }

    pub(crate) fn set_next(self, next: Option<Chunk>) {
        self.header().next.set(next);
    }

    pub(crate) fn before(self) -> Before {
        self.header().before.get()
    }

    pub(crate) fn set_before(self, before: Before) {
        self.header().before.set(before);
    }

    /// Whether both are the same chunk, or both none: one compare.
    #[inline(always)]
    pub(crate) fn same(one: Option<Self>, other: Option<Self>) -> bool {
        let address =
            |chunk: Option<Self>| chunk.map_or(core::ptr::null_mut(), |chunk| chunk.0.as_ptr());
        core::ptr::eq(address(one), address(other))
    }

    pub(crate) fn owned(self) -> Option<Chunk> {
        self.header().owned.get()
    }

    pub(crate) fn set_owned(self, owned: Option<Chunk>) {
        self.header().owned.set(owned);
    }
}
