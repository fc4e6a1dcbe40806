//! How many workers start by default, and why not more.

use bywash_topology::{Limit, Placement, PuSet, Topology, WorkerCount, default_workers};

use crate::machines::list;
use crate::sysfs_tree::{Spelling, Tree};

fn sixteen_cores() -> Topology {
    let mut machine = Topology::builder();
    machine.package().node();
    machine.llc().cores(8, 2).llc().cores(8, 2);
    machine.build().unwrap()
}

fn count(machine: &Topology, placement: Placement) -> (usize, Limit) {
    let WorkerCount {
        count, limited_by, ..
    } = default_workers(machine, &placement).unwrap();
    (count, limited_by)
}

#[test]
fn without_other_limits_the_placement_decides() {
    let machine = sixteen_cores();
    assert_eq!(count(&machine, Placement::none()), (32, Limit::Placement));
    assert_eq!(
        count(&machine, Placement::tiered_spillover()),
        (32, Limit::Placement)
    );
    assert_eq!(
        count(&machine, Placement::ccd_isolation()),
        (16, Limit::Placement)
    );
}

#[test]
fn an_affinity_mask_is_named_where_it_takes_pus_away() {
    let masked = sixteen_cores().restricted_to(&list("0-3,16-19")).unwrap();
    assert_eq!(count(&masked, Placement::compact()), (8, Limit::Affinity));
    assert_eq!(
        count(&masked, Placement::ccd_isolation()),
        (4, Limit::Affinity)
    );
}

/// The sixteen cores behind a cgroup whose files `write` writes.
fn behind(write: impl FnOnce(&Tree)) -> Topology {
    let tree = Tree::of("quota", &sixteen_cores(), &[], Spelling::Lists);
    write(&tree);
    Topology::from_sysfs(tree.root()).unwrap()
}

#[test]
fn the_least_quota_on_the_way_up_a_v2_hierarchy_counts_in_whole_cpus() {
    let machine = behind(|tree| {
        tree.write_cpuset("0-31", "0");
        tree.write("sys/fs/cgroup/jobs/one/cpu.max", "max 100000");
        tree.write("sys/fs/cgroup/jobs/cpu.max", "350000 100000");
        tree.write("sys/fs/cgroup/cpu.max", "900000 100000");
    });
    assert_eq!(machine.cpu_quota(), Some(3.5));
    assert_eq!(count(&machine, Placement::compact()), (3, Limit::CpuQuota));
}

#[test]
fn a_quota_below_one_cpu_still_starts_one_worker() {
    let machine = behind(|tree| {
        tree.write("proc/self/cgroup", "4:cpu,cpuacct:/box\n0::/");
        tree.write(
            "proc/self/mountinfo",
            "33 31 0:29 /box /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
        );
        tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "20000");
        tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    });
    assert_eq!(machine.cpu_quota(), Some(0.2));
    assert_eq!(count(&machine, Placement::compact()), (1, Limit::CpuQuota));
}

#[test]
fn a_quota_of_minus_one_or_max_is_none() {
    let v1 = behind(|tree| {
        tree.write("proc/self/cgroup", "4:cpu:/");
        tree.write(
            "proc/self/mountinfo",
            "33 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
        );
        tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
        tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    });
    let v2 = behind(|tree| {
        tree.write_cpuset("0-31", "0");
        tree.write("sys/fs/cgroup/cpu.max", "max 100000");
    });
    assert_eq!((v1.cpu_quota(), v2.cpu_quota()), (None, None));
}

#[test]
fn a_v1_cpuset_decides_which_pus_are_listed() {
    let machine = behind(|tree| {
        tree.write("proc/self/cgroup", "3:cpuset:/box/inner\n0::/");
        tree.write(
            "proc/self/mountinfo",
            "33 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset",
        );
        tree.write("sys/fs/cgroup/cpuset/box/cpuset.cpus", "4-7");
        tree.write("sys/fs/cgroup/cpuset/box/inner/cpuset.cpus", "4,6");
    });
    assert_eq!(machine.allowed(), list("4,6"));
    assert_eq!(*machine.present(), PuSet::first(32));
}

#[test]
#[cfg(target_os = "linux")]
fn the_limit_on_processes_is_named_where_it_is_the_least() {
    const CHILD: &str = "BYWASH_TEST_PROCESS_LIMIT";
    let machine = Topology::detect().unwrap();
    if std::env::var_os(CHILD).is_some() {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(
            Resource::Nproc,
            Rlimit {
                current: Some(1),
                maximum: Some(1),
            },
        )
        .unwrap();
        let usable = machine.usable_count();
        let expected = if usable > 1 {
            Limit::ProcessLimit
        } else {
            Limit::Placement
        };
        let (count, limited_by) = count(&machine.unrestricted(), Placement::compact());
        assert_eq!(count, 1);
        assert!(limited_by == expected || limited_by == Limit::CpuQuota);
        return;
    }
    // A limit holds for a whole process and cannot be raised again: so in a child.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "worker_count::the_limit_on_processes_is_named_where_it_is_the_least",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
