//! How any divide-and-conquer row is measured: enter once, warm up, time the calls, check every answer.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Sample, Setting, Wrong, check};
use crate::ours;
use crate::rivals;
use std::sync::Arc;
use std::time::Duration;

/// A divide-and-conquer program for every library that has a join.
///
/// `W` is what the program reads, shared by all; `S` what it writes, made anew for each timing.
pub(super) struct ForkJoin<W: 'static, S: 'static> {
    /// What is read.
    pub work: W,
    /// Makes what is written, outside the timed part.
    pub prepare: fn(&W) -> S,
    /// Reduces what was written to one number, outside the timed part.
    pub answer: fn(&W, &S) -> u64,
    /// That number, known beforehand, for a single call.
    pub expected: u64,
    /// Calls in one timing; their answers add up.
    pub calls: usize,
    /// Timings in one sample.
    pub timings: usize,
    /// How a sample is expressed.
    pub per: Per,
    /// The program on one thread, in one or more ways: the floors, by name.
    pub serial: &'static [(&'static str, SerialProgram<W, S>)],
    /// The program on this project.
    pub ours: fn(&bywash::Context<'_>, &W, &mut S),
    /// The program on rayon.
    pub rayon: fn(&W, &mut S),
    /// The program on chili.
    pub chili: ChiliProgram<W, S>,
    /// The program on chili with the sides of its joins exchanged, where their order matters.
    pub chili_swapped: Option<ChiliProgram<W, S>>,
    /// The program on forte.
    pub forte: fn(&forte::Worker, &W, &mut S),
}

/// A program on one thread.
pub(super) type SerialProgram<W, S> = fn(&W, &mut S);

/// A program that runs in a scope of chili's.
pub(super) type ChiliProgram<W, S> = fn(&mut chili::Scope<'_>, &W, &mut S);

/// How a time becomes a figure.
#[derive(Clone, Copy)]
pub(super) enum Per {
    /// Nanoseconds for each of this many operations in a call.
    Operation(usize),
    /// Milliseconds for a call.
    Call,
    /// Microseconds for a call.
    Microseconds,
}

impl<W: Send + Sync + 'static, S: Send + 'static> ForkJoin<W, S> {
    /// The entries: ours, the rivals with a join, serial code as the floor.
    pub(super) fn contenders(self, setting: &Setting) -> Vec<Contender> {
        let workers = setting.workers;
        let shared = Arc::new(self);
        let program = Arc::clone(&shared);
        let ours = move || {
            ours::inside(workers, |context| {
                program.sample(|work, out| (program.ours)(context, work, out))
            })
        };
        let program = Arc::clone(&shared);
        let rayon = move || {
            let program = &*program;
            rivals::rayon::inside(workers, || {
                program.sample(|work, out| (program.rayon)(work, out))
            })
        };
        let program = Arc::clone(&shared);
        let on_chili = move |run: ChiliProgram<W, S>| {
            let program = Arc::clone(&program);
            move || {
                rivals::chili::inside(workers, |scope| {
                    program.sample(|work, out| run(scope, work, out))
                })
            }
        };
        let program = Arc::clone(&shared);
        let forte = move || {
            rivals::forte::inside(workers, |worker| {
                program.sample(|work, out| (program.forte)(worker, work, out))
            })
        };
        let mut all = vec![
            Contender::ours(ours),
            Contender::rival("rayon", rayon),
            Contender::rival("chili", on_chili(shared.chili)),
            Contender::rival("forte", forte).in_own_process(),
        ];
        for &(name, run) in shared.serial {
            let program = Arc::clone(&shared);
            all.push(Contender::floor(name, move || program.sample(run)));
        }
        if let Some(swapped) = shared.chili_swapped {
            all.push(Contender::rival("chili.swapped", on_chili(swapped)));
        }
        all
    }

    /// One sample, taken inside the library.
    fn sample(&self, mut run: impl FnMut(&W, &mut S)) -> Result<Sample, Wrong> {
        let mut warm = (self.prepare)(&self.work);
        run(&self.work, &mut warm);
        check((self.answer)(&self.work, &warm), self.expected)?;

        let mut total = Duration::ZERO;
        for _ in 0..self.timings {
            let mut out = (self.prepare)(&self.work);
            total += stopwatch(|| {
                for _ in 0..self.calls {
                    run(&self.work, &mut out);
                }
            });
            let expected = self.expected.wrapping_mul(self.calls as u64);
            check((self.answer)(&self.work, &out), expected)?;
        }
        let calls = self.calls * self.timings;
        Ok(match self.per {
            Per::Operation(count) => Sample::nanoseconds_each(total, calls * count),
            Per::Call => Sample::milliseconds(total / calls as u32),
            Per::Microseconds => Sample::of(total.as_secs_f64() * 1e6 / calls as f64),
        })
    }
}
