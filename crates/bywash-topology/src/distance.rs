//! Memory distances between NUMA nodes, as the firmware's SLIT gives them, and the clusters they show.

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

    /// The clusters that the matrix shows, level by level: nodes nearest to each other, then
    /// clusters of such clusters. libhwloc finds the same ones (`hwloc__groups_by_distances`),
    /// and its logical order keeps them together.
    pub(crate) fn clusters(&self) -> Vec<Vec<Vec<usize>>> {
        let mut levels = Vec::new();
        if !self.is_regular() {
            return levels;
        }
        let mut members: Vec<Vec<usize>> = (0..self.nodes).map(|node| vec![node]).collect();
        let mut matrix: Vec<u64> = self.matrix.iter().map(|&d| u64::from(d)).collect();
        loop {
            let groups = nearest(&matrix, members.len());
            if groups.is_empty() {
                return levels;
            }
            matrix = averages(&matrix, members.len(), &groups);
            let nodes = |group: &Vec<usize>| -> Vec<usize> {
                group.iter().flat_map(|&m| members[m].clone()).collect()
            };
            members = groups.iter().map(nodes).collect();
            levels.push(members.clone());
        }
    }

    /// Whether the matrix is symmetric, and each node nearest to itself.
    fn is_regular(&self) -> bool {
        let pairs =
            (0..self.nodes).flat_map(|from| (from + 1..self.nodes).map(move |to| (from, to)));
        let mut pairs =
            pairs.map(|(from, to)| (from, self.between(from, to), self.between(to, from)));
        pairs.all(|(from, there, back)| there == back && there > self.between(from, from))
    }
}

/// Groups of what the least distance links, directly or through others; none where that links
/// everything or there are but two.
fn nearest(matrix: &[u64], count: usize) -> Vec<Vec<usize>> {
    let others = |from: usize| (0..count).filter(move |&to| to != from);
    let pairs = (0..count).flat_map(|from| others(from).map(move |to| (from, to)));
    let least = pairs.map(|(from, to)| matrix[from * count + to]).min();
    let mut is_taken = vec![count <= 2; count];
    let mut groups = Vec::new();
    for first in 0..count {
        if is_taken[first] {
            continue;
        }
        let mut group = vec![first];
        is_taken[first] = true;
        let mut next = 0;
        while let Some(&from) = group.get(next) {
            for to in others(from) {
                if !is_taken[to] && Some(matrix[from * count + to]) == least {
                    is_taken[to] = true;
                    group.push(to);
                }
            }
            next += 1;
        }
        if (2..count).contains(&group.len()) {
            groups.push(group);
        }
    }
    groups
}

/// The mean distances between groups.
fn averages(matrix: &[u64], count: usize, groups: &[Vec<usize>]) -> Vec<u64> {
    let mean = |from: &Vec<usize>, to: &Vec<usize>| {
        let pairs = from.iter().flat_map(|&f| to.iter().map(move |&t| (f, t)));
        let sum: u64 = pairs.map(|(f, t)| matrix[f * count + t]).sum();
        sum / (from.len() * to.len()) as u64
    };
    let pairs = groups
        .iter()
        .flat_map(|from| groups.iter().map(move |to| (from, to)));
    pairs.map(|(from, to)| mean(from, to)).collect()
}
