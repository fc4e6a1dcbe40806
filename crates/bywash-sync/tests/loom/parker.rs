//! The parker: no lost token, and what was written before it is seen after it.

use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, thread};
use std::sync::Arc;

struct Post {
    parker: Parker,
    letter: UnsafeCell<u32>,
}

// SAFETY: `letter` is written before the token is left and read after it was taken.
unsafe impl Sync for Post {}

#[test]
fn the_owner_wakes_and_reads_what_came_before_the_token() {
    model("parker::token", BOUND, 8, || {
        let post = Arc::new(Post {
            parker: Parker::new(),
            letter: UnsafeCell::new(0),
        });
        let waker = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                // SAFETY: the owner reads only once it holds the token, which is left below.
                post.letter.with_mut(|letter| unsafe { letter.write(7) });
                post.parker.unpark();
            })
        };
        post.parker.park();
        // SAFETY: the token was left after the only write.
        assert_eq!(post.letter.with(|letter| unsafe { letter.read() }), 7);
        waker.join().unwrap();
    });
}

#[test]
fn two_wakers_leave_one_token_or_two_and_the_owner_never_sleeps_through_both() {
    model("parker::two_wakers", 2, 20, || {
        let parker = Arc::new(Parker::new());
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let parker = Arc::clone(&parker);
                thread::spawn(move || parker.unpark())
            })
            .collect();
        parker.park();
        for waker in wakers {
            waker.join().unwrap();
        }
        parker.take_token();
        assert!(!parker.take_token(), "two unparks left a third token");
    });
}
