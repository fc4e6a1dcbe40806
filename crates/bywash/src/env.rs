//! Settings from the environment: `BYWASH_WORKERS` and `BYWASH_PLACEMENT`.

use std::env::{VarError, var};

use bywash_topology::Placement;

use crate::builder::{Builder, MOST_WORKERS};
use crate::error::BuildError;

/// The number of workers; 0 or unset: as many as the process may use processors.
const WORKERS: &str = "BYWASH_WORKERS";

/// A placement strategy's name; unset: none.
const PLACEMENT: &str = "BYWASH_PLACEMENT";

impl Builder {
    /// A builder with the defaults that the environment gives: `BYWASH_WORKERS`, a number (0 means
    /// as many as the process may use processors), and `BYWASH_PLACEMENT`, one of `none`, `linear`,
    /// `compact`, `avoid-smt`, `scatter`, `ccd-isolation`, `numa-local[:N]`,
    /// `performance-cores-first`, `tiered-spillover`.
    ///
    /// # Errors
    /// [`BuildError::Environment`] when one of them is set to something else.
    pub fn from_environment() -> Result<Self, BuildError> {
        let mut builder = Builder::new();
        if let Some(text) = read(WORKERS, "a number of workers, 0 for the default")? {
            builder = builder.workers(parse_workers(&text)?);
        }
        if let Some(text) = read(PLACEMENT, "a placement strategy's name")? {
            builder = builder.placement(parse_placement(&text)?);
        }
        Ok(builder)
    }
}

fn read(name: &'static str, expected: &'static str) -> Result<Option<String>, BuildError> {
    match var(name) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(text)) => Err(BuildError::Environment {
            name,
            value: text.display().to_string(),
            expected,
        }),
    }
}

fn parse_workers(text: &str) -> Result<usize, BuildError> {
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|&workers: &usize| workers <= MOST_WORKERS);
    number.ok_or_else(|| BuildError::Environment {
        name: WORKERS,
        value: text.to_owned(),
        expected: "expected a number of workers from 0 (as many as there are processors) to 4096",
    })
}

fn parse_placement(text: &str) -> Result<Placement, BuildError> {
    text.trim().parse().map_err(|_| BuildError::Environment {
        name: PLACEMENT,
        value: text.to_owned(),
        expected: "expected none, linear, compact, avoid-smt, scatter, ccd-isolation, \
                   numa-local[:N], performance-cores-first or tiered-spillover",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_workers_are_taken_and_garbage_is_named() {
        assert_eq!(parse_workers("8").unwrap(), 8);
        assert_eq!(parse_workers(" 0 ").unwrap(), 0);
        for garbage in ["", "-1", "eight", "99999", "1.5"] {
            let words = parse_workers(garbage).unwrap_err().to_string();
            assert!(
                words.contains("BYWASH_WORKERS") && words.contains("expected"),
                "{words}"
            );
        }
    }

    #[test]
    fn placements_go_by_name_and_an_unknown_one_lists_the_choices() {
        assert_eq!(parse_placement("scatter").unwrap(), Placement::scatter());
        let words = parse_placement("spread").unwrap_err().to_string();
        assert!(
            words.contains("BYWASH_PLACEMENT") && words.contains("scatter"),
            "{words}"
        );
    }
}
