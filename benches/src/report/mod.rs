//! What a run is shown as: a table in the terminal, a JSON file, a page, a comparison, a README section.

pub mod table;
