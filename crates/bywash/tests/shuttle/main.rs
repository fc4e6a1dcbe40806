//! Random schedules by shuttle, with more threads than loom can take: protocols, and the whole system.
#![cfg(bywash_shuttle)]

mod loops;
mod protocols;
mod system;
