//! Tokens and sleeps of real threads; every test would hang, not fail, on a lost wake.

use bywash_sync::Parker;
use bywash_sync::atomic::{AtomicU32, Ordering};
use bywash_sync::futex;
use std::thread;

#[test]
fn a_token_left_before_the_park_is_taken_at_once_and_only_once() {
    let parker = Parker::new();
    parker.unpark();
    parker.unpark();
    parker.park();
    assert!(!parker.take_token());
}

#[test]
fn two_threads_hand_a_token_to_and_fro_ten_thousand_times() {
    const TURNS: u32 = 10_000;
    let [ping, pong] = [Parker::new(), Parker::new()];
    let turns = AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..TURNS {
                ping.park();
                assert_eq!(turns.load(Ordering::Relaxed), 2 * turn + 1);
                turns.store(2 * turn + 2, Ordering::Relaxed);
                pong.unpark();
            }
        });
        for turn in 0..TURNS {
            turns.store(2 * turn + 1, Ordering::Relaxed);
            ping.unpark();
            pong.park();
            assert_eq!(turns.load(Ordering::Relaxed), 2 * turn + 2);
        }
    });
}

#[test]
fn a_wait_on_another_value_returns_at_once() {
    let word = AtomicU32::new(1);
    futex::wait(&word, 0);
    assert_eq!(word.load(Ordering::Relaxed), 1);
}
