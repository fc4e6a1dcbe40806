//! `xtask conformance`: other libraries' own test suites, run against ours through adapters.
//!
//! Their sources are found where cargo keeps them. A small package is made below `target/`: its
//! library is our adapter under the other library's name, its tests are the other's files. Nothing
//! of theirs is copied.

use crate::arguments::{Accepted, Arguments};
use crate::build::{self, Executable, World};
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::process::{self, Patience};
use crate::steps::Steps;
use crate::workspace;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One library's suite.
struct Suite {
    /// The word on the command line.
    name: &'static str,
    /// The library whose tests are run.
    theirs: &'static str,
    /// The adapter below `xtask/conformance`, without its ending.
    adapter: &'static str,
    /// Our crates that the adapter uses.
    ours: &'static [&'static str],
    /// The test files, seen from the library's folder. Those below `src` are modules of the
    /// library, and become modules of a shim that has its names.
    tests: &'static [&'static str],
    /// What else the tests use, in the versions that the library asks for.
    needs: &'static [&'static str],
    /// Tests that ask for something else than ours promises, and what.
    left_out: &'static [(&'static str, &'static str)],
}

const ORDER: &str = "jobs from outside have no order among themselves";

const SUITES: &[Suite] = &[
    Suite {
        name: "deque",
        theirs: "crossbeam-deque",
        adapter: "crossbeam_deque",
        ours: &["bywash-deque"],
        tests: &["tests/lifo.rs", "tests/fifo.rs", "tests/steal.rs"],
        needs: &["crossbeam-utils", "rand"],
        left_out: &[],
    },
    Suite {
        name: "deque",
        theirs: "st3",
        adapter: "st3",
        ours: &["bywash-deque"],
        tests: &["tests/tests.rs"],
        needs: &["oorandom"],
        left_out: &[("drain_steal", "a drain that keeps thieves out is st3's own")],
    },
    Suite {
        name: "rayon",
        theirs: "rayon-core",
        adapter: "rayon_core",
        ours: &["bywash"],
        tests: &[
            "src/broadcast/test.rs",
            "src/join/test.rs",
            "src/scope/test.rs",
            "src/spawn/test.rs",
            "src/test.rs",
            "src/thread_pool/test.rs",
        ],
        needs: &["rand", "rand_xorshift"],
        left_out: &[
            (
                "join_context_both",
                "a caller from outside is a worker here, not a migrant",
            ),
            (
                "panic_b_still_executes",
                "a second side that nobody has begun is dropped when the first one panics",
            ),
            ("spawn::test::lifo", ORDER),
            ("spawn::test::fifo", ORDER),
            ("spawn::test::nested", ORDER),
            ("spawn::test::mixed", ORDER),
            (
                "scope_spawn_broadcast",
                "a broadcast that does not wait has no place in a frame",
            ),
            (
                "scope_fifo_spawn_broadcast",
                "a broadcast that does not wait has no place in a frame",
            ),
            ("broadcast_after_spawn", ORDER),
            ("spawn_lifo_order", ORDER),
            ("spawn_fifo_order", ORDER),
            (
                "test::broadcast_mutual",
                "a caller's seat is served while it waits in that system, not in another",
            ),
            (
                "spawn_broadcast_panic_many",
                "of a broadcast's panics the lowest worker's comes out",
            ),
            (
                "in_place_scope",
                "a caller is a worker of its frame, and here the only one",
            ),
            ("panic_thread_name", "a name that cannot be had is replaced"),
            (
                "cleared_current_thread",
                "threads are the system's own, never given to it",
            ),
        ],
    },
];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        word: Some("deque or rayon"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("conformance", given, accepted)?;
    if let Some(word) = arguments.word()
        && !SUITES.iter().any(|suite| suite.name == word)
    {
        let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        return Err(Failure::usage(format!(
            "`conformance {word}`: there are {}",
            names.join(", ")
        )));
    }
    let mut steps = Steps::default();
    add(&mut steps, arguments.word());
    steps.finish("conformance")
}

/// The suites called `name`, or all.
pub(crate) fn add(steps: &mut Steps, name: Option<&str>) {
    for suite in SUITES
        .iter()
        .filter(|suite| name.is_none_or(|name| suite.name == name))
    {
        steps.check(&format!("conformance: {}", suite.theirs), || suite.run());
    }
}

impl Suite {
    fn run(&self) -> Result<String, String> {
        let theirs = source(self.theirs)?;
        let folder = workspace::target().join("conformance").join(self.theirs);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let manifest = self.manifest(&theirs, &Manifest::read(&theirs.join("Cargo.toml"))?)?;
        let path = folder.join("Cargo.toml");
        fs::write(&path, manifest).map_err(|error| format!("{}: {error}", path.display()))?;
        let path = folder.join("shim.rs");
        fs::write(&path, self.shim(&theirs))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let lock = folder.join("Cargo.lock");
        if !lock.exists() {
            fs::copy(workspace::root().join("Cargo.lock"), &lock)
                .map_err(|error| format!("{}: {error}", lock.display()))?;
        }
        let mut cargo = Command::new(build::cargo());
        cargo
            .args(["test", "--release", "--no-run", "--tests"])
            .current_dir(&folder)
            .env(
                "CARGO_TARGET_DIR",
                workspace::target().join("conformance/target"),
            );
        let programs = build::executables(&mut cargo)?;
        let mut passed = 0;
        for program in programs {
            passed += self.run_tests(&program)?;
        }
        if passed == 0 {
            return Err("no test was run".to_owned());
        }
        let mut said = format!("{passed} tests");
        for (test, reason) in self.left_out {
            said.push_str(&format!("\n  left out *{test}*: {reason}"));
        }
        Ok(said)
    }

