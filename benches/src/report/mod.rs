//! What a run is shown as: a table in the terminal, a JSON file, a page, a comparison, a README section.

pub mod compare;
pub mod file;
pub mod instructions;
pub mod page;
mod pictures;
pub mod plot;
pub mod readme;
pub mod table;
pub mod words;
