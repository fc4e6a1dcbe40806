//! The small files of sysfs: numbers, lists, masks, and the names of folders.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::PuId;
use crate::pu_set::{MAX_INDEX, PuSet};

pub(super) fn folder(cpus: &Path, PuId(index): PuId) -> PathBuf {
    cpus.join(format!("cpu{index}"))
}

/// The numbers N of the entries named `prefix` N, ascending. Those beyond any Linux are not
/// its own.
pub(super) fn numbered(folder: &Path, prefix: &str) -> Result<Vec<u32>, Error> {
    let unreadable = |error: std::io::Error| Error::Unreadable {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let number = |entry: fs::DirEntry| {
        entry
            .file_name()
            .to_str()?
            .strip_prefix(prefix)?
            .parse()
            .ok()
    };
    let numbers = entries.flatten().filter_map(number);
    let mut numbers: Vec<u32> = numbers.filter(|&number| number <= MAX_INDEX).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What a file holds; `None` when it is not there or may not be read. Bytes that are no text
/// stay in it, for the parsers to refuse.
pub(super) fn text(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

pub(super) fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// The first of these files that exists, as a set: names that end in `_list`, `list`, `cpus`,
/// `online` and `present` hold lists, the others masks.
pub(super) fn set(folder: &Path, names: &[&str]) -> Result<Option<PuSet>, Error> {
    for name in names {
        let path = folder.join(name);
        let Some(text) = text(&path) else { continue };
        let is_list = name.ends_with("list") || matches!(*name, "cpus" | "online" | "present");
        let set = if is_list {
            PuSet::from_list(&text)
        } else {
            PuSet::from_mask(&text)
        };
        return match set {
            Ok(set) => Ok(Some(set)),
            Err(source) => Err(Error::BadFile {
                path,
                source: source.into(),
            }),
        };
    }
    Ok(None)
}

/// `MemTotal` in bytes, 0 where it is not said.
pub(super) fn memory(meminfo: &Path) -> u64 {
    let text = text(meminfo).unwrap_or_default();
    let total = text.lines().find_map(|line| {
        let (_, rest) = line.split_once("MemTotal:")?;
        rest.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    total.unwrap_or(0).saturating_mul(1024)
}
