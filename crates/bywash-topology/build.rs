//! With feature `hwloc`: says which packages to install before the link would fail without a word.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    let asks = |name| std::env::var_os(name).is_some();
    let is_unix = asks("CARGO_CFG_UNIX");
    if !asks("CARGO_FEATURE_HWLOC") || asks("DOCS_RS") || !is_unix {
        return;
    }
    let advice = "on Debian or Ubuntu: apt-get install libhwloc-dev libudev-dev pkg-config; \
                  on Fedora: dnf install hwloc-devel systemd-devel pkgconf; or build without feature `hwloc`";
    let pkg_config = std::env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let finds = |question: &[&str]| {
        let answer = Command::new(&pkg_config).args(question).output();
        answer.is_ok_and(|answer| answer.status.success())
    };
    if !finds(&["--atleast-version=2.5", "hwloc"]) {
        println!(
            "cargo::error=feature `hwloc` needs libhwloc 2.5 or later, found through pkg-config; {advice}"
        );
        return;
    }
    let libraries = Command::new(&pkg_config)
        .args(["--libs", "--static", "hwloc"])
        .output();
    let needs_udev =
        libraries.is_ok_and(|list| String::from_utf8_lossy(&list.stdout).contains("-ludev"));
    if needs_udev && !finds(&["--exists", "libudev"]) {
        println!(
            "cargo::warning=libhwloc links libudev, whose development files were not found; {advice}"
        );
    }
}
