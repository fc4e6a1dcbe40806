//! Machines through the sysfs backend, from folder trees, without libhwloc.

use bywash_topology::{Backend, Error, NodeId, OsNumbering, Placement, PuSet, Topology};

use proptest::prelude::*;

use crate::expectations::{differences, folder};
use crate::machines::{Shape, list, shapes};
use crate::sysfs_tree::{Spelling, Tree};

fn through_sysfs(shape: &Shape, spelling: Spelling) -> Topology {
    let books: Vec<PuSet> = shape.books.iter().map(|book| list(book)).collect();
    let tree = match &shape.behind {
        None => Tree::of(shape.file, &shape.topology(), &books, spelling),
        Some((whole, cpus, mems)) => {
            let tree = Tree::of(shape.file, &whole.build().unwrap(), &books, spelling);
            tree.write_cpuset(cpus, mems);
            tree
        }
    };
    Topology::from_sysfs(tree.root()).unwrap()
}

/// The counts of a machine in the order of [`Shape::counts`].
fn listed_counts(machine: &Topology) -> [usize; 7] {
    let counts = machine.counts();
    [
        counts.packages,
        counts.numa_nodes,
        counts.l3_groups,
        counts.cores,
        counts.pus,
        counts.max_smt,
        counts.cpu_kinds,
    ]
}

fn assert_same(read: &Topology, described: &Topology, file: &str) {
    assert_eq!(read.pus(), described.pus(), "{file}");
    assert_eq!(read.cores(), described.cores(), "{file}");
    assert_eq!(read.llcs(), described.llcs(), "{file}");
    assert_eq!(read.nodes(), described.nodes(), "{file}");
    assert_eq!(read.present(), described.present(), "{file}");
    for placement in Placement::all() {
        let orders = (placement.order(read), placement.order(described));
        assert_eq!(orders.0, orders.1, "{file}: {placement}");
    }
}

