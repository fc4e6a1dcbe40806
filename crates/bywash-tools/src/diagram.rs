//! A machine as boxes in boxes, whatever lies inside what.

use bywash_topology::Topology;

/// A box: its label, the boxes inside, or at the innermost a core's PUs.
pub(crate) struct Diagram {
    pub(crate) label: String,
    pub(crate) inside: Vec<Diagram>,
    /// Positions in [`Topology::pus`]; of a core alone.
    pub(crate) pus: Vec<usize>,
    /// Every PU inside, directly or not.
    all: Vec<usize>,
}

impl Diagram {
    /// The whole machine. Packages hold nodes and nodes packages, LLCs span nodes or lie in
    /// them, as it happens to be: larger sets are outer boxes.
    pub(crate) fn of(machine: &Topology) -> Diagram {
        let gigabytes = |bytes: u64| match bytes >> 30 {
            0 => String::new(),
            size => format!(", {size} GiB"),
        };
        let packages = machine
            .packages()
            .iter()
            .map(|package| Diagram::new(format!("package {}", package.os_index), &package.pus));
        let nodes = machine.nodes().iter().map(|node| {
            Diagram::new(
                format!("node {}{}", node.id.0, gigabytes(node.memory)),
                &node.pus,
            )
        });
        let llcs = machine
            .llcs()
            .iter()
            .enumerate()
            .filter(|(_, llc)| llc.has_cache);
        let llcs = llcs.map(|(index, llc)| Diagram::new(format!("LLC {index}"), &llc.pus));
        let cores = machine
            .cores()
            .iter()
            .enumerate()
            .map(|(index, core)| Diagram {
                pus: core.pus.clone(),
                ..Diagram::new(format!("core {index}"), &core.pus)
            });

        let everything: Vec<usize> = (0..machine.pus().len()).collect();
        let mut root = Diagram::new("machine".to_owned(), &everything);
        // A stable sort: of equal sets, the package is around the node, and so on inward.
        let mut boxes: Vec<Diagram> = packages.chain(nodes).chain(llcs).chain(cores).collect();
        boxes.sort_by_key(|one| std::cmp::Reverse(one.all.len()));
        for one in boxes {
            root.insert(one);
        }
        root.sort();
        root
    }

    fn new(label: String, all: &[usize]) -> Diagram {
        Diagram {
            label,
            inside: Vec::new(),
            pus: Vec::new(),
            all: all.to_vec(),
        }
    }

    /// Puts a box into the innermost one that holds all of it. Empty ones stay outside.
    fn insert(&mut self, one: Diagram) {
        let holds = |outer: &&mut Diagram| {
            let is_empty = one.all.is_empty() || outer.all.is_empty();
            !is_empty && one.all.iter().all(|pu| outer.all.binary_search(pu).is_ok())
        };
        match self.inside.iter_mut().find(holds) {
            Some(outer) => outer.insert(one),
            None => self.inside.push(one),
        }
    }

    fn sort(&mut self) {
        self.inside
            .sort_by_key(|one| one.all.first().copied().unwrap_or(usize::MAX));
        for one in &mut self.inside {
            one.sort();
        }
    }
}
