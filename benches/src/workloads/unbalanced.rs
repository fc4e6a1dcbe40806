//! The unbalanced tree of Olivier et al. ("UTS: An Unbalanced Tree Search Benchmark", LCPC 2006): its published tree T1.
//!
//! A node is a 20-byte SHA-1 state; its children's states are digests of it and their number,
//! so any node can be expanded anywhere. T1 is geometric with a fixed branching factor of 4,
//! depth 10, seed 19: 4,130,071 nodes, 3,305,118 of them leaves.

use sha1::{Digest, Sha1};

/// Nodes of T1.
pub(crate) const T1_NODES: u64 = 4_130_071;
const BRANCHING: f64 = 4.0;
const DEPTH: u32 = 10;
const SEED: u32 = 19;
const MOST_CHILDREN: f64 = 100.0;

/// One node: its state and its depth.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    state: [u8; 20],
    depth: u32,
}

impl Node {
    /// The root of T1.
    pub(crate) fn root() -> Self {
        let mut seeded = [0; 20];
        seeded[16..].copy_from_slice(&SEED.to_be_bytes());
        Self {
            state: Sha1::digest(seeded).into(),
            depth: 0,
        }
    }

    /// The child of this number.
    pub(crate) fn child(&self, number: u32) -> Self {
        let mut seed = [0; 24];
        seed[..20].copy_from_slice(&self.state);
        seed[20..].copy_from_slice(&number.to_be_bytes());
        Self {
            state: Sha1::digest(seed).into(),
            depth: self.depth + 1,
        }
    }

    /// How many children this node has: geometrically distributed, drawn from its state.
    pub(crate) fn children(&self) -> u32 {
        if self.depth >= DEPTH {
            return 0;
        }
        let last = [
            self.state[16],
            self.state[17],
            self.state[18],
            self.state[19],
        ];
        let drawn = u32::from_be_bytes(last) & 0x7FFF_FFFF;
        let uniform = f64::from(drawn) / 2_147_483_648.0;
        let stop = 1.0 / (1.0 + BRANCHING);
        let count = (1.0 - uniform).ln() / (1.0 - stop).ln();
        count.floor().min(MOST_CHILDREN) as u32
    }
}
