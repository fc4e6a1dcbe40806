//! A job system for programs that live in frames: a spawn allocates nothing, a frame's memory returns at once, work spills outward along the machine's topology.
