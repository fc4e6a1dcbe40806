//! A rustdoc that reads the error codes of `compile_fail,E0…`.
//!
//! The stable one takes any error for the right one. With `RUSTC_BOOTSTRAP` it compares the codes;
//! set for cargo as a whole, the variable would have build scripts think that they are on nightly.

use crate::workspace;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const SCRIPT: &str = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";

/// Lets the doctests of `command`, a `cargo test`, be judged by their codes where we know how.
pub(crate) fn judge_codes(command: &mut Command) {
    if let Some(program) = program() {
        command.env("RUSTDOC", program);
    }
}

#[cfg(unix)]
fn program() -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = workspace::target().join("rustdoc-with-codes");
    if fs::read_to_string(&path).ok().as_deref() != Some(SCRIPT) {
        fs::create_dir_all(workspace::target()).ok()?;
        fs::write(&path, SCRIPT).ok()?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).ok()?;
    }
    Some(path)
}

#[cfg(not(unix))]
fn program() -> Option<PathBuf> {
    None
}
