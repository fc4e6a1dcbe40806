//! What the job system promises, one file a subject.

mod frames;
mod loops;
mod placement;
mod workers;
