//! The feature sets a crate is checked in: none, the default, each alone, all together.

use crate::host;
use crate::manifest::Manifest;
use crate::workspace::Package;

/// One choice of features, as arguments for cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FeatureSet(pub(crate) Vec<String>);

impl FeatureSet {
    /// What is said about it in a report: the arguments, or nothing for the default.
    pub(crate) fn title(&self) -> String {
        self.0.join(" ")
    }
}

/// Every set that can be built on this machine: those with `hwloc` want the C library.
pub(crate) fn sets(package: &Package) -> Vec<FeatureSet> {
    of(&package.manifest, host::has_hwloc())
}

fn of(manifest: &Manifest, has_hwloc: bool) -> Vec<FeatureSet> {
    let features: Vec<_> = manifest
        .features()
        .into_iter()
        .filter(|&feature| feature != "default" && (has_hwloc || feature != "hwloc"))
        .collect();
    let mut sets = vec![FeatureSet(Vec::new())];
    if manifest
        .value("features", "default")
        .is_some_and(|list| list != "[]")
    {
        sets.push(FeatureSet(vec!["--no-default-features".to_owned()]));
    }
    for feature in &features {
        sets.push(FeatureSet(vec![
            "--features".to_owned(),
            (*feature).to_owned(),
        ]));
    }
    if features.len() > 1 {
        sets.push(FeatureSet(vec![
            "--features".to_owned(),
            features.join(","),
        ]));
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::manifest::Manifest;

    fn titles(features: &str, has_hwloc: bool) -> Vec<String> {
        let manifest = Manifest::parse(&format!("[features]\n{features}"));
        of(&manifest, has_hwloc)
            .iter()
            .map(super::FeatureSet::title)
            .collect()
    }

    #[test]
    fn a_crate_without_features_has_one_set() {
        assert_eq!(titles("", true), [""]);
    }

    #[test]
    fn each_feature_is_met_alone_and_with_the_others() {
        assert_eq!(
            titles("default = [\"std\"]\nstd = []\nhwloc = []\n", true),
            [
                "",
                "--no-default-features",
                "--features std",
                "--features hwloc",
                "--features std,hwloc"
            ]
        );
    }

    #[test]
    fn hwloc_is_left_out_where_the_library_is_missing() {
        assert_eq!(titles("hwloc = []\n", false), [""]);
    }
}
