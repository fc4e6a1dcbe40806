//! What is computed: the same program for everybody, with an answer that is known beforehand.

pub(crate) mod bodies;
pub(crate) mod chain;
pub(crate) mod fork_join;
pub(crate) mod hierarchy;
pub(crate) mod matrix;
pub(crate) mod rendezvous;
pub(crate) mod sand;
pub(crate) mod tree;
pub(crate) mod unbalanced;
