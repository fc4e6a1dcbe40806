//! Structure of arrays against array of structures, both in a frame.
//!
//! Run with `cargo run --release -p bywash-arena --example layouts`. The loop reads one field of
//! eight: side by side, the field's cache lines hold nothing else.

use std::hint::black_box;
use std::time::Instant;

use bywash_arena::Arena;

const BODIES: usize = 100_000;
const ROUNDS: usize = 50;

/// Eight floats together: a loop over one of them reads all.
#[derive(Clone, Copy)]
struct Body {
    place: [f32; 3],
    speed: [f32; 3],
    mass: f32,
    heat: f32,
}

/// The same fields, each in a slice of its own.
struct Bodies<'frame> {
    place: [&'frame mut [f32]; 3],
    speed: [&'frame mut [f32]; 3],
    mass: &'frame mut [f32],
    heat: &'frame mut [f32],
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut arena = Arena::new();
    let (mut together, mut apart) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let frame = arena.begin_frame();
        let heat = |i: usize| (i % 7) as f32;
        let bodies = frame.alloc_batch(BODIES, |i| Body {
            place: [0.0; 3],
            speed: [1.0; 3],
            mass: 1.0,
            heat: heat(i),
        });
        let zero = || frame.alloc_slice_fill(BODIES, 0.0f32);
        let columns = Bodies {
            place: [zero(), zero(), zero()],
            speed: [zero(), zero(), zero()],
            mass: zero(),
            heat: frame.alloc_batch(BODIES, heat),
        };

        let begin = Instant::now();
        black_box(&mut *bodies)
            .iter_mut()
            .for_each(|body| body.heat *= 0.5);
        together.push(begin.elapsed().as_secs_f64() * 1e9 / BODIES as f64);

        let begin = Instant::now();
        black_box(&mut *columns.heat)
            .iter_mut()
            .for_each(|heat| *heat *= 0.5);
        apart.push(begin.elapsed().as_secs_f64() * 1e9 / BODIES as f64);

        let body = bodies[BODIES - 1];
        assert_eq!(body.heat, columns.heat[BODIES - 1]);
        black_box((body.place, body.speed, body.mass));
        black_box((columns.place, columns.speed, columns.mass));
    }
    println!(
        "one field of an array of structures: {:.3} ns a body",
        median(together)
    );
    println!(
        "one array of a structure of arrays:  {:.3} ns a body",
        median(apart)
    );
}
