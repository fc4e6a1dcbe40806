//! How any divide-and-conquer row is measured: enter once, warm up, time the calls, check every answer.

use crate::harness::clock::stopwatch;
use crate::harness::row::{Contender, Sample, Setting, Wrong, check};
use crate::ours;
use crate::rivals;
use std::sync::Arc;
use std::time::Duration;

/// A divide-and-conquer program, and how it is run and checked.
///
/// `W` is what the program reads, shared by all; `S` what it writes, made anew for each timing.
pub(super) struct ForkJoin<W: 'static, S: 'static> {
    /// The program in each library's idiom.
    pub(super) programs: Programs<W, S>,
    /// What is read.
    pub(super) work: W,
    /// Makes what is written, outside the timed part.
    pub(super) prepare: fn(&W) -> S,
    /// Reduces what was written to one number, outside the timed part.
    pub(super) answer: fn(&S) -> u64,
    /// That number, known beforehand, for a single call.
    pub(super) expected: u64,
    /// Calls in one timing; their answers add up.
    pub(super) calls: usize,
    /// Timings in one sample.
    pub(super) timings: usize,
    /// How a sample is expressed.
    pub(super) per: Per,
}

/// The same program for every library that has a join, and on one thread.
pub(super) struct Programs<W: 'static, S: 'static> {
    pub(super) serial: SerialProgram<W, S>,
    pub(super) ours: fn(&bywash::Context<'_>, &W, &mut S),
    pub(super) rayon: fn(&W, &mut S),
    pub(super) chili: ChiliProgram<W, S>,
    pub(super) forte: ForteProgram<W, S>,
}

/// The same call in each library's idiom; `cx` stands for what the library passes along.
macro_rules! everywhere {
    (|$cx:ident, $work:tt: $read:ty, $out:tt: $written:ty| $call:expr) => {
        $crate::rows::fork_join::Programs {
            serial: |$work: $read, $out: $written| {
                use $crate::workloads::fork_join::serial::*;
                let $cx = ();
                $call
            },
            ours: |$cx, $work: $read, $out: $written| {
                use $crate::workloads::fork_join::with_bywash::*;
                $call
            },
            rayon: |$work: $read, $out: $written| {
                use $crate::workloads::fork_join::with_rayon::*;
                let $cx = ();
                $call
            },
            chili: |$cx, $work: $read, $out: $written| {
                use $crate::workloads::fork_join::with_chili::*;
                $call
            },
            forte: |$cx, $work: $read, $out: $written| {
                use $crate::workloads::fork_join::with_forte::*;
                $call
            },
        }
    };
}
pub(super) use everywhere;

/// A program on one thread.
pub(super) type SerialProgram<W, S> = fn(&W, &mut S);

/// A program that runs in a scope of chili's.
pub(super) type ChiliProgram<W, S> = fn(&mut chili::Scope<'_>, &W, &mut S);

/// A program that runs on a worker of forte's.
pub(super) type ForteProgram<W, S> = fn(&forte::Worker, &W, &mut S);

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

impl<W: Send + Sync + 'static> ForkJoin<W, u64> {
    /// A program whose calls each add `expected` to a sum.
    pub(super) fn adding(programs: Programs<W, u64>, work: W, expected: u64, per: Per) -> Self {
        Self {
            programs,
            work,
            prepare: |_| 0,
            answer: |sum| *sum,
            expected,
            calls: 1,
            timings: 1,
            per,
        }
    }

    /// With so many calls in a timing.
    pub(super) fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }
}

impl<W: Send + Sync + 'static, S: Send + 'static> ForkJoin<W, S> {
    /// Ours, the rivals with a join, and serial code as the floor.
    pub(super) fn contenders(self, setting: &Setting) -> Vec<Contender> {
        Arc::new(self).everybody(setting.workers)
    }

    /// The same, and another serial form beside.
    pub(super) fn contenders_and_floor(
        self,
        setting: &Setting,
        name: &'static str,
        serial: SerialProgram<W, S>,
    ) -> Vec<Contender> {
        let this = Arc::new(self);
        let mut all = this.everybody(setting.workers);
        all.push(Contender::floor(name, move || this.sample(serial)));
        all
    }

    /// The same for a program to which the order of its two sides matters. chili and forte run the
    /// second side first: those that count are taken from `exchanged`, so that they go through
    /// memory as everybody else does; the program as it is written stands beside.
    pub(super) fn contenders_in_order(
        mut self,
        setting: &Setting,
        exchanged: Programs<W, S>,
    ) -> Vec<Contender> {
        let chili = std::mem::replace(&mut self.programs.chili, exchanged.chili);
        let forte = std::mem::replace(&mut self.programs.forte, exchanged.forte);
        let workers = setting.workers;
        let this = Arc::new(self);
        let mut all = this.everybody(workers);
        let [on_chili, on_forte] = [(); 2].map(|()| Arc::clone(&this));
        all.push(Contender::shown("chili.backwards", move || {
            on_chili.on_chili(workers, chili)
        }));
        let forte = move || on_forte.on_forte(workers, forte);
        all.push(Contender::shown("forte.backwards", forte).in_own_process());
        all
    }

    fn everybody(self: &Arc<Self>, workers: usize) -> Vec<Contender> {
        let [ours, rayon, chili, forte, serial] = [(); 5].map(|()| Arc::clone(self));
        vec![
            Contender::ours(move || {
                ours::inside(workers, |context| {
                    ours.sample(|work, out| (ours.programs.ours)(context, work, out))
                })
            }),
            Contender::rival("rayon", move || {
                rivals::rayon::inside(workers, || rayon.sample(rayon.programs.rayon))
            }),
            Contender::rival("chili", move || {
                chili.on_chili(workers, chili.programs.chili)
            }),
            Contender::rival("forte", move || {
                forte.on_forte(workers, forte.programs.forte)
            })
            .in_own_process(),
            Contender::floor("serial", move || serial.sample(serial.programs.serial)),
        ]
    }

    fn on_chili(&self, workers: usize, run: ChiliProgram<W, S>) -> Result<Sample, Wrong> {
        rivals::chili::inside(workers, |scope| {
            self.sample(|work, out| run(scope, work, out))
        })
    }

    fn on_forte(&self, workers: usize, run: ForteProgram<W, S>) -> Result<Sample, Wrong> {
        rivals::forte::inside(workers, |worker| {
            self.sample(|work, out| run(worker, work, out))
        })
    }

    /// One sample, taken inside the library.
    fn sample(&self, mut run: impl FnMut(&W, &mut S)) -> Result<Sample, Wrong> {
        let mut warm = (self.prepare)(&self.work);
        run(&self.work, &mut warm);
        check((self.answer)(&warm), self.expected)?;

        let mut total = Duration::ZERO;
        for _ in 0..self.timings {
            let mut out = (self.prepare)(&self.work);
            total += stopwatch(|| {
                for _ in 0..self.calls {
                    run(&self.work, &mut out);
                }
            });
            let expected = self.expected.wrapping_mul(self.calls as u64);
            check((self.answer)(&out), expected)?;
        }
        let calls = self.calls * self.timings;
        Ok(match self.per {
            Per::Operation(count) => Sample::nanoseconds_each(total, calls * count),
            Per::Call => Sample::milliseconds(total / calls as u32),
            Per::Microseconds => Sample::of(total.as_secs_f64() * 1e6 / calls as f64),
        })
    }
}
