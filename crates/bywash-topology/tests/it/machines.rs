//! The shapes of fourteen real machines, as short descriptions: what `expected.tsv` counts, in code.

use bywash_topology::{MachineBuilder, NodeId, OsNumbering, PuId, PuSet, Topology};

/// A machine, and what a sysfs tree of it needs beyond its description.
pub(crate) struct Shape {
    /// The file of the folder of real machines that shows the same one.
    pub(crate) file: &'static str,
    /// Packages, NUMA nodes, L3s, cores, PUs, PUs a core at most, kinds.
    pub(crate) counts: [usize; 7],
    pub(crate) machine: MachineBuilder,
    /// Sets between package and machine that decide the order (books of an IBM z), as lists.
    pub(crate) books: &'static [&'static str],
    /// The whole machine behind a cgroup, and the CPUs and memory nodes that it allows.
    pub(crate) behind: Option<(MachineBuilder, &'static str, &'static str)>,
}

impl Shape {
    fn new(file: &'static str, counts: [usize; 7], machine: MachineBuilder) -> Shape {
        let (books, behind) = (&[][..], None);
        Shape {
            file,
            counts,
            machine,
            books,
            behind,
        }
    }

    pub(crate) fn topology(&self) -> Topology {
        self.machine.build().unwrap()
    }
}

fn describe(parts: impl FnOnce(&mut MachineBuilder)) -> MachineBuilder {
    let mut machine = Topology::builder();
    parts(&mut machine);
    machine
}

pub(crate) fn shapes() -> Vec<Shape> {
    vec![
        bulldozer(),
        naples(),
        opteron_in_a_cgroup(),
        rome(),
        strix_point(),
        trento(),
        kunpeng(),
        cascade_lake(),
        haswell(),
        hybrid(),
        ivy_bridge(),
        power7(),
        s390(),
        altix(),
    ]
}

/// 4 x Opteron 6276: an irregular SLIT, and an L2 for every two cores.
fn bulldozer() -> Shape {
    let machine = describe(|m| {
        for _ in 0..4 {
            m.package();
            for _ in 0..2 {
                m.node().llc();
                for _ in 0..4 {
                    m.l2().cores(2, 1);
                }
            }
        }
        m.distances(&[
            &[10, 16, 16, 22, 16, 22, 16, 22],
            &[16, 10, 22, 16, 16, 22, 22, 16],
            &[16, 22, 10, 16, 16, 16, 16, 16],
            &[22, 16, 16, 10, 16, 16, 22, 22],
            &[16, 16, 16, 16, 10, 16, 16, 22],
            &[22, 22, 16, 16, 16, 10, 22, 16],
            &[16, 22, 16, 22, 16, 22, 10, 16],
            &[22, 16, 16, 22, 22, 16, 16, 10],
        ]);
    });
    Shape::new("amd-bulldozer-4x6276.xml", [4, 8, 8, 64, 64, 1, 0], machine)
}

/// 2 x EPYC 7451, seen without NUMA information: one node around both packages.
fn naples() -> Shape {
    let machine = describe(|m| {
        m.node();
        for _ in 0..2 {
            m.package();
            for _ in 0..8 {
                m.llc().cores(3, 2);
            }
        }
        m.numbering(OsNumbering::SiblingsLast);
    });
    Shape::new(
        "amd-naples-2x7451-cpuid.xml",
        [2, 1, 16, 48, 96, 2, 0],
        machine,
    )
}

