//! The real machines, and what libhwloc refuses, through feature `hwloc`.

use bywash_topology::{Error, Placement, Topology};

use crate::expectations::{differences, folder, table};

#[test]
fn all_real_machines_have_the_expected_counts_and_placements() {
    let Some(folder) = folder() else { return };
    let files = table(&folder.join("expected.tsv"));
    let differences: Vec<String> = files
        .iter()
        .flat_map(|row| {
            let machine = Topology::from_hwloc_xml(folder.join(&row["file"])).unwrap();
            differences(&folder, &row["file"], &machine)
        })
        .collect();
    assert_eq!(files.len(), 14);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn both_backends_agree_on_the_running_machine() {
    let sysfs = Topology::from_sysfs("/").unwrap();
    let hwloc = Topology::from_hwloc().unwrap();
    assert_eq!(sysfs.counts(), hwloc.counts());
    assert_eq!(sysfs.pus(), hwloc.pus());
    assert_eq!(sysfs.cores(), hwloc.cores());
    assert_eq!(sysfs.llcs(), hwloc.llcs());
    assert_eq!(sysfs.packages(), hwloc.packages());
    assert_eq!(sysfs.nodes(), hwloc.nodes());
    assert_eq!(sysfs.usable(), hwloc.usable());
    let nodes = 0..sysfs.nodes().len();
    for (from, to) in nodes
        .clone()
        .flat_map(|from| nodes.clone().map(move |to| (from, to)))
    {
        assert_eq!(sysfs.distance(from, to), hwloc.distance(from, to));
    }
    for placement in Placement::all() {
        assert_eq!(
            placement.order(&sysfs).unwrap(),
            placement.order(&hwloc).unwrap()
        );
    }
}

#[test]
fn a_synthetic_description_gives_the_machine_it_describes() {
    let machine = Topology::from_hwloc_synthetic("pack:2 [numa] l3:12 core:8 pu:2").unwrap();
    let counts = machine.counts();
    assert_eq!(
        (counts.packages, counts.numa_nodes, counts.l3_groups),
        (2, 2, 24)
    );
    assert_eq!((counts.cores, counts.pus, counts.max_smt), (192, 384, 2));
}

/// A file of version 1: PU 0 in no node, PU 1 in node 1, node 2 of memory alone, and a matrix
/// without a name.
fn version_1() -> String {
    let object = |what: &str, pus: u32, nodes: u32, inside: &str| {
        format!(
            "<object {what} cpuset=\"{pus:#x}\" complete_cpuset=\"{pus:#x}\" \
             nodeset=\"{nodes:#x}\" complete_nodeset=\"{nodes:#x}\">{inside}</object>"
        )
    };
    let values = [10, 40, 40, 10].map(|value| format!("<latency value=\"{value}\"/>"));
    let inside = [
        "<distances nbobjs=\"2\" relative_depth=\"1\" latency_base=\"1.0\">".to_owned(),
        values.concat(),
        "</distances>".to_owned(),
        object("type=\"PU\" os_index=\"0\"", 1, 0, ""),
        object(
            "type=\"NUMANode\" os_index=\"1\"",
            2,
            2,
            &object("type=\"PU\" os_index=\"1\"", 2, 2, ""),
        ),
        object("type=\"NUMANode\" os_index=\"2\"", 0, 4, ""),
    ];
    let machine = object("type=\"Machine\" os_index=\"0\"", 3, 6, &inside.concat());
    format!("<topology>{machine}</topology>")
}

#[test]
fn a_file_of_version_1_has_its_distances_and_memory_far_from_all_is_nobodys() {
    let path = std::env::temp_dir().join(format!("bywash-v1-{}.xml", std::process::id()));
    std::fs::write(&path, version_1()).unwrap();
    let machine = Topology::from_hwloc_xml(&path);
    std::fs::remove_file(&path).unwrap();
    let machine = machine.unwrap();
    let nodes: Vec<_> = machine.pus().iter().map(|pu| pu.node).collect();
    assert_eq!(nodes, [None, Some(0)]);
    assert!(machine.nodes()[1].pus.is_empty());
    assert!(machine.has_distances());
    assert_eq!(machine.distance(0, 1), 40);
}

#[test]
fn what_libhwloc_cannot_load_is_one_clear_error() {
    let missing = Topology::from_hwloc_xml("no/such/file.xml").unwrap_err();
    assert!(matches!(missing, Error::Unreadable { .. }), "{missing}");

    let folder = std::env::temp_dir().join(format!("bywash-xml-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let refused = |content: &str| {
        let path = folder.join("machine.xml");
        std::fs::write(&path, content).unwrap();
        let error = Topology::from_hwloc_xml(&path).unwrap_err();
        assert!(matches!(error, Error::Hwloc { .. }), "{error}");
        let message = error.to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    };
    for broken in [
        "",
        "no xml",
        "<topology",
        "<topology version=\"2.0\">",
        "<topology version=\"2.0\"></topology>",
        "\0",
    ] {
        refused(broken);
    }
    // Each of these crashes libhwloc 2.9.
    let half = "<topology version=\"2.0\"><object type=\"NUMANode\"/><object type=\"PU\" cpuset=\"0x1\"/></topology>";
    assert!(refused(half).contains("complete_cpuset"));
    assert!(refused(&half.replace("type=\"PU\"", "typ=\"PU\"")).contains("no type"));
    let v3 = refused(
        "<?xml version=\"1.0\"?>\n<topology version=\"3.0\"><object type=\"Machine\"/></topology>",
    );
    assert!(v3.contains("version"), "{v3}");
    std::fs::remove_dir_all(&folder).unwrap();

    let synthetic = Topology::from_hwloc_synthetic("pack:two").unwrap_err();
    assert!(matches!(synthetic, Error::Hwloc { .. }), "{synthetic}");
    let huge = Topology::from_hwloc_synthetic("pack:99999 core:99999 pu:99999").unwrap_err();
    assert!(huge.to_string().contains("smaller"), "{huge}");
    let wide = Topology::from_hwloc_synthetic("pu:8192").unwrap_err();
    assert!(wide.to_string().contains("side by side"), "{wide}");
    let nul = Topology::from_hwloc_synthetic("pack:2\0").unwrap_err();
    assert!(matches!(nul, Error::Hwloc { .. }), "{nul}");
}
