//! Writes the folder tree that Linux would show of a machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use bywash_topology::{PuId, PuSet, Topology};

/// Which of the kernel's two spellings of a set a tree has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `core_cpus_list`, `shared_cpu_list`, `cpulist`.
    Lists,
    /// `thread_siblings`, `shared_cpu_map`, `cpumap`: masks, under their older names.
    Masks,
}

/// A folder tree that is removed when dropped.
pub(crate) struct Tree {
    root: PathBuf,
    spelling: Spelling,
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _still_there = fs::remove_dir_all(&self.root);
    }
}

impl Tree {
    pub(crate) fn empty(name: &str, spelling: Spelling) -> Tree {
        // Tests run side by side, and several may write the same machine.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{count}", std::process::id());
        // Tens of thousands of tiny files: in memory where that is to be had.
        let in_memory = Path::new("/dev/shm");
        let folder = match in_memory.is_dir() {
            true => in_memory,
            false => Path::new(env!("CARGO_TARGET_TMPDIR")),
        };
        let root = folder.join(format!("bywash-{name}"));
        let _absent = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Tree { root, spelling }
    }

    /// The tree of a machine.
    pub(crate) fn of(name: &str, machine: &Topology, books: &[PuSet], spelling: Spelling) -> Tree {
        let tree = Tree::empty(name, spelling);
        tree.write_cpus(machine, books);
        tree.write_nodes(machine);
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{content}\n")).unwrap();
    }

    /// A cgroup v2 that allows these CPUs and memory nodes.
    pub(crate) fn write_cpuset(&self, cpus: &str, mems: &str) {
        self.write("proc/self/cgroup", "0::/jobs/one");
        self.write(
            "proc/self/mountinfo",
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw",
        );
        self.write("sys/fs/cgroup/jobs/one/cpuset.cpus.effective", cpus);
        self.write("sys/fs/cgroup/jobs/one/cpuset.mems.effective", mems);
    }

    fn write_set(&self, folder: &str, list_name: &str, mask_name: &str, set: &PuSet) {
        match self.spelling {
            Spelling::Lists => self.write(&format!("{folder}/{list_name}"), &set.to_string()),
            Spelling::Masks => self.write(&format!("{folder}/{mask_name}"), &mask(set)),
        }
    }

    fn write_cpus(&self, machine: &Topology, books: &[PuSet]) {
        let cpus = "sys/devices/system/cpu";
        self.write(&format!("{cpus}/online"), &machine.allowed().to_string());
        self.write(&format!("{cpus}/present"), &machine.present().to_string());
        for off in machine.present().difference(&machine.allowed()).iter() {
            self.write(&format!("{cpus}/cpu{}/online", off.0), "0");
        }
        for pu in machine.pus() {
            let set = |of: &dyn Fn(&bywash_topology::Pu) -> bool| -> PuSet {
                machine
                    .pus()
                    .iter()
                    .filter(|other| of(other))
                    .map(|other| other.id)
                    .collect()
            };
            let place = format!("{cpus}/cpu{}", pu.id.0);
            let topology = format!("{place}/topology");
            let core = set(&|other| other.core == pu.core);
            self.write_set(&topology, "core_cpus_list", "thread_siblings", &core);
            if let Some(package) = pu.package {
                let package_set = set(&|other| other.package == Some(package));
                self.write_set(
                    &topology,
                    "package_cpus_list",
                    "core_siblings",
                    &package_set,
                );
                let os_index = machine.packages()[package].os_index;
                self.write(
                    &format!("{topology}/physical_package_id"),
                    &os_index.to_string(),
                );
            }
            let around = books.iter().filter(|book| book.contains(pu.id));
            for (level, book) in ["book", "drawer"].into_iter().zip(around) {
                self.write_set(
                    &topology,
                    &format!("{level}_siblings_list"),
                    &format!("{level}_siblings"),
                    book,
                );
            }
            if machine.llcs()[pu.llc].has_cache {
                let cache = |index: usize, level: usize, kind: &str, set: &PuSet| {
                    let index = format!("{place}/cache/index{index}");
                    self.write(&format!("{index}/level"), &level.to_string());
                    self.write(&format!("{index}/type"), kind);
                    self.write_set(&index, "shared_cpu_list", "shared_cpu_map", set);
                };
                cache(0, 1, "Data", &core);
                cache(1, 1, "Instruction", &core);
                cache(2, 2, "Unified", &set(&|other| other.l2 == pu.l2));
                cache(3, 3, "Unified", &set(&|other| other.llc == pu.llc));
            }
            if let Some(kind) = pu.kind {
                let clock = (kind as u64 + 1) * 1_500_000;
                self.write(
                    &format!("{place}/cpufreq/cpuinfo_max_freq"),
                    &clock.to_string(),
                );
            }
        }
    }

    fn write_nodes(&self, machine: &Topology) {
        let nodes = "sys/devices/system/node";
        let ids: PuSet = machine.nodes().iter().map(|node| PuId(node.id.0)).collect();
        self.write(&format!("{nodes}/online"), &ids.to_string());
        for (from, node) in machine.nodes().iter().enumerate() {
            let place = format!("{nodes}/node{}", node.id.0);
            let set: PuSet = node
                .pus
                .iter()
                .map(|&position| machine.pus()[position].id)
                .collect();
            self.write_set(&place, "cpulist", "cpumap", &set);
            self.write(
                &format!("{place}/meminfo"),
                &format!("Node {} MemTotal: {} kB", node.id.0, node.memory / 1024),
            );
            if machine.has_distances() {
                let row =
                    (0..machine.nodes().len()).map(|to| machine.distance(from, to).to_string());
                self.write(
                    &format!("{place}/distance"),
                    &row.collect::<Vec<_>>().join(" "),
                );
            }
        }
    }
}

/// The kernel's mask format.
fn mask(set: &PuSet) -> String {
    let groups = set.iter().last().map_or(1, |last| last.0 / 32 + 1);
    let group = |group: u32| {
        let bits = (0..32).filter(|bit| set.contains(PuId(group * 32 + bit)));
        format!("{:08x}", bits.fold(0u32, |bits, bit| bits | 1 << bit))
    };
    (0..groups).rev().map(group).collect::<Vec<_>>().join(",")
}
