//! What the job system promises, one file a subject.

mod blocked;
mod forgotten;
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
mod order;
mod panics;
mod peers;
mod placement;
mod processes;
mod scopes;
mod sleeping;
mod stall;
mod system;
mod trace;
mod waiting;
mod workers;
