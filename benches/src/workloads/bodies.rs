//! Gravity among 128 bodies: two short loops a step, so the entry into a loop is most of the cost.
//!
//! The numbers lie in atomics that are only ever loaded and stored, relaxed, which costs what
//! plain memory costs; the loops themselves order one pass after the other.

use crate::harness::statistics::SplitMix64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bodies of the row.
pub(crate) const BODIES: usize = 128;
const STEP: f64 = 0.01;
const SOFTENING: f64 = 1e-2;

/// A number that a loop's threads may share.
#[derive(Default)]
struct Number(AtomicU64);

impl Number {
    fn new(value: f64) -> Self {
        Self(AtomicU64::new(value.to_bits()))
    }

    #[inline(always)]
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    #[inline(always)]
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

/// A point mass.
struct Body {
    position: [Number; 3],
    velocity: [Number; 3],
    pull: [Number; 3],
    mass: f64,
}

/// All bodies, the same for everybody at the start.
pub(crate) struct Cluster(Vec<Body>);

impl Default for Cluster {
    fn default() -> Self {
        let mut random = SplitMix64::new(128);
        let mut coordinate = || random.below(2_000_001) as f64 / 1e6 - 1.0;
        let bodies = (0..BODIES)
            .map(|_| Body {
                position: [(); 3].map(|()| Number::new(coordinate())),
                velocity: [(); 3].map(|()| Number::new(0.1 * coordinate())),
                pull: Default::default(),
                mass: 1.5 + coordinate(),
            })
            .collect();
        Self(bodies)
    }
}

impl Cluster {
    /// The first loop's body: the pull of all bodies on this one, always summed in the same order.
    #[inline]
    pub(crate) fn attract(&self, which: usize) {
        let here = self.0[which].position.each_ref().map(Number::get);
        let mut sum = [0.0; 3];
        for body in &self.0 {
            let there = body.position.each_ref().map(Number::get);
            let away = [there[0] - here[0], there[1] - here[1], there[2] - here[2]];
            let distance = away[0] * away[0] + away[1] * away[1] + away[2] * away[2] + SOFTENING;
            let strength = body.mass / (distance * distance.sqrt());
            sum[0] += away[0] * strength;
            sum[1] += away[1] * strength;
            sum[2] += away[2] * strength;
        }
        for (slot, value) in self.0[which].pull.iter().zip(sum) {
            slot.set(value);
        }
    }

    /// The second loop's body: one step of this body under its pull.
    #[inline]
    pub(crate) fn advance(&self, which: usize) {
        let body = &self.0[which];
        for ((position, velocity), pull) in body.position.iter().zip(&body.velocity).zip(&body.pull)
        {
            velocity.set(velocity.get() + pull.get() * STEP);
            position.set(position.get() + velocity.get() * STEP);
        }
    }

    /// Everything about the cluster in 64 bits: equal only if every bit of every body is.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.0
            .iter()
            .flat_map(|body| body.position.iter().chain(&body.velocity))
            .fold(0, |hash: u64, number| {
                let bits = number.get().to_bits();
                (hash.rotate_left(5) ^ bits).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            })
    }
}
