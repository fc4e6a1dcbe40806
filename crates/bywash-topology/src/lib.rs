//! Where threads go and whom they steal from: packages, NUMA nodes, caches, cores, SMT, placement strategies.
