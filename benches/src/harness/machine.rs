//! Where a run took place: processor, kernel, compiler, commit; read from the system, never guessed.

use serde::{Deserialize, Serialize};
use std::fs;
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
            numa_nodes: numa_nodes(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| std::env::consts::OS.to_owned(),
                |release| format!("{} {}", std::env::consts::OS, release.trim()),
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
    fn a_machine_has_a_name_fit_for_a_folder() {
        let mut machine = Machine::read();
        machine.processor = "AMD EPYC(TM) 9654 @ 2.4GHz".to_owned();
        machine.cores = 2;
        assert_eq!(machine.slug(), "amd-epyc-tm-9654-2-4ghz-2");
    }
}
