//! The parker and the futex under shuttle's random schedules.
#![cfg(bywash_shuttle)]

use bywash_sync::model::{SCHEDULES, random};
use bywash_sync::{Parker, thread};
use std::sync::Arc;

#[test]
fn a_ring_of_five_threads_passes_one_token_around() {
    random(SCHEDULES, || {
        let ring: Arc<[Parker; 5]> = Arc::new(std::array::from_fn(|_| Parker::new()));
        let threads: Vec<_> = (0..ring.len())
            .map(|place| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    for _ in 0..3 {
                        ring[place].park();
                        ring[(place + 1) % ring.len()].unpark();
                    }
                })
            })
            .collect();
        ring[0].unpark();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(
            ring[0].take_token(),
            "the token came round to where it began"
        );
    });
}
