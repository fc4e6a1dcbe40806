//! What the job system promises, one file a subject.

mod frames;
mod join;
mod loops;
mod loops_bits;
mod loops_building;
mod loops_placement;
mod loops_properties;
mod loops_search;
mod loops_slices;
mod loops_tries;
mod nesting;
mod panics;
mod placement;
mod scopes;
mod system;
mod waiting;
mod workers;