/// 4 x Opteron 6134 from inside a cgroup that allows 6 PUs and 6 of 8 nodes.
fn opteron_in_a_cgroup() -> Shape {
    let distances: &[&[u32]] = &[
        &[10, 16, 16, 22, 16, 22],
        &[16, 10, 22, 16, 22, 16],
        &[16, 22, 10, 16, 16, 22],
        &[22, 16, 16, 10, 22, 16],
        &[16, 22, 16, 22, 10, 16],
        &[22, 16, 22, 16, 16, 10],
    ];
    let machine = describe(|m| {
        m.package().kind(0);
        m.node().llc().cores(4, 1).node().llc().cores(2, 1);
        for _ in 0..2 {
            m.package().node().llc().node().llc();
        }
        m.distances(distances).offline((6..32).map(PuId).collect());
    });
    let whole = describe(|m| {
        m.kind(0);
        for _ in 0..4 {
            m.package()
                .node()
                .llc()
                .cores(4, 1)
                .node()
                .llc()
                .cores(4, 1);
        }
        let mut rows: Vec<Vec<u32>> = distances
            .iter()
            .map(|row| [row, &[22, 22][..]].concat())
            .collect();
        rows.extend([vec![22; 8], vec![22; 8]]);
        m.distances(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    });
    let mut shape = Shape::new("amd-opteron6134-cgroup.xml", [3, 6, 6, 6, 6, 1, 1], machine);
    shape.behind = Some((whole, "0-5", "0-5"));
    shape
}

/// 2 x EPYC 7402: CCXs of three cores.
fn rome() -> Shape {
    let machine = describe(|m| {
        m.kind(0);
        for _ in 0..2 {
            m.package().node();
            for _ in 0..8 {
                m.llc().cores(3, 2);
            }
        }
        m.numbering(OsNumbering::SiblingsLast)
            .distances(&[&[10, 32], &[32, 10]]);
    });
    Shape::new(
        "amd-rome-2x7402-nps1.xml",
        [2, 2, 16, 48, 96, 2, 1],
        machine,
    )
}

/// Ryzen AI 9 HX370: two unequal CCXs, the smaller one faster.
fn strix_point() -> Shape {
    let machine = describe(|m| {
        m.package().node();
        m.llc().kind(1).cores(4, 2).llc().kind(0).cores(8, 2);
        m.numbering(OsNumbering::SiblingsLast);
    });
    Shape::new("amd-strixpoint-hx370.xml", [1, 1, 2, 12, 24, 2, 2], machine)
}

/// EPYC 7A53 with four nodes of two CCXs.
fn trento() -> Shape {
    let machine = describe(|m| {
        m.package().kind(0);
        for _ in 0..4 {
            m.node().llc().cores(8, 2).llc().cores(8, 2);
        }
        m.numbering(OsNumbering::SiblingsLast);
        m.distances(&[
            &[10, 12, 12, 12],
            &[12, 10, 12, 12],
            &[12, 12, 10, 12],
            &[12, 12, 12, 10],
        ]);
    });
    Shape::new(
        "amd-trento-7a53-nps4.xml",
        [1, 4, 8, 64, 128, 2, 1],
        machine,
    )
}

/// 2 x Kunpeng 920: two nodes of one L3 a package.
fn kunpeng() -> Shape {
    let machine = describe(|m| {
        m.kind(0);
        for _ in 0..2 {
            m.package()
                .node()
                .llc()
                .cores(32, 1)
                .node()
                .llc()
                .cores(32, 1);
        }
        m.distances(&[
            &[10, 16, 32, 33],
            &[16, 10, 25, 32],
            &[32, 25, 10, 16],
            &[33, 32, 16, 10],
        ]);
    });
    Shape::new("arm-kunpeng920-2p.xml", [2, 4, 4, 128, 128, 1, 1], machine)
}

/// 2 x Gold 6230 with sub-NUMA clusters: an L3 spans two nodes.
fn cascade_lake() -> Shape {
    let machine = describe(|m| {
        for (first, second) in [(0, 2), (1, 3)] {
            m.package().llc();
            m.node_with(NodeId(first), 0).cores(10, 2);
            m.node_with(NodeId(second), 0).cores(10, 2);
        }
        let cores = [0, 2, 1, 3]
            .into_iter()
            .flat_map(|node| (0..10).map(move |core| node + 4 * core));
        m.numbering(OsNumbering::Listed(
            cores.flat_map(|first| [first, first + 40]).collect(),
        ));
        m.distances(&[
            &[10, 21, 11, 21],
            &[21, 10, 21, 11],
            &[11, 21, 10, 21],
            &[21, 11, 21, 10],
        ]);
    });
    Shape::new(
        "intel-cascadelake-nvdimm.xml",
        [2, 4, 2, 40, 80, 2, 0],
        machine,
    )
}

/// 2 x E5-2680v3, cluster on die: two L3s a package, indices alternating between packages.
fn haswell() -> Shape {
    let machine = describe(|m| {
        m.node();
        for _ in 0..2 {
            m.package().llc().cores(6, 1).llc().cores(6, 1);
        }
        let even = (0..24).step_by(2);
        m.numbering(OsNumbering::Listed(
            even.chain((1..24).step_by(2)).collect(),
        ));
    });
    Shape::new(
        "intel-haswell-2xe5-2680v3-cod.xml",
        [2, 1, 4, 24, 24, 1, 0],
        machine,
    )
}

/// Core i7-1370P: six P-cores with siblings, eight E-cores in two L2 clusters.
fn hybrid() -> Shape {
    let machine = describe(|m| {
        m.package().node().llc();
        m.kind(1).cores(6, 2);
        m.kind(0).l2().cores(4, 1).l2().cores(4, 1);
    });
    Shape::new(
        "intel-hybrid-i7-1370p.xml",
        [1, 1, 1, 14, 20, 2, 2],
        machine,
    )
}

/// 12 x E5-4620v2, seen without NUMA information.
fn ivy_bridge() -> Shape {
    let machine = describe(|m| {
        m.node();
        for _ in 0..12 {
            m.package().llc().cores(8, 2);
        }
        m.numbering(OsNumbering::SiblingsLast);
    });
    Shape::new(
        "intel-ivybridge-12p.xml",
        [12, 1, 12, 96, 192, 2, 0],
        machine,
    )
}

/// A POWER7 partition: each core is a package with an L3 of its own.
fn power7() -> Shape {
    let machine = describe(|m| {
        for id in [0, 1, 4, 5, 8, 9, 12, 13] {
            m.node_with(NodeId(id), 0);
            for _ in 0..8 {
                m.package().llc().cores(1, 4);
            }
        }
        let distance = |from: usize, to: usize| match from ^ to {
            0 => 10,
            1 => 20,
            _ => 40,
        };
        set_distances(m, 8, distance);
    });
    Shape::new("power7-8n-smt4.xml", [64, 8, 64, 64, 256, 4, 0], machine)
}

/// An IBM z: packages in books in drawers, no cache, one node.
fn s390() -> Shape {
    let machine = describe(|m| {
        m.node();
        for cores in [3, 3, 4, 3, 2, 1, 1, 3] {
            m.package().cores(cores, 1);
        }
        let ids = (0..3).chain(10..13).chain(3..10).chain(13..20);
        m.numbering(OsNumbering::Listed(ids.collect()));
    });
    let mut shape = Shape::new("s390-books.xml", [8, 1, 0, 20, 20, 1, 0], machine);
    shape.books = &["0-2,10-12", "3-9", "13-15", "16-19", "0-12", "13-19"];
    shape
}

/// An SGI Altix: 64 nodes of two packages, no cache, a network of routers between them.
fn altix() -> Shape {
    let machine = describe(|m| {
        for _ in 0..64 {
            m.node().package().cores(2, 1).package().cores(2, 1);
        }
        let distance = |from: usize, to: usize| match (from ^ to, (from ^ to) / 4) {
            (0, _) => 10,
            (_, 0) => 22,
            (_, 1 | 2) => 26,
            (_, 3) => 30,
            (_, routers) if routers % 2 == 0 => 30,
            _ => 34,
        };
        set_distances(m, 64, distance);
    });
    Shape::new(
        "sgi-altix-64n-ia64.xml",
        [128, 64, 0, 256, 256, 1, 0],
        machine,
    )
}

fn set_distances(
    machine: &mut MachineBuilder,
    nodes: usize,
    distance: impl Fn(usize, usize) -> u32,
) {
    let row = |from| (0..nodes).map(|to| distance(from, to)).collect::<Vec<_>>();
    let rows: Vec<Vec<u32>> = (0..nodes).map(row).collect();
    machine.distances(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// A set from the kernel's list format.
pub(crate) fn list(text: &str) -> PuSet {
    PuSet::from_list(text).unwrap()
}
