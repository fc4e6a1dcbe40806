//! A `Cargo.toml` as far as we need it: its tables, and the lines in them.
//!
//! Not a TOML parser. Our manifests are written one key a line, and a key that does not stand at
//! the start of its line is not seen.

use std::fs;
use std::path::Path;

/// The tables of a manifest in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest(Vec<Table>);

#[derive(Clone, Debug)]
struct Table {
    name: String,
    /// Key and value, the value as it is written.
    entries: Vec<(String, String)>,
}

/// One line of a `[dependencies]` table, or of one of its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dependency<'a> {
    /// The table: `dependencies`, `target.'cfg(bywash_loom)'.dependencies`, …
    pub(crate) table: &'a str,
    pub(crate) name: &'a str,
    /// What stands right of the name, as it is written.
    pub(crate) value: &'a str,
}

impl Manifest {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        fs::read_to_string(path)
            .map(|text| Self::parse(&text))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut tables = vec![Table {
            name: String::new(),
            entries: Vec::new(),
        }];
        for line in text.lines() {
            if line.starts_with('[') {
                let name = line.split(" #").next().unwrap_or(line).trim_end();
                tables.push(Table {
                    name: name.trim_matches(['[', ']']).to_owned(),
                    entries: Vec::new(),
                });
            } else if let Some((key, value)) = line.split_once('=')
                && !line.starts_with(['#', ' ', '\t'])
                && let Some(table) = tables.last_mut()
            {
                table.entries.push((
                    key.trim().trim_matches('"').to_owned(),
                    value.trim().to_owned(),
                ));
            }
        }
        Self(tables)
    }

    /// The value of `key` in `table`, without quotes.
    pub(crate) fn value(&self, table: &str, key: &str) -> Option<&str> {
        self.entries(table)
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim_matches('"'))
    }

    pub(crate) fn name(&self) -> &str {
        self.value("package", "name").unwrap_or("")
    }

    /// The names in `[features]`, `default` included.
    pub(crate) fn features(&self) -> Vec<&str> {
        self.entries("features").map(|(name, _)| name).collect()
    }

    /// Every dependency of every kind.
    pub(crate) fn dependencies(&self) -> Vec<Dependency<'_>> {
        let mut found = Vec::new();
        for table in &self.0 {
            if table.name.ends_with("dependencies") && table.name != "workspace.dependencies" {
                found.extend(table.entries.iter().map(|(key, value)| Dependency {
                    table: &table.name,
                    name: key.split('.').next().unwrap_or(key),
                    value,
                }));
            } else if let Some((kind, name)) = table.name.rsplit_once("dependencies.") {
                found.push(Dependency {
                    table: &table.name[..kind.len() + "dependencies".len()],
                    name,
                    value: "",
                });
            }
        }
        found
    }

    fn entries(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(move |candidate| candidate.name == table)
            .flat_map(|table| &table.entries)
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    const TEXT: &str = r#"
[package]
name = "bywash-example"
publish = false

[features]
default = []
stats = ["dep:tracing"]

[dependencies]
bywash-sync.workspace = true
# bywash-deque.workspace = true
thiserror = { workspace = true }

[target.'cfg(bywash_loom)'.dependencies]
loom.workspace = true

[dev-dependencies.proptest]
workspace = true
"#;

    #[test]
    fn tables_and_keys_are_found_and_comments_are_not() {
        let manifest = Manifest::parse(TEXT);
        assert_eq!(manifest.name(), "bywash-example");
        assert_eq!(manifest.features(), ["default", "stats"]);
        let found: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|dependency| (dependency.table, dependency.name))
            .collect();
        assert_eq!(
            found,
            [
                ("dependencies", "bywash-sync"),
                ("dependencies", "thiserror"),
                ("target.'cfg(bywash_loom)'.dependencies", "loom"),
                ("dev-dependencies", "proptest"),
            ]
        );
    }
}
