//! A hierarchy of transforms: each node's place in the world is its parent's times its own.

/// A 4 × 4 matrix, row by row.
pub(crate) type Matrix = [f32; 16];

/// The transform that changes nothing.
pub(crate) const IDENTITY: Matrix = {
    let mut matrix = [0.0; 16];
    let mut place = 0;
    while place < 16 {
        matrix[place] = 1.0;
        place += 5;
    }
    matrix
};

/// A node, where it stands relative to its parent, and its children.
pub(crate) struct Joint {
    local: Matrix,
    /// The nodes below.
    pub children: Vec<Joint>,
}

impl Joint {
    /// A tree of this many levels below the root, each node with as many children.
    pub(crate) fn tree(depth: u32, branching: usize) -> Self {
        let mut local = IDENTITY;
        local[3] = 1.0;
        local[7] = branching as f32;
        let children = if depth == 0 { 0 } else { branching };
        Self {
            local,
            children: (0..children)
                .map(|_| Joint::tree(depth - 1, branching))
                .collect(),
        }
    }

    /// The place in the world, given the parent's.
    #[inline]
    pub(crate) fn world(&self, parent: &Matrix) -> Matrix {
        let mut world = [0.0; 16];
        for row in 0..4 {
            for column in 0..4 {
                for step in 0..4 {
                    world[4 * row + column] +=
                        parent[4 * row + step] * self.local[4 * step + column];
                }
            }
        }
        world
    }

    /// What all places add up to, in x and y: each level stands one further right and `branching`
    /// further up, so the sum is known.
    pub(crate) fn known_sum(depth: u32, branching: usize) -> u64 {
        (0..=depth)
            .map(|level| branching.pow(level) as u64 * (u64::from(level) + 1))
            .sum::<u64>()
            * (1 + branching as u64)
    }
}
