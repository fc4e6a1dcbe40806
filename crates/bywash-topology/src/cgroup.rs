//! What a Linux control group leaves a process: CPU time, CPUs and memory nodes, v1 and v2.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::pu_set::PuSet;

/// The CPUs' worth of time that the process's cgroups grant, the least along the way up;
/// `None` without a quota. `root` is `/`, or a folder that stands for it.
pub(crate) fn cpu_quota(root: &Path) -> Option<f64> {
    let v2 = Group::v2(root).into_iter().flat_map(|group| {
        group.upward(|folder| {
            let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
            let (quota, period) = text.trim().split_once(' ')?;
            cpus(quota, period)
        })
    });
    let v1 = Group::v1(root, "cpu").into_iter().flat_map(|group| {
        group.upward(|folder| {
            let quota = fs::read_to_string(folder.join("cpu.cfs_quota_us")).ok()?;
            let period = fs::read_to_string(folder.join("cpu.cfs_period_us")).ok()?;
            cpus(quota.trim(), period.trim())
        })
    });
    v2.chain(v1).reduce(f64::min)
}

/// The CPUs of the process's cpuset; `None` without one.
pub(crate) fn allowed_cpus(root: &Path) -> Option<PuSet> {
    cpuset(root, "cpuset.cpus")
}

/// The memory nodes of the process's cpuset (by node number); `None` without one.
pub(crate) fn allowed_nodes(root: &Path) -> Option<PuSet> {
    cpuset(root, "cpuset.mems")
}

fn cpuset(root: &Path, name: &str) -> Option<PuSet> {
    let groups = [
        (Group::v2(root), format!("{name}.effective")),
        (
            Group::v1(root, "cpuset"),
            name.replacen('.', ".effective_", 1),
        ),
        (Group::v1(root, "cpuset"), name.to_owned()),
    ];
    groups.into_iter().find_map(|(group, file)| {
        // The nearest group that has the controller decides: `effective` is already cut to
        // what the groups above it allow.
        let sets = group?.upward(|folder| {
            let text = fs::read_to_string(folder.join(&file)).ok()?;
            PuSet::from_list(&text).ok().filter(|set| !set.is_empty())
        });
        sets.into_iter().next()
    })
}

/// Quota and period as the kernel writes them; none for `max` and for -1.
fn cpus(quota: &str, period: &str) -> Option<f64> {
    let quota: f64 = quota.parse().ok().filter(|&quota| quota > 0.0)?;
    let period: f64 = period.parse().ok().filter(|&period| period > 0.0)?;
    Some(quota / period)
}

/// The process's group in one hierarchy: where that is mounted, and the path below it.
struct Group {
    mount: PathBuf,
    path: PathBuf,
}

impl Group {
    fn v2(root: &Path) -> Option<Group> {
        let path = membership(root, |controllers| controllers.is_empty())?;
        Group::mounted(root, &path, |kind, _| kind == "cgroup2")
    }

    fn v1(root: &Path, controller: &str) -> Option<Group> {
        let has = |list: &str| list.split(',').any(|one| one == controller);
        let path = membership(root, has)?;
        Group::mounted(root, &path, |kind, options| {
            kind == "cgroup" && has(options)
        })
    }

    /// Finds the hierarchy in the mount table. The line's root field tells which part of the
    /// hierarchy is mounted there: inside a container often the process's own group.
    fn mounted(root: &Path, path: &str, is_it: impl Fn(&str, &str) -> bool) -> Option<Group> {
        let table = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
        table.lines().find_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let mut place = place.split(' ').skip(3);
            let (part, point) = (place.next()?, place.next()?);
            let mut kind = kind.split(' ');
            let (name, options) = (kind.next()?, kind.nth(1)?);
            if !is_it(name, options) {
                return None;
            }
            let below = Path::new(path).strip_prefix(part).unwrap_or(Path::new(""));
            // A path that climbs out of its namespace names nothing we could read.
            let climbs = below.components().any(|part| part == Component::ParentDir);
            Some(Group {
                mount: root.join(point.trim_start_matches('/')),
                path: if climbs {
                    PathBuf::new()
                } else {
                    below.to_owned()
                },
            })
        })
    }

    /// Asks the group, then each one above it up to where the hierarchy is mounted.
    fn upward<T>(&self, ask: impl Fn(&Path) -> Option<T>) -> Vec<T> {
        let groups = self.path.ancestors();
        groups
            .filter_map(|group| ask(&self.mount.join(group)))
            .collect()
    }
}

/// The path in the hierarchy whose controller list satisfies `is_it`.
fn membership(root: &Path, is_it: impl Fn(&str) -> bool) -> Option<String> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        is_it(controllers).then(|| path.to_owned())
    })
}
