//! Frame, pool and batch allocation per thread: a bump pointer with lifetimes that make misuse a compile error.
