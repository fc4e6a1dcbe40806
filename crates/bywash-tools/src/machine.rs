//! Which machine a program looks at, and which placement.

use std::path::PathBuf;

use bywash_topology::{Placement, Topology};

/// The machine: the running one, unless a file or a description is given.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// An hwloc XML file (version 1 or 2) instead of the running machine.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["synthetic", "sysfs"])]
    xml: Option<PathBuf>,

    /// An hwloc synthetic description, such as `pack:2 [numa] l3:12 core:8 pu:2`.
    #[arg(long, value_name = "DESCRIPTION", conflicts_with = "sysfs")]
    synthetic: Option<String>,

    /// A folder that holds a copy of /sys and /proc; "/" is the running machine without libhwloc.
    #[arg(long, value_name = "FOLDER")]
    sysfs: Option<PathBuf>,
}

impl Source {
    /// The machine.
    pub(crate) fn load(&self) -> Result<Topology, String> {
        let machine = match (&self.xml, &self.synthetic, &self.sysfs) {
            (Some(path), _, _) => from_xml(path)?,
            (_, Some(description), _) => from_synthetic(description)?,
            (_, _, Some(root)) => Topology::from_sysfs(root).map_err(|error| error.to_string())?,
            _ => Topology::detect().map_err(|error| error.to_string())?,
        };
        Ok(machine)
    }

    /// What to call it in a heading.
    pub(crate) fn name(&self) -> String {
        match (&self.xml, &self.synthetic, &self.sysfs) {
            (Some(path), _, _) | (_, _, Some(path)) => path.display().to_string(),
            (_, Some(description), _) => description.clone(),
            _ => "this machine".to_owned(),
        }
    }
}

/// A placement by its name.
pub(crate) fn placement(name: &str) -> Result<Placement, String> {
    name.parse()
        .map_err(|error: bywash_topology::Error| error.to_string())
}

#[cfg(feature = "hwloc")]
fn from_xml(path: &std::path::Path) -> Result<Topology, String> {
    Topology::from_hwloc_xml(path).map_err(|error| error.to_string())
}

#[cfg(feature = "hwloc")]
fn from_synthetic(description: &str) -> Result<Topology, String> {
    Topology::from_hwloc_synthetic(description).map_err(|error| error.to_string())
}

#[cfg(not(feature = "hwloc"))]
fn from_xml(_: &std::path::Path) -> Result<Topology, String> {
    Err(without_hwloc("--xml"))
}

#[cfg(not(feature = "hwloc"))]
fn from_synthetic(_: &str) -> Result<Topology, String> {
    Err(without_hwloc("--synthetic"))
}

#[cfg(not(feature = "hwloc"))]
fn without_hwloc(option: &str) -> String {
    format!(
        "{option} needs libhwloc: install libhwloc-dev, libudev-dev and pkg-config \
         (Debian's names), and build with feature `hwloc`"
    )
}
