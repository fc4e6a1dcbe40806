//! What this machine has: libhwloc, valgrind, and its target triple.

use crate::process::{self, Patience};
use std::process::Command;

/// What a Debian machine needs for feature `hwloc`.
pub(crate) const HWLOC_PACKAGES: &str = "libhwloc-dev libudev-dev pkg-config";

/// Whether a program can be linked with libhwloc here.
pub(crate) fn has_hwloc() -> bool {
    // Without libudev's development files the link fails late, on `-ludev`.
    process::succeeds(Command::new("pkg-config").args(["--exists", "hwloc >= 2.5", "libudev"]))
}

/// What to say where libhwloc is missing.
pub(crate) fn no_hwloc() -> String {
    format!("no libhwloc here; on Debian: apt-get install {HWLOC_PACKAGES}")
}

/// Whether instructions can be counted here.
pub(crate) fn has_valgrind() -> bool {
    process::succeeds(Command::new("valgrind").arg("--version"))
}

/// What to say where valgrind is missing.
pub(crate) fn no_valgrind() -> String {
    "no valgrind here; on Debian: apt-get install valgrind".to_owned()
}

/// The target that the toolchain builds for by default.
pub(crate) fn triple() -> Result<String, String> {
    let version = process::read(Command::new("rustc").arg("-vV"), Patience::ANSWER)?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "`rustc -vV` names no host".to_owned())
}
