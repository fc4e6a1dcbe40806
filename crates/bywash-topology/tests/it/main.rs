//! The crate's integration tests, one module a subject.

mod running_machine;
