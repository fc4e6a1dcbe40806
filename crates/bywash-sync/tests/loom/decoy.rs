//! The shim itself: what stock loom skips is explored, and what is wrong is found.

use bywash_sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{ordering, thread};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Tally;

#[test]
fn a_store_that_follows_a_load_is_seen_from_the_other_side() {
    // Tallies are plain: they add up over all schedules, and loom must not see them.
    let saw_store = Arc::new(Tally::new(0));
    let tally = Arc::clone(&saw_store);
    model("decoy::store_after_load", BOUND, 4, move || {
        let word = Arc::new(AtomicUsize::new(0));
        let writer = {
            let word = Arc::clone(&word);
            thread::spawn(move || {
                word.load(Ordering::Relaxed);
                word.store(1, Ordering::Relaxed);
            })
        };
        tally.fetch_add(word.load(Ordering::Relaxed), Ordering::Relaxed);
        writer.join().unwrap();
    });
    assert!(
        saw_store.load(Ordering::Relaxed) > 0,
        "no schedule let the reader see the store: the decoys are gone"
    );
}

struct Message {
    ready: AtomicBool,
    body: UnsafeCell<u32>,
}

// SAFETY: `body` is written before `ready` is set with Release, and read only after `ready` was
// seen set with Acquire; loom checks exactly that.
unsafe impl Sync for Message {}

#[test]
fn a_message_is_read_whole() {
    model("decoy::message", BOUND, 4, || {
        let message = Arc::new(Message {
            ready: AtomicBool::new(false),
            body: UnsafeCell::new(0),
        });
        let sender = {
            let message = Arc::clone(&message);
            thread::spawn(move || {
                // SAFETY: the reader looks only after `ready`, which is still false.
                message.body.with_mut(|body| unsafe { body.write(7) });
                message.ready.store(
                    true,
                    ordering!(Release, "canary.message.publish" => Relaxed),
                );
            })
        };
        if message.ready.load(Ordering::Acquire) {
            // SAFETY: `ready` was set after the only write.
            assert_eq!(message.body.with(|body| unsafe { body.read() }), 7);
        }
        sender.join().unwrap();
    });
}

#[test]
fn of_two_threads_with_fences_one_sees_the_other() {
    model("decoy::store_buffer", BOUND, 10, || {
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let other = {
            let words = Arc::clone(&words);
            thread::spawn(move || raise_and_look(&words[0], &words[1]))
        };
        let mine = raise_and_look(&words[1], &words[0]);
        assert!(mine + other.join().unwrap() > 0, "both missed each other");
    });
}

fn raise_and_look(mine: &AtomicUsize, other: &AtomicUsize) -> usize {
    mine.store(1, Ordering::Relaxed);
    // Pairs with the same fence of the other thread: of the two, one comes first.
    if !bywash_sync::mutant("canary.store_buffer.fence") {
        fence(Ordering::SeqCst);
    }
    other.load(Ordering::Relaxed)
}
