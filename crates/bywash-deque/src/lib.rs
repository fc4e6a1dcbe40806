//! Lock-free work stealing: the growable Chase-Lev deque, and a private stack with a public ring.