    /// A crate that has the library's names at its root, and its test modules where they belong.
    fn shim(&self, theirs: &Path) -> String {
        let modules = self.tests.iter().filter_map(|test| {
            let module = test.strip_prefix("src/")?.strip_suffix("test.rs")?;
            let path = theirs.join(test).display().to_string();
            let tests = format!("#[path = {path:?}]\n    mod test;\n");
            Some(match module.strip_suffix('/') {
                Some(module) => format!("mod {module} {{\n    pub use crate::*;\n    {tests}}}\n"),
                None => tests,
            })
        });
        let modules: String = modules.collect();
        if modules.is_empty() {
            return modules;
        }
        format!(
            "//! Made by `xtask conformance`.\n\npub use {}::*;\n\n{modules}",
            self.adapter
        )
    }

    /// Runs one of their test programs and counts its tests.
    fn run_tests(&self, program: &Executable) -> Result<usize, String> {
        let mut command = Command::new(&program.path);
        // One at a time: their stress tests spin on more threads than there are cores.
        command.args(["--test-threads", "1"]);
        for (test, _) in self.left_out {
            command.args(["--skip", test]);
        }
        let finished = process::listen(&mut command, Patience::CONFORMANCE)?;
        let title = program.source.display();
        let tests = finished
            .output
            .lines()
            .filter(|line| line.starts_with("test "));
        tests.clone().for_each(|line| println!("  {line}"));
        if let Some(reason) = &finished.timed_out {
            Err(format!("{title} {reason}:\n{}", finished.tail(12)))
        } else if finished.succeeded() {
            Ok(tests.filter(|line| line.ends_with(" ... ok")).count())
        } else {
            Err(format!("{title}:\n{}", finished.tail(40)))
        }
    }

    /// The manifest of the package: our adapter as their library, their files as its tests.
    fn manifest(&self, theirs: &Path, manifest: &Manifest) -> Result<String, String> {
        let root = workspace::root();
        let adapter = root.join(format!("xtask/conformance/{}.rs", self.adapter));
        let mut text = format!(
            "[package]\nname = \"conformance-{}\"\nedition = \"2021\"\nautotests = false\n\n[workspace]\n\n[lints.rust]\nwarnings = \"allow\"\n\n\
             [lib]\nname = \"{}\"\npath = '{}'\ntest = false\ndoctest = false\n\n[dependencies]\n",
            self.theirs,
            self.adapter,
            adapter.display()
        );
        let mut line = |line: String| writeln!(text, "{line}").map_err(|error| error.to_string());
        for ours in self.ours {
            line(format!(
                "{ours} = {{ path = '{}' }}",
                root.join("crates").join(ours).display()
            ))?;
        }
        for need in self.needs {
            let version = ["dependencies", "dev-dependencies"]
                .iter()
                .find_map(|table| manifest.value(&format!("{table}.{need}"), "version"))
                .ok_or_else(|| format!("{} no longer asks for {need}", self.theirs))?;
            line(format!("{need} = \"{version}\""))?;
        }
        let shim = self.shim(theirs);
        if !shim.is_empty() {
            line("\n[[test]]\nname = \"shim\"\npath = 'shim.rs'".to_owned())?;
        }
        for test in self.tests {
            let path = theirs.join(test);
            if !path.is_file() {
                return Err(format!(
                    "{} is not there: the suite has moved",
                    path.display()
                ));
            }
            if test.starts_with("src/") {
                continue;
            }
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            line(format!(
                "\n[[test]]\nname = \"{name}\"\npath = '{}'",
                path.display()
            ))?;
        }
        Ok(text)
    }
}

/// The folder of a library that the bench depends on.
fn source(library: &str) -> Result<PathBuf, String> {
    let mut cargo = World::Plain.cargo(&["metadata", "--format-version", "1"]);
    let metadata = process::read(&mut cargo, Patience::ANSWER)?;
    folder_in(&metadata, library)
        .ok_or_else(|| format!("`cargo metadata` names no package {library}"))
}

/// The folder of `library` among the `manifest_path`s of `metadata`: `…/library-VERSION`.
fn folder_in(metadata: &str, library: &str) -> Option<PathBuf> {
    let paths = metadata.split("\"manifest_path\":\"").skip(1);
    paths
        .filter_map(|rest| rest.split('"').next())
        .filter_map(|manifest| Path::new(manifest).parent())
        .find(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(library)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        })
        .map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::folder_in;
    use std::path::PathBuf;

    #[test]
    fn a_library_is_found_by_its_whole_name() {
        let metadata = r#"{"manifest_path":"/r/rayon-core-1.13.0/Cargo.toml"},{"manifest_path":"/r/rayon-1.11.0/Cargo.toml"}"#;
        assert_eq!(
            folder_in(metadata, "rayon"),
            Some(PathBuf::from("/r/rayon-1.11.0"))
        );
        assert_eq!(folder_in(metadata, "chili"), None);
    }
}
