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
a normalised copy of the query, a score each, and a ranking, all three in scratch memory \
that everybody writes once";

/// Numbers in a vector.
const WIDTH: usize = 1_024;

/// Vectors to search, and whom the query resembles.
struct Library {
    query: [f32; WIDTH],
    vectors: Vec<f32>,
    best: u32,
}

impl Library {
    fn new(count: usize) -> Self {
        let mut random = SplitMix64::new(1_024);
        let mut number = || random.below(2_001) as f32 / 1_000.0 - 1.0;
        let vectors: Vec<f32> = (0..count * WIDTH).map(|_| number()).collect();
        let best = count / 3;
        let query = std::array::from_fn(|index| vectors[best * WIDTH + index] * 3.0);
        Self {
            query,
            vectors,
            best: best as u32,
        }
    }

    fn count(&self) -> usize {
        self.vectors.len() / WIDTH
    }

    /// The query's direction, number by number.
    #[inline]
    fn unit(&self) -> impl Fn(usize) -> f32 {
        let length = dot(&self.query, &self.query).sqrt();
        move |index| self.query[index] / length
    }

    /// How much each vector resembles `unit`.
    #[inline]
    fn score(&self, unit: &[f32]) -> impl Fn(usize) -> f32 {
        move |index| dot(unit, &self.vectors[index * WIDTH..][..WIDTH])
    }

    /// The best of the vectors, by their `scores`; `ranking` has their numbers.
    #[inline]
    fn best(scores: &[f32], ranking: &mut [u32]) -> u32 {
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

/// The number of a vector.
#[inline]
fn number(index: usize) -> u32 {
    index as u32
}

/// Fills a buffer that is there already.
#[inline]
fn fill<T>(buffer: &mut [T], make: impl Fn(usize) -> T) {
    for (index, item) in buffer.iter_mut().enumerate() {
        *item = make(index);
    }
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
                let unit = frame.alloc_batch_aligned(WIDTH, library.unit());
                let scores = frame.alloc_batch(library.count(), library.score(unit));
                let ranking = frame.alloc_batch(library.count(), number);
                Library::best(scores, ranking)
            })
        })),
        Contender::rival(
            "malloc",
            of(|library, repeats| {
                sample(library, repeats, |library| {
                    let unit: Vec<f32> = (0..WIDTH).map(library.unit()).collect();
                    let score = library.score(&unit);
                    let scores: Vec<f32> = (0..library.count()).map(score).collect();
                    let mut ranking: Vec<u32> = (0..library.count()).map(number).collect();
                    Library::best(&scores, &mut ranking)
                })
            }),
        ),
        Contender::rival(
            "bumpalo",
            of(|library, repeats| {
                let mut bump = Bumpalo::new();
                sample(library, repeats, |library| {
                    let unit = bump.alloc_slice_fill_with(WIDTH, library.unit());
                    let score = library.score(unit);
                    let scores = bump.alloc_slice_fill_with(library.count(), score);
                    let ranking = bump.alloc_slice_fill_with(library.count(), number);
                    let best = Library::best(scores, ranking);
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
                    fill(&mut unit, library.unit());
                    fill(&mut scores, library.score(&unit));
                    fill(&mut ranking, number);
                    Library::best(&scores, &mut ranking)
                })
            }),
        ),
    ]
}
