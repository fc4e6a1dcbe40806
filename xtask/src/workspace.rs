//! Where the workspace lies, and which packages it has.

use crate::manifest::Manifest;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of the root manifest.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // Cargo tells where the package lies now; the path of the build may be another checkout's.
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        package
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
    })
}

/// The folder that builds go to: `target`, or where the environment says.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |given| root().join(PathBuf::from(given)),
    )
}

/// One member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Package {
    pub(crate) fn name(&self) -> &str {
        self.manifest.name()
    }

    /// Whether an integration test `tests/NAME/main.rs` exists.
    pub(crate) fn has_test(&self, name: &str) -> bool {
        self.folder
            .join("tests")
            .join(name)
            .join("main.rs")
            .is_file()
    }
}

/// The packages below `crates/`, by name.
pub(crate) fn crates() -> Result<Vec<Package>, String> {
    let folder = root().join("crates");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let folder = entry.map_err(|error| error.to_string())?.path();
        if folder.join("Cargo.toml").is_file() {
            let manifest = Manifest::read(&folder.join("Cargo.toml"))?;
            found.push(Package { folder, manifest });
        }
    }
    found.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(found)
}
