//! Gravity among 128 bodies: two short loops a step, so the entry into a loop is most of the cost.

use crate::harness::statistics::SplitMix64;

/// Bodies of the row.
pub const BODIES: usize = 128;
const STEP: f64 = 0.01;
const SOFTENING: f64 = 1e-2;

/// A point mass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// Where it is.
    pub position: [f64; 3],
    /// Where it goes.
    pub velocity: [f64; 3],
    /// How heavy it is.
    pub mass: f64,
}

/// The same cluster for everybody.
pub fn cluster() -> Vec<Body> {
    let mut random = SplitMix64::new(128);
    let mut coordinate = || random.below(2_000_001) as f64 / 1e6 - 1.0;
    (0..BODIES)
        .map(|_| Body {
            position: [coordinate(), coordinate(), coordinate()],
            velocity: [0.1 * coordinate(), 0.1 * coordinate(), 0.1 * coordinate()],
            mass: 1.5 + coordinate(),
        })
        .collect()
}

/// The pull of all bodies on the one at `position`. Always summed in the same order, so the
/// answer has the same bits whoever computes it.
#[inline]
pub fn pull(bodies: &[Body], position: [f64; 3]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for body in bodies {
        let away = [
            body.position[0] - position[0],
            body.position[1] - position[1],
            body.position[2] - position[2],
        ];
        let distance = away[0] * away[0] + away[1] * away[1] + away[2] * away[2] + SOFTENING;
        let strength = body.mass / (distance * distance.sqrt());
        sum[0] += away[0] * strength;
        sum[1] += away[1] * strength;
        sum[2] += away[2] * strength;
    }
    sum
}

/// Moves one body by one step under `pull`.
#[inline]
pub fn advance(body: &mut Body, pull: [f64; 3]) {
    let axes = body.position.iter_mut().zip(&mut body.velocity);
    for ((position, velocity), pull) in axes.zip(pull) {
        *velocity += pull * STEP;
        *position += *velocity * STEP;
    }
}

/// Everything about the cluster in 64 bits: equal only if every bit of every body is.
pub fn fingerprint(bodies: &[Body]) -> u64 {
    bodies
        .iter()
        .flat_map(|body| body.position.iter().chain(&body.velocity))
        .fold(0, |hash: u64, value| {
            (hash.rotate_left(5) ^ value.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        })
}

/// `steps` steps on one thread: the known answer.
pub fn serial(bodies: &mut [Body], steps: usize) {
    let mut pulls = vec![[0.0; 3]; bodies.len()];
    for _ in 0..steps {
        for (slot, body) in pulls.iter_mut().zip(&*bodies) {
            *slot = pull(bodies, body.position);
        }
        for (body, &pull) in bodies.iter_mut().zip(&pulls) {
            advance(body, pull);
        }
    }
}
