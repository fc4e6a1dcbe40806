//! The files of the repository, as the rules see them: paths and texts.

use crate::process::{self, Patience};
use crate::workspace;
use std::fs;
use std::process::Command;

/// Every file that git tracks or would add, with `/` between the parts of its path.
#[derive(Debug, Default)]
pub(crate) struct Tree(Vec<(String, String)>);

impl Tree {
    pub(crate) fn read() -> Result<Self, String> {
        let mut git = Command::new("git");
        git.current_dir(workspace::root()).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ]);
        let mut files = Vec::new();
        for path in process::read(&mut git, Patience::ANSWER)?.split_terminator('\0') {
            // A tracked file may be deleted in the working tree; one that is no text has no lines.
            if let Ok(bytes) = fs::read(workspace::root().join(path)) {
                files.push((
                    path.to_owned(),
                    String::from_utf8(bytes).unwrap_or_default(),
                ));
            }
        }
        Ok(Self(files))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let own = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.iter().map(own).collect())
    }

    /// Path and text of every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Path and text of the files whose name ends in `.EXTENSION`.
    pub(crate) fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| {
            path.rsplit_once('.')
                .is_some_and(|(_, found)| found == extension)
        })
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files()
            .find(|(known, _)| *known == path)
            .map(|(_, text)| text)
    }

    /// Whether `path` is a file, or a folder with a file in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files().any(|(known, _)| {
            known == path
                || path.is_empty()
                || known
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}
