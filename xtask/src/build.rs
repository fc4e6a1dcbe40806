//! The worlds a build can be made for: each has its flags and a target folder of its own.

use crate::process::{self, Patience};
use crate::workspace;
use std::path::PathBuf;
use std::process::Command;

/// What a build is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// What ships.
    Plain,
    /// Every interleaving, up to a bound.
    Loom,
    /// Random schedules.
    Shuttle,
    /// AddressSanitizer, leaks included.
    Address,
    /// ThreadSanitizer.
    Thread,
}

impl World {
    fn flags(self) -> &'static str {
        match self {
            Self::Plain => "",
            // crossbeam-epoch has to live in the same world.
            Self::Loom => "--cfg bywash_loom --cfg crossbeam_loom",
            Self::Shuttle => "--cfg bywash_shuttle",
            Self::Address => "-Zsanitizer=address --cfg bywash_asan",
            Self::Thread => {
                "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg bywash_tsan"
            }
        }
    }

    pub(crate) fn is_sanitized(self) -> bool {
        matches!(self, Self::Address | Self::Thread)
    }

    /// Rustc in this world.
    pub(crate) fn rustc(self) -> Command {
        let mut command = Command::new("rustc");
        command
            .current_dir(workspace::root())
            .args(self.flags().split_whitespace());
        if self.is_sanitized() {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    /// Cargo in this world, at the root of the workspace.
    pub(crate) fn cargo(self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(workspace::root()).args(arguments);
        if self != Self::Plain {
            let given = std::env::var("RUSTFLAGS").unwrap_or_default();
            command
                .env("RUSTFLAGS", format!("{given} {}", self.flags()).trim())
                .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
                .env("CARGO_TARGET_DIR", self.target());
        }
        if self.is_sanitized() {
            // Optimised, or the calls into core's own copies of generic code are not instrumented.
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
                .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
        }
        command
    }

    /// The target folder of this world.
    pub(crate) fn target(self) -> PathBuf {
        workspace::target().join(match self {
            Self::Plain => "",
            Self::Loom => "loom",
            Self::Shuttle => "shuttle",
            Self::Address => "address",
            Self::Thread => "thread",
        })
    }
}

/// The cargo that started us, or the one on the path.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A program that a build brought out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executable {
    /// The root source file it was made from.
    pub(crate) source: PathBuf,
    pub(crate) path: PathBuf,
}

/// Builds with `command` and names the programs that came out.
pub(crate) fn executables(command: &mut Command) -> Result<Vec<Executable>, String> {
    let command = command.arg("--message-format=json-render-diagnostics");
    let messages = process::read(command, Patience::BUILD)?;
    Ok(messages.lines().filter_map(executable).collect())
}

/// The program that one of cargo's messages tells of.
fn executable(message: &str) -> Option<Executable> {
    Some(Executable {
        source: text(message, "src_path")?.into(),
        path: text(message, "executable")?.into(),
    })
}

/// The text under `key`, at whatever depth it stands first.
fn text(message: &str, key: &str) -> Option<String> {
    let (_, rest) = message.split_once(&format!("\"{key}\":\""))?;
    let mut found = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(found),
            '\\' => found.push(characters.next()?),
            other => found.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::executable;
    use std::path::Path;

    #[test]
    fn the_executable_of_a_message_is_read_and_null_is_none() {
        let message = r#"{"target":{"src_path":"/a/main.rs"},"executable":"/a \"b\"/loom-1f"}"#;
        let found = executable(message).unwrap();
        assert_eq!(found.source, Path::new("/a/main.rs"));
        assert_eq!(found.path, Path::new(r#"/a "b"/loom-1f"#));
        assert_eq!(
            executable(r#"{"src_path":"/a/lib.rs","executable":null}"#),
            None
        );
    }
}
