//! What is computed: the same program for everybody, with an answer that is known beforehand.

pub mod bodies;
pub mod chain;
pub mod fork_join;
pub mod hierarchy;
pub mod matrix;
pub mod rendezvous;
pub mod sand;
pub mod tree;
pub mod unbalanced;
