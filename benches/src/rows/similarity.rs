//! Rows `similarity_*`: a search that needs scratch memory, as a whole, whoever the memory comes from.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Family, Goal, Row, Sample, Setting, Workers, Wrong, check};
use crate::harness::statistics::SplitMix64;
use bumpalo::Bump as Bumpalo;
use bywash_arena::Arena;
use std::hint::black_box;
use std::sync::Arc;

const fn row(name: &'static str, contenders: fn(&Setting) -> Vec<Contender>) -> Row {
    Row::new(name, "µs", SIMILARITY, contenders)
        .family(Family::Arena)
        .workers(Workers::Fixed(1))
        .required(&["malloc"])
        .goals(GOALS)
}

const GOALS: &[Goal] = &[Goal::against("caller's buffers", 1.01)];

pub(super) static ROWS: &[Row] = &[
    row("similarity_1", |setting| {
        similarity(1, setting.repeats(20_000, 4_000))
    }),
    row("similarity_10", |setting| {
        similarity(10, setting.repeats(10_000, 2_000))
    }),
    row("similarity_1000", |setting| {
        similarity(1_000, setting.repeats(200, 40))
    }),
];

const SIMILARITY: &str = "the best match of a query among so many vectors of 1,024 numbers: \
a normalised copy of the query, a score each, and a ranking, all three in scratch memory";

/// Numbers in a vector.
const WIDTH: usize = 1_024;

/// Vectors to search, and whom the query resembles.
struct Library {
    query: Vec<f32>,
    vectors: Vec<f32>,
    best: u32,
}

impl Library {
    fn new(count: usize) -> Self {
        let mut random = SplitMix64::new(1_024);
        let mut number = || random.below(2_001) as f32 / 1_000.0 - 1.0;
        let vectors: Vec<f32> = (0..count * WIDTH).map(|_| number()).collect();
        let best = count / 3;
        let query = vectors[best * WIDTH..][..WIDTH]
            .iter()
            .map(|value| value * 3.0)
            .collect();
        Self {
            query,
            vectors,
            best: best as u32,
        }
    }

    fn count(&self) -> usize {
        self.vectors.len() / WIDTH
    }

    /// The search in scratch memory that somebody brings.
    #[inline]
    fn search(&self, unit: &mut [f32], scores: &mut [f32], ranking: &mut [u32]) -> u32 {
        let length = dot(&self.query, &self.query).sqrt();
        for (unit, value) in unit.iter_mut().zip(&self.query) {
            *unit = value / length;
        }
        for (score, vector) in scores.iter_mut().zip(self.vectors.chunks_exact(WIDTH)) {
            *score = dot(unit, vector);
        }
        for (slot, place) in ranking.iter_mut().zip(0..) {
            *slot = place;
        }
        let first = ranking.len().min(10) - 1;
        let (top, last, _) = ranking.select_nth_unstable_by(first, |&one, &other| {
            scores[other as usize].total_cmp(&scores[one as usize])
        });
        top.iter()
            .copied()
            .chain([*last])
            .max_by(|&one, &other| scores[one as usize].total_cmp(&scores[other as usize]))
            .unwrap_or(u32::MAX)
    }
}

/// Eight sums side by side, so that the compiler can use wide registers.
#[inline]
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (one, other) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(one).zip(other) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn similarity(count: usize, repeats: usize) -> Vec<Contender> {
    fn sample(
        library: &Library,
        repeats: usize,
        mut search: impl FnMut(&Library) -> u32,
    ) -> Result<Sample, Wrong> {
        check(search(library), library.best)?;
        let time = stopwatch(|| {
            for _ in 0..repeats {
                black_box(search(black_box(library)));
            }
        });
        Ok(Sample::microseconds(time / repeats as u32))
    }
    let library = Arc::new(Library::new(count));
    let of = move |run: fn(&Library, usize) -> Result<Sample, Wrong>| {
        let library = Arc::clone(&library);
        move || run(&library, repeats)
    };
    vec![
        Contender::ours(of(|library, repeats| {
            let mut arena = Arena::new();
            sample(library, repeats, |library| {
                let frame = arena.begin_frame();
                library.search(
                    frame.alloc_slice_fill(WIDTH, 0.0),
                    frame.alloc_slice_fill(library.count(), 0.0),
                    frame.alloc_slice_fill(library.count(), 0),
                )
            })
        })),
        Contender::rival(
            "malloc",
            of(|library, repeats| {
                sample(library, repeats, |library| {
                    library.search(
                        &mut vec![0.0; WIDTH],
                        &mut vec![0.0; library.count()],
                        &mut vec![0; library.count()],
                    )
                })
            }),
        ),
        Contender::rival(
            "bumpalo",
            of(|library, repeats| {
                let mut bump = Bumpalo::new();
                sample(library, repeats, |library| {
                    let best = library.search(
                        bump.alloc_slice_fill_copy(WIDTH, 0.0),
                        bump.alloc_slice_fill_copy(library.count(), 0.0),
                        bump.alloc_slice_fill_copy(library.count(), 0),
                    );
                    bump.reset();
                    best
                })
            }),
        ),
        Contender::floor(
            "caller's buffers",
            of(|library, repeats| {
                let mut unit = vec![0.0; WIDTH];
                let mut scores = vec![0.0; library.count()];
                let mut ranking = vec![0; library.count()];
                sample(library, repeats, |library| {
                    library.search(&mut unit, &mut scores, &mut ranking)
                })
            }),
        ),
    ]
}
