//! A full set of parallel iterators on a job system's own threads: orx-parallel, which lets its
//! computations run on any pool, given a scope that things can be spawned in. A frame is one.

use std::num::NonZeroUsize;

use bywash::{Frame, JobSystem};
use orx_parallel::{IntoParIter, Par, Runner, Scope, ThreadPool};

/// A job system as orx-parallel sees it.
#[derive(Clone, Copy)]
struct Threads<'jobs>(&'jobs JobSystem);

/// A frame as orx-parallel sees it: what is spawned in it has ended when the frame has.
#[derive(Clone, Copy)]
struct InFrame<'frame, 'env>(&'frame Frame<'frame, 'env>);

impl<'s, 'env, 'scope> Scope<'s, 'env, 'scope> for InFrame<'s, 'scope> {
    fn run<W>(self, work: W)
    where
        'scope: 's,
        'env: 'scope + 's,
        W: FnOnce() + Send + 'scope + 'env,
    {
        self.0.spawn_detached(|_| work());
    }
}

impl ThreadPool for Threads<'_> {
    type ScopeRef<'s, 'env, 'scope>
        = InFrame<'s, 'scope>
    where
        'scope: 's,
        'env: 'scope + 's;

    fn scope<'env, 'scope, F>(&'env self, f: F)
    where
        'env: 'scope,
        for<'s> F: FnOnce(InFrame<'s, 'scope>) + Send,
    {
        self.0.frame(|frame| f(InFrame(frame)));
    }

    fn max_num_threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.0.seats()).expect("a job system has a worker")
    }
}

fn main() -> Result<(), bywash::BuildError> {
    let jobs = JobSystem::builder().workers(2).build()?;
    let sum: usize = (0..1_000_000_usize)
        .into_par()
        .filter(|i| i % 3 == 0)
        .map(|i| i * 2)
        .runner(Runner::adaptive_with_pool(Threads(&jobs)))
        .sum();
    assert_eq!(sum, 333_333_666_666);

    // The iterators' data may be borrowed, and a collected result keeps its order.
    let words = ["spill", "over", "the", "dam"];
    let lengths: Vec<usize> = words
        .as_slice()
        .into_par()
        .map(|word| word.len())
        .runner(Runner::adaptive_with_pool(Threads(&jobs)))
        .collect();
    assert_eq!(lengths, [5, 4, 3, 3]);
    println!("the sum is {sum}, the lengths are {lengths:?}");
    Ok(())
}
