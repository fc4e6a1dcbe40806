//! A kernel called in a loop: cosine similarity with its temporaries from three places.
//!
//! Run with `cargo run --release -p bywash-arena --example vector_similarity`. The same kernel gets
//! its three temporaries from malloc, from the thread's arena, and from the caller. It is exported
//! to C as [`bywash_similarity`], which must not fail for want of memory: it works in the caller's
//! buffer, then in the thread's arena, then on the stack, then on the heap.
#![expect(unsafe_code, reason = "a C interface takes pointers")]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::LazyLock;
use std::time::Instant;

use bywash_arena::{Arena, ChunkSource, Exhausted, ThreadArenas, Tiers};

/// Floats of a vector.
pub const DIMENSION: usize = 768;

static ARENAS: LazyLock<ThreadArenas> = LazyLock::new(ThreadArenas::new);

/// Where the kernel works: the query normalised, the candidates' dot products and their lengths.
pub struct Temporaries<'memory> {
    query: &'memory mut [f32],
    dots: &'memory mut [f32],
    lengths: &'memory mut [f32],
}

impl<'memory> Temporaries<'memory> {
    /// All three in an arena; nothing is taken if one does not fit.
    pub fn in_arena<S: ChunkSource>(
        arena: &'memory Arena<S>,
        candidates: usize,
    ) -> Result<Self, bywash_arena::ArenaError> {
        Ok(Self {
            query: arena.try_alloc_slice_fill(DIMENSION, 0.0)?,
            dots: arena.try_alloc_slice_fill(candidates, 0.0)?,
            lengths: arena.try_alloc_slice_fill(candidates, 0.0)?,
        })
    }
}

/// Sums side by side, which the compiler keeps in vector registers, enough of them to hide the
/// latency of an addition.
const LANES: usize = 32;

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// The cosine of `query` with each candidate.
pub fn similarity(query: &[f32], candidates: &[f32], out: &mut [f32], memory: Temporaries<'_>) {
    let length = dot(query, query).sqrt().max(f32::MIN_POSITIVE);
    for (normalised, item) in memory.query.iter_mut().zip(query) {
        *normalised = item / length;
    }
    let each = candidates.chunks_exact(DIMENSION);
    for ((candidate, product), square) in each.zip(&mut *memory.dots).zip(&mut *memory.lengths) {
        *product = dot(memory.query, candidate);
        *square = dot(candidate, candidate);
    }
    for ((out, product), square) in out.iter_mut().zip(memory.dots).zip(memory.lengths) {
        *out = *product / square.sqrt().max(f32::MIN_POSITIVE);
    }
}

/// With three `Vec`s a call.
pub fn with_malloc(query: &[f32], candidates: &[f32], out: &mut [f32]) {
    let (mut normalised, count) = (vec![0.0; DIMENSION], out.len());
    let (mut dots, mut lengths) = (vec![0.0; count], vec![0.0; count]);
    let memory = Temporaries {
        query: &mut normalised,
        dots: &mut dots,
        lengths: &mut lengths,
    };
    similarity(query, candidates, out, memory);
}

/// With a frame of the thread's arena.
pub fn with_thread_arena(query: &[f32], candidates: &[f32], out: &mut [f32]) {
    let mut arena = ARENAS.for_current_thread();
    let frame = arena.begin_frame();
    let memory = Temporaries::in_arena(&frame, out.len()).unwrap_or_else(|error| panic!("{error}"));
    similarity(query, candidates, out, memory);
}

/// Done; a pointer was null; there was no memory.
const DONE: i32 = 0;
const NULL: i32 = 1;
const NO_MEMORY: i32 = 2;

/// The cosine of `query` with each of `count` candidates, for callers in C.
///
/// Works in the `scratch_bytes` at `scratch` (may be null) as far as they go. Returns 0, 1 if a
/// pointer is null, 2 if there was no memory at all.
///
/// # Safety
/// `query` is valid for 768 floats, `candidates` for 768 times `count`, both for reads; `out` for
/// `count` floats and `scratch` for its bytes, both for writes; none of the latter two overlaps
/// anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bywash_similarity(
    query: *const f32,
    candidates: *const f32,
    count: usize,
    out: *mut f32,
    scratch: *mut MaybeUninit<u8>,
    scratch_bytes: usize,
) -> i32 {
    if query.is_null() || candidates.is_null() || out.is_null() {
        return NULL;
    }
    // SAFETY: the caller vouches for it.
    let query = unsafe { std::slice::from_raw_parts(query, DIMENSION) };
    // SAFETY: the caller vouches for it.
    let candidates = unsafe { std::slice::from_raw_parts(candidates, DIMENSION * count) };
    // SAFETY: the caller vouches for it.
    let out = unsafe { std::slice::from_raw_parts_mut(out, count) };
    let scratch = if scratch.is_null() {
        &mut []
    } else {
        // SAFETY: the caller vouches for it.
        unsafe { std::slice::from_raw_parts_mut(scratch, scratch_bytes) }
    };
    let mut stack = [MaybeUninit::uninit(); 4096];
    let lease = ARENAS.try_for_current_thread();
    let mut tiers = Tiers::over(scratch)
        .then_buffer(&mut stack)
        .exhausted(Exhausted::Heap);
    if let Ok(lease) = &lease {
        tiers = tiers.then_arena(lease);
    }
    let arena = Arena::with_source(tiers);
    match Temporaries::in_arena(&arena, count) {
        Ok(memory) => similarity(query, candidates, out, memory),
        Err(_) => return NO_MEMORY,
    }
    DONE
}

fn main() {
    // Numbers without a pattern that a machine could guess.
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let query: Vec<f32> = (0..DIMENSION).map(|_| next()).collect();
    println!(
        "{:>10} {:>12} {:>12} {:>12}",
        "candidates", "malloc µs", "arena µs", "caller µs"
    );
    for count in [1, 10, 1_000] {
        let candidates: Vec<f32> = (0..DIMENSION * count).map(|_| next()).collect();
        let mut out = vec![0.0; count];
        let mut scratch = vec![MaybeUninit::uninit(); 16 * 1024];
        let mut expected = vec![0.0; count];
        with_malloc(&query, &candidates, &mut expected);
        let rounds = 20_000 / count + 20;
        let mut times = [const { Vec::new() }; 3];
        for round in 0..15 * 3 {
            let begin = Instant::now();
            for _ in 0..rounds {
                let (query, candidates) = (black_box(&query), black_box(&candidates));
                match round % 3 {
                    0 => with_malloc(query, candidates, &mut out),
                    1 => with_thread_arena(query, candidates, &mut out),
                    _ => {
                        // SAFETY: the vectors have these lengths and do not overlap.
                        let code = unsafe {
                            bywash_similarity(
                                query.as_ptr(),
                                candidates.as_ptr(),
                                count,
                                out.as_mut_ptr(),
                                scratch.as_mut_ptr(),
                                scratch.len(),
                            )
                        };
                        assert_eq!(code, DONE);
                    }
                }
                black_box(&out);
            }
            times[round % 3].push(begin.elapsed().as_secs_f64() * 1e6 / rounds as f64);
            assert_eq!(out, expected);
        }
        let medians = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        println!(
            "{count:>10} {:>12.3} {:>12.3} {:>12.3}",
            medians[0], medians[1], medians[2]
        );
    }
}
