//! Why a command ended without success, and the exit code that says so.

use std::process::ExitCode;

/// The end of a command that did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The call itself was wrong: exit code 2.
    Usage(String),
    /// Something that was checked did not hold: exit code 1.
    Failed(String),
    /// A program that was started has said everything: its own exit code.
    Status(u8),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// Prints the one line, if there is one to print, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(text) => {
                eprintln!("xtask: {text}");
                ExitCode::from(2)
            }
            Self::Failed(text) => {
                eprintln!("xtask: {text}");
                ExitCode::FAILURE
            }
            Self::Status(code) => ExitCode::from(code),
        }
    }
}
