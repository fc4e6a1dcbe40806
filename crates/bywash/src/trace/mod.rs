//! What happened when, for a time line: frames, jobs, steals and sleeps, behind feature `trace`.
//!
//! Without the feature a recorder has no size and its calls no code.

#[cfg(feature = "trace")]
mod chrome;
#[cfg(not(feature = "trace"))]
mod off;
#[cfg(feature = "trace")]
mod recorder;

#[cfg(not(feature = "trace"))]
pub(crate) use off::Recorder;
#[cfg(feature = "trace")]
pub(crate) use recorder::Recorder;

/// What a moment or a stretch of time was spent on.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "trace"), expect(dead_code, reason = "nobody reads it"))]
pub(crate) enum What {
    /// A frame, from its opening until its last job has ended.
    Frame,
    /// A job that was popped or stolen; a fork that is taken back is part of the job it is in.
    Job,
    /// A moment: so many jobs came from that worker.
    Steal { victim: usize, jobs: usize },
    /// A sleep in a wait.
    Sleep,
    /// A thread's sleep for want of work.
    Park,
}
