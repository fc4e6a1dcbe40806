//! Where a run took place: processor, kernel, compiler, commit; read from the system, never guessed.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The facts a figure is worthless without.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Threads this process may run on at once.
    pub cores: usize,
    /// Each cache level as the kernel describes it.
    pub caches: String,
    /// Packages, last-level caches and cores as the kernel describes them; empty in old reports.
    #[serde(default)]
    pub topology: String,
    /// Memory nodes the kernel knows.
    pub numa_nodes: usize,
    /// Operating system and kernel.
    pub kernel: String,
    /// Whether the kernel runs under a hypervisor.
    pub is_virtual: bool,
    /// The target the program was compiled for.
    pub target: String,
    /// The CPU features the compiler was allowed to use.
    pub baseline: String,
    /// The compiler.
    pub compiler: String,
    /// The load average of the last minute when the run began.
    pub load: String,
}

impl Machine {
    /// Reads this machine's facts.
    pub fn read() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            processor: field(&cpuinfo, "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(),
            topology: topology(Path::new("/sys/devices/system/cpu")),
            numa_nodes: numa_nodes(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| std::env::consts::OS.to_owned(),
                |release| {
                    // A build's suffix names whoever built it, not the kernel.
                    let version = release.trim().split('-').next().unwrap_or_default();
                    format!("{} {version}", std::env::consts::OS)
                },
            ),
            is_virtual: cpuinfo.contains("hypervisor"),
            target: env!("BYWASH_TARGET").to_owned(),
            baseline: env!("BYWASH_BASELINE").to_owned(),
            compiler: env!("BYWASH_COMPILER").to_owned(),
            load: fs::read_to_string("/proc/loadavg")
                .ok()
                .and_then(|load| load.split(' ').next().map(str::to_owned))
                .unwrap_or_default(),
        }
    }

    /// A folder name for results of this kind of machine.
    pub fn slug(&self) -> String {
        let words: String = self
            .processor
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
        format!("{}-{}", words.join("-"), self.cores)
    }
}

/// The commit being measured: the work tree's where there is one, else the one compiled in.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .arg("-C")
            .arg(env!("CARGO_MANIFEST_DIR"))
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return env!("BYWASH_COMMIT").to_owned();
    };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if !changes.is_empty() => format!("{head}+changes"),
        _ => head,
    }
}

/// The date and time in UTC, as `2026-03-14T15:09:26Z`.
pub fn now() -> String {
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    civil(seconds)
}

/// Days since the epoch to a civil date: Howard Hinnant, "chrono-compatible low-level date
/// algorithms".
fn civil(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn caches() -> String {
    let folder = "/sys/devices/system/cpu/cpu0/cache";
    let mut levels: Vec<String> = (0..8)
        .filter_map(|index| {
            let read = |name: &str| {
                fs::read_to_string(format!("{folder}/index{index}/{name}"))
                    .ok()
                    .map(|text| text.trim().to_owned())
            };
            let kind = match read("type")?.as_str() {
                "Data" => "d",
                "Instruction" => return None,
                _ => "",
            };
            Some(format!("L{}{kind} {}", read("level")?, read("size")?))
        })
        .collect();
    levels.sort();
    levels.join(", ")
}

/// How many of each there are below `cpus`, a folder like the kernel's own.
fn topology(cpus: &Path) -> String {
    let [mut packages, mut caches, mut cores, mut threads] = [(); 4].map(|()| BTreeSet::new());
    for cpu in fs::read_dir(cpus).into_iter().flatten().flatten() {
        let read = |file: &str| {
            let text = fs::read_to_string(cpu.path().join(file)).ok()?;
            Some(text.trim().to_owned())
        };
        let Some(core) = read("topology/thread_siblings_list") else {
            continue;
        };
        cores.insert(core);
        packages.extend(read("topology/physical_package_id"));
        threads.insert(cpu.file_name().to_string_lossy().into_owned());
        let levels = (0..8).filter_map(|index| {
            let level = read(&format!("cache/index{index}/level"))?;
            Some((level, read(&format!("cache/index{index}/shared_cpu_list"))?))
        });
        caches.extend(levels.max().map(|(_, shared)| shared));
    }
    let some = |count: usize, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {what}{plural}")
    };
    let parts = [
        some(packages.len(), "package"),
        some(caches.len(), "last-level cache"),
        some(cores.len(), "core"),
        some(threads.len(), "thread"),
    ];
    if threads.is_empty() {
        return String::new();
    }
    parts.join(" · ")
}

fn numa_nodes() -> usize {
    fs::read_dir("/sys/devices/system/node").map_or(1, |entries| {
        entries
            .flatten()
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .strip_prefix("node")
                    .is_some_and(|digits| digits.parse::<usize>().is_ok())
            })
            .count()
            .max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil_dates() {
        assert_eq!(civil(0), "1970-01-01T00:00:00Z");
        assert_eq!(civil(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(civil(1_773_500_966), "2026-03-14T15:09:26Z");
    }

    #[test]
    fn a_topology_counts_what_cpus_share() {
        let folder = std::env::temp_dir().join(format!("bywash-bench-{}", std::process::id()));
        for cpu in 0..4 {
            let write = |file: &str, text: String| {
                let path = folder.join(format!("cpu{cpu}")).join(file);
                fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
                fs::write(path, text + "\n").expect("written");
            };
            let pair = format!("{}-{}", cpu / 2 * 2, cpu / 2 * 2 + 1);
            write("topology/physical_package_id", "0".to_owned());
            write("topology/thread_siblings_list", cpu.to_string());
            write("cache/index0/level", "1".to_owned());
            write("cache/index0/shared_cpu_list", cpu.to_string());
            write("cache/index3/level", "3".to_owned());
            write("cache/index3/shared_cpu_list", pair);
        }
        let text = topology(&folder);
        fs::remove_dir_all(&folder).expect("it was made");
        assert_eq!(
            text,
            "1 package · 2 last-level caches · 4 cores · 4 threads"
        );
        assert_eq!(topology(Path::new("no/such/folder")), "");
    }

    #[test]
    fn a_machine_has_a_name_fit_for_a_folder() {
        let mut machine = Machine::read();
        machine.processor = "AMD EPYC(TM) 9654 @ 2.4GHz".to_owned();
        machine.cores = 2;
        assert_eq!(machine.slug(), "amd-epyc-tm-9654-2-4ghz-2");
    }
}
