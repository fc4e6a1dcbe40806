//! How any row that spawns is measured: one test, and every library that can run its jobs one by one.

use crate::harness::row::{Contender, Sample, Wrong};
use crate::{ours, rivals};
use bywash::{Context, JobSystem};

/// A library that spawns jobs and waits for them.
pub(super) trait Spawner {
    /// Spawns each job as it comes out of `jobs`, calls `then`, and returns when all jobs are done.
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    );
}

/// What a row does with each of them: one sample, its answers checked.
pub(super) trait SpawnTest: Copy + Send + Sync + 'static {
    fn sample(self, library: &mut impl Spawner) -> Result<Sample, Wrong>;
}

/// How ours spawns.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `spawn_detached` into a frame of the burst's own.
    Detached,
    /// `spawn_with_counter`, and a wait for the counter.
    Counted,
    /// `spawn_batch`, sixteen jobs to a batch.
    Batched,
}

/// Ours in a job of a system that was entered before the test begins.
pub(super) fn ours(workers: usize, form: Form, test: impl SpawnTest) -> Contender {
    Contender::ours(inside(workers, form, test))
}

/// The same, shown beside a row in which ours does something else.
pub(super) fn ours_beside(name: &'static str, workers: usize, test: impl SpawnTest) -> Contender {
    Contender::shown(name, inside(workers, Form::Detached, test))
}

fn inside(
    workers: usize,
    form: Form,
    test: impl SpawnTest,
) -> impl FnMut() -> Result<Sample, Wrong> + 'static {
    move || ours::inside(workers, |context| test.sample(&mut Ours { context, form }))
}

/// The rivals with a scope, entered before the test begins.
pub(super) fn rivals(workers: usize, test: impl SpawnTest) -> Vec<Contender> {
    vec![
        Contender::rival("rayon.scope", move || {
            rivals::rayon::inside(workers, || test.sample(&mut Rayon))
        }),
        Contender::rival("forte.scope", move || {
            rivals::forte::inside(workers, |worker| test.sample(&mut Forte(worker)))
        })
        .in_own_process(),
        Contender::rival("bevy", move || {
            test.sample(&mut rivals::bevy::pool(workers))
        }),
    ]
}

/// Ours and the rivals, each burst entering them anew; without forte, which is entered once.
pub(super) fn from_outside(workers: usize, test: impl SpawnTest) -> Vec<Contender> {
    vec![
        Contender::ours(move || test.sample(&mut ours::system(workers))),
        Contender::rival("rayon.scope", move || {
            test.sample(&mut rivals::rayon::pool(workers))
        }),
        Contender::rival("bevy", move || {
            test.sample(&mut rivals::bevy::pool(workers))
        }),
    ]
}

/// The floor: each job run where it would be spawned.
pub(super) fn serial(test: impl SpawnTest) -> Contender {
    Contender::floor("serial", move || test.sample(&mut Serial))
}

struct Ours<'context, 'frame> {
    context: &'context Context<'frame>,
    form: Form,
}

impl Spawner for Ours<'_, '_> {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        self.context.frame(|frame| match self.form {
            Form::Detached => {
                for job in jobs {
                    frame.spawn_detached(move |_| job());
                }
                then();
            }
            Form::Counted => {
                let group = frame.counter();
                for job in jobs {
                    frame.spawn_with_counter(group, move |_| job());
                }
                then();
                frame.wait(group);
            }
            Form::Batched => {
                frame.spawn_batch(jobs.map(|job| move |_: &Context<'_>| job()));
                then();
            }
        });
    }
}

impl Spawner for JobSystem {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        self.frame(|frame| {
            for job in jobs {
                frame.spawn_detached(move |_| job());
            }
            then();
        });
    }
}

/// The rayon pool whose worker we are.
struct Rayon;

impl Spawner for Rayon {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        rayon::scope(|scope| {
            for job in jobs {
                scope.spawn(move |_| job());
            }
            then();
        });
    }
}

impl Spawner for rayon::ThreadPool {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        self.install(|| Rayon.spawn_each(jobs, then));
    }
}

struct Forte<'worker>(&'worker forte::Worker);

impl Spawner for Forte<'_> {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        self.0.scope(|scope| {
            for job in jobs {
                scope.spawn(move |_: &forte::Scope<'_>| job());
            }
            then();
        });
    }
}

impl Spawner for bevy_tasks::TaskPool {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        self.scope(|scope| {
            for job in jobs {
                scope.spawn(async move { job() });
            }
            then();
        });
    }
}

struct Serial;

impl Spawner for Serial {
    fn spawn_each<J: FnOnce() + Send>(
        &mut self,
        jobs: impl Iterator<Item = J> + Send,
        then: impl FnOnce() + Send,
    ) {
        jobs.for_each(|job| job());
        then();
    }
}
