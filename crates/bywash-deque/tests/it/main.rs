//! What the deques promise, one file a deque.

mod split;