#[test]
fn descriptions_and_sysfs_trees_are_counted_and_placed_as_the_real_machines_are() {
    let folder = folder();
    for shape in shapes() {
        let described = shape.topology();
        let read = through_sysfs(&shape, Spelling::Lists);
        assert_eq!(read.backend(), Backend::Sysfs);
        assert_eq!(listed_counts(&described), shape.counts, "{}", shape.file);
        assert_eq!(listed_counts(&read), shape.counts, "{}", shape.file);
        assert_same(&read, &described, shape.file);
        if let Some(folder) = &folder {
            let found = differences(folder, shape.file, &read);
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }
}

#[test]
fn masks_say_what_lists_say() {
    // The largest of the machines are left out for the sake of the disk.
    for shape in shapes().into_iter().filter(|shape| shape.counts[4] <= 128) {
        let read = through_sysfs(&shape, Spelling::Masks);
        assert_same(&read, &shape.topology(), shape.file);
    }
}

#[test]
fn a_kernel_without_numa_and_cpus_without_topology_are_ordinary() {
    let tree = Tree::empty("bare", Spelling::Lists);
    tree.write("sys/devices/system/cpu/cpu0/uevent", "");
    tree.write("sys/devices/system/cpu/cpu1/uevent", "");
    tree.write("proc/meminfo", "MemTotal:  2048 kB");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!((machine.counts().pus, machine.counts().cores), (2, 2));
    assert_eq!((machine.counts().packages, machine.llcs().len()), (0, 1));
    assert_eq!(machine.nodes()[0].memory, 2048 * 1024);
    for placement in Placement::all().into_iter().skip(1) {
        assert_eq!(placement.order(&machine).unwrap(), [0, 1], "{placement}");
    }
}

#[test]
fn offline_cpus_are_present_and_nothing_else() {
    let mut described = Topology::builder();
    described
        .package()
        .node()
        .llc()
        .cores(4, 1)
        .offline(list("4-7"));
    let tree = Tree::of("offline", &described.build().unwrap(), &[], Spelling::Lists);
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(machine.allowed(), list("0-3"));
    assert_eq!(*machine.online(), list("0-3"));
    assert_eq!(*machine.present(), list("0-7"));
}

#[test]
fn cpus_that_a_cgroup_forbids_are_online_all_the_same() {
    let mut described = Topology::builder();
    described.package().node().llc().cores(4, 1);
    let tree = Tree::of(
        "forbidden",
        &described.build().unwrap(),
        &[],
        Spelling::Lists,
    );
    tree.write_cpuset("1-2", "0");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(machine.allowed(), list("1-2"));
    assert_eq!(*machine.online(), list("0-3"));
}

#[test]
fn more_than_1024_cpus_are_ordinary() {
    let mut described = Topology::builder();
    for _ in 0..2 {
        described.package().node().llc().cores(512, 2);
    }
    described.numbering(OsNumbering::SiblingsLast);
    let described = described.build().unwrap();
    assert_eq!(described.usable_count(), 2048);
    let order = Placement::avoid_smt().order(&described).unwrap();
    assert_eq!(described.pus()[order[2047]].id.0, 2047);
    let mask = list("1030-2047");
    assert_eq!(described.restricted_to(&mask).unwrap().usable(), mask);
}

#[test]
fn nodes_whose_numbers_run_against_their_cpus_keep_the_logical_order() {
    let mut described = Topology::builder();
    described.package().node().cores(4, 1);
    let tree = Tree::of("swapped", &described.build().unwrap(), &[], Spelling::Lists);
    tree.write("sys/devices/system/node/online", "0-1");
    tree.write("sys/devices/system/node/node0/cpulist", "2-3");
    tree.write("sys/devices/system/node/node1/cpulist", "0-1");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(Placement::compact().order(&machine).unwrap(), [0, 1, 2, 3]);
    assert_eq!(machine.pus()[0].id.0, 0);
    assert_eq!(machine.nodes()[machine.pus()[0].node.unwrap()].id.0, 1);
}

#[test]
fn a_pu_belongs_to_the_smallest_node_around_it() {
    let mut described = Topology::builder();
    described.package().node().cores(4, 1);
    let tree = Tree::of("nested", &described.build().unwrap(), &[], Spelling::Lists);
    tree.write("sys/devices/system/node/online", "0-2");
    tree.write("sys/devices/system/node/node1/cpulist", "2-3");
    tree.write("sys/devices/system/node/node2/cpulist", "");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    let pus: Vec<usize> = machine.nodes().iter().map(|node| node.pus.len()).collect();
    assert_eq!(pus, [2, 2, 0], "the last has memory alone");
}

#[test]
fn favoured_cores_are_no_kind_of_their_own_and_slow_ones_are() {
    let mut described = Topology::builder();
    described.package().node().llc().cores(6, 1);
    let tree = Tree::of("kinds", &described.build().unwrap(), &[], Spelling::Lists);
    let clocks = [
        5_200_000, 5_200_000, 5_000_000, 5_000_000, 3_900_000, 3_900_000,
    ];
    for (cpu, clock) in clocks.into_iter().enumerate() {
        let place = format!("sys/devices/system/cpu/cpu{cpu}/cpufreq");
        tree.write(&format!("{place}/cpuinfo_max_freq"), &clock.to_string());
        let base = if clock > 4_000_000 {
            3_000_000
        } else {
            2_000_000
        };
        tree.write(&format!("{place}/base_frequency"), &base.to_string());
    }
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    let kinds: Vec<usize> = machine.pus().iter().map(|pu| pu.kind.unwrap()).collect();
    assert_eq!(kinds, [1, 1, 1, 1, 0, 0]);
    assert!(
        machine.kinds()[1]
            .description
            .contains("FrequencyBaseMHz=3000")
    );

    tree.write("sys/devices/cpu_core/cpus", "4-5");
    tree.write("sys/devices/cpu_atom/cpus", "0-3");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    let kinds: Vec<usize> = machine.pus().iter().map(|pu| pu.kind.unwrap()).collect();
    assert_eq!(
        kinds,
        [0, 0, 0, 0, 1, 1],
        "what the kernel calls a core type outweighs clocks"
    );
}

#[test]
fn cpus_that_are_off_or_missing_are_no_kind_of_core() {
    let mut described = Topology::builder();
    described.package().node().llc();
    described.kind(1).cores(2, 2).kind(0).cores(2, 1);
    // 2 and 5 were never there, and 9 is off.
    described.numbering(OsNumbering::Listed(vec![0, 1, 3, 4, 6, 8]));
    described.offline(list("9"));
    let described = described.build().unwrap();
    let tree = Tree::of("holes", &described, &[], Spelling::Lists);
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_same(&machine, &described, "holes");
    assert_eq!(machine.counts().cpu_kinds, 2);

    // One CPU tells nothing about itself: it has no kind, and the others keep theirs.
    let silent = "sys/devices/system/cpu/cpu8/cpufreq/cpuinfo_max_freq";
    std::fs::remove_file(tree.root().join(silent)).unwrap();
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    let kinds: Vec<_> = machine.pus().iter().map(|pu| pu.kind).collect();
    let (fast, slow) = (Some(1), Some(0));
    assert_eq!(kinds, [fast, fast, fast, fast, slow, None]);
    assert_eq!(machine.counts().cpu_kinds, 2);
}

#[test]
fn nodes_that_the_distances_cluster_are_neighbours_in_logical_order() {
    // Even nodes are near each other, odd ones too; a fifth has memory alone.
    let mut described = Topology::builder();
    for node in [0, 2, 1, 3] {
        described.package().node_with(NodeId(node), 0).cores(1, 2);
    }
    described.node_with(NodeId(4), 0);
    described.numbering(OsNumbering::Listed(vec![0, 1, 4, 5, 2, 3, 6, 7]));
    let distance = |from: usize, to: usize| match (from == to, from % 2 == to % 2) {
        (true, _) => 10,
        (_, true) if from.max(to) < 4 => 16,
        _ => 32,
    };
    let row = |from| -> Vec<u32> { (0..5).map(|to| distance(from, to)).collect() };
    let rows: Vec<Vec<u32>> = (0..5).map(row).collect();
    described.distances(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let described = described.build().unwrap();
    let tree = Tree::of("clusters", &described, &[], Spelling::Lists);
    let read = Topology::from_sysfs(tree.root()).unwrap();
    let order = |machine: &Topology| -> Vec<u32> {
        let pus = machine.pus().iter();
        pus.map(|pu| pu.id.0).collect()
    };
    assert_eq!(order(&read), [0, 1, 4, 5, 2, 3, 6, 7]);
    assert_eq!(order(&read), order(&described));

    // A matrix that is not symmetric shows nothing.
    let node = "sys/devices/system/node/node0/distance";
    tree.write(node, "10 16 17 32 32");
    let read = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(order(&read), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn numbers_beyond_any_linux_and_folders_in_place_of_files_are_passed_over() {
    let mut described = Topology::builder();
    described.package().node().llc().cores(2, 1);
    let tree = Tree::of("odd", &described.build().unwrap(), &[], Spelling::Lists);
    tree.write("sys/devices/system/cpu/cpu4294967295/uevent", "");
    tree.write("sys/devices/system/node/node4294967295/uevent", "");
    std::fs::remove_file(tree.root().join("sys/devices/system/cpu/online")).unwrap();
    tree.write("sys/devices/system/cpu/online/nested", "");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(machine.usable(), list("0-1"));

    let core = "sys/devices/system/cpu/cpu0/topology/core_cpus_list";
    std::fs::write(tree.root().join(core), b"0\xff\xfe").unwrap();
    let error = Topology::from_sysfs(tree.root()).unwrap_err();
    assert!(matches!(error, Error::BadFile { .. }), "{error}");
    assert!(error.to_string().contains("core_cpus_list"), "{error}");
}

#[test]
fn sets_that_contradict_each_other_still_give_every_pu_a_place() {
    let mut described = Topology::builder();
    described.package().node().llc().cores(8, 1);
    let tree = Tree::of(
        "contradiction",
        &described.build().unwrap(),
        &[],
        Spelling::Lists,
    );
    // A node that cuts through two caches, and a core that claims its neighbour's PU.
    tree.write("sys/devices/system/node/node0/cpulist", "0-2");
    tree.write(
        "sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list",
        "0-4",
    );
    tree.write(
        "sys/devices/system/cpu/cpu5/cache/index3/shared_cpu_list",
        "2-7",
    );
    tree.write("sys/devices/system/cpu/cpu1/topology/core_cpus_list", "1-2");
    let machine = Topology::from_sysfs(tree.root()).unwrap();
    assert_eq!(machine.usable(), list("0-7"));
    for placement in [
        Placement::compact(),
        Placement::scatter(),
        Placement::tiered_spillover(),
    ] {
        let mut order = placement.order(&machine).unwrap();
        order.sort();
        assert_eq!(order, (0..8).collect::<Vec<_>>(), "{placement}");
    }
}

#[test]
fn a_broken_tree_is_an_error_that_names_the_file() {
    let nothing = Tree::empty("nothing", Spelling::Lists);
    let error = Topology::from_sysfs(nothing.root()).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");

    let broken = Tree::empty("broken", Spelling::Lists);
    broken.write("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0-x");
    let error = Topology::from_sysfs(broken.root()).unwrap_err();
    assert!(error.to_string().contains("core_cpus_list"), "{error}");

    let mut described = Topology::builder();
    described.package().cores(2, 1);
    let shut_out = Tree::of(
        "shut-out",
        &described.build().unwrap(),
        &[],
        Spelling::Lists,
    );
    shut_out.write_cpuset("5", "0");
    let error = Topology::from_sysfs(shut_out.root()).unwrap_err();
    assert!(matches!(error, Error::NoUsablePu { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whatever_the_files_say_the_answer_is_an_error_or_a_machine(
        changes in prop::collection::vec((0..FILES.len(), 0..CONTENTS.len()), 1..6),
    ) {
        let mut described = Topology::builder();
        for _ in 0..2 {
            described.package().node();
            described.llc().kind(0).cores(2, 2).llc().kind(1).cores(1, 1);
        }
        described.distances(&[&[10, 20], &[20, 10]]);
        let tree = Tree::of("garbage", &described.build().unwrap(), &[], Spelling::Lists);
        tree.write_cpuset("0-9", "0-1");
        for (file, content) in changes {
            tree.write(FILES[file], CONTENTS[content]);
        }
        if let Ok(machine) = Topology::from_sysfs(tree.root()) {
            for placement in Placement::all().into_iter().skip(1) {
                let mut order = placement.order(&machine).unwrap();
                let length = order.len();
                order.sort_unstable();
                order.dedup();
                prop_assert!(length >= 1 && order.len() == length, "{}", placement);
            }
            let full = Placement::tiered_spillover().order(&machine).unwrap();
            prop_assert_eq!(full.len(), machine.usable_count());
        }
    }
}

/// Files that the property above overwrites.
const FILES: [&str; 16] = [
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/present",
    "sys/devices/system/cpu/cpu0/online",
    "sys/devices/system/cpu/cpu3/topology/core_cpus_list",
    "sys/devices/system/cpu/cpu0/topology/package_cpus_list",
    "sys/devices/system/cpu/cpu0/topology/physical_package_id",
    "sys/devices/system/cpu/cpu5/topology/cluster_cpus_list",
    "sys/devices/system/cpu/cpu2/cache/index3/shared_cpu_list",
    "sys/devices/system/cpu/cpu0/cache/index2/level",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
    "sys/devices/system/node/online",
    "sys/devices/system/node/node0/cpulist",
    "sys/devices/system/node/node1/cpulist",
    "sys/devices/system/node/node1/distance",
    "sys/fs/cgroup/jobs/one/cpuset.cpus.effective",
    "sys/fs/cgroup/jobs/one/cpuset.mems.effective",
];

/// What it writes into them.
const CONTENTS: [&str; 12] = [
    "",
    "0",
    "1",
    "-1",
    "0-4",
    "3-7",
    "0-9",
    "2,5,8",
    "9-0",
    "20",
    "x",
    "99999999999999999999",
];
