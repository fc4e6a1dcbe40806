//! Memory distances between NUMA nodes, as the firmware's SLIT gives them.

/// The SLIT's value for a node's own memory (ACPI 6.5, section 5.2.17).
pub(crate) const LOCAL: u32 = 10;

/// What is assumed between two nodes when the firmware says nothing.
pub(crate) const REMOTE: u32 = 20;

/// A square matrix over node positions, or the knowledge that there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distances {
    nodes: usize,
    /// Row-major; 0 where a pair is unknown.
    matrix: Vec<u32>,
}

impl Distances {
    /// No knowledge: local is near, all else is equally far.
    pub(crate) fn unknown() -> Distances {
        Distances::default()
    }

    /// A matrix from `value(from, to)` for each pair of `nodes` nodes; 0 means unknown.
    pub(crate) fn from_fn(nodes: usize, value: impl Fn(usize, usize) -> u32) -> Distances {
        let pairs = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
        let matrix: Vec<u32> = pairs.map(|(from, to)| value(from, to)).collect();
        if matrix.iter().all(|&d| d == 0) {
            return Distances::unknown();
        }
        Distances { nodes, matrix }
    }

    /// The distance between two nodes, by position.
    pub(crate) fn between(&self, from: usize, to: usize) -> u32 {
        let inside = from < self.nodes && to < self.nodes;
        match inside.then(|| self.matrix[from * self.nodes + to]) {
            Some(known) if known > 0 => known,
            _ if from == to => LOCAL,
            _ => REMOTE,
        }
    }

    /// Whether any distance was given.
    pub(crate) fn are_known(&self) -> bool {
        !self.matrix.is_empty()
    }
}
