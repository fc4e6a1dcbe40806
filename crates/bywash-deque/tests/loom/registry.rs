//! The registry: a reader sees whole lists and live members, whatever joins and leaves.

use bywash_deque::registry::Registry;
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::thread;

/// A member that loom watches: written when it is made, read by whoever finds it.
struct Member(UnsafeCell<usize>);

// SAFETY: written before it joins and only read afterwards; loom checks exactly that.
unsafe impl Sync for Member {}

impl Member {
    fn new(number: usize) -> Self {
        let member = Self(UnsafeCell::new(0));
        member.0.with_mut(|cell| {
            // SAFETY: nobody else has it yet.
            unsafe { cell.write(number) }
        });
        member
    }

    fn number(&self) -> usize {
        self.0.with(|cell| {
            // SAFETY: a member is not written once it has joined.
            unsafe { cell.read() }
        })
    }
}

#[test]
fn a_reader_meets_a_join_and_a_leave() {
    model("registry::join_and_leave", BOUND, 300, || {
        let registry = Registry::new();
        let first = registry.join(Member::new(1));
        let reader = {
            let registry = registry.clone();
            thread::spawn(move || {
                let members = registry.read();
                let numbers: Vec<usize> = members.iter().map(Member::number).collect();
                assert!(
                    [&[1][..], &[1, 2], &[2]].contains(&&numbers[..]),
                    "no moment had the members {numbers:?}"
                );
            })
        };
        let second = registry.join(Member::new(2));
        drop(first);
        reader.join().expect("a model's first panic ends it");
        assert_eq!(registry.read().len(), 1);
        drop(second);
    });
}
