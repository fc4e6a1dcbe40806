//! What the job system promises, one file a subject.

mod frames;
mod loops;
mod loops_search;
mod loops_slices;
mod placement;
mod workers;
