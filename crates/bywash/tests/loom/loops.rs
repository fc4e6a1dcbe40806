//! A loop: who claims which unit, when its caller may go on, and whose the descriptor is at last.

use std::ops::Range;
use std::sync::Arc;

use bywash::Partitioner;
use bywash::model::{Idle, LoopLatch, Tickets, Units};
use bywash_sync::cell::UnsafeCell;
use bywash_sync::model::{BOUND, model};
use bywash_sync::{Parker, mutant, thread};

struct Scene {
    units: Units,
    latch: LoopLatch,
    idle: Idle,
    bed: Parker,
    /// How often each unit was run: written by whoever claimed it, read by the caller.
    runs: Vec<UnsafeCell<u32>>,
}

// SAFETY: a unit's count is its claimer's until the loop is over, and the caller's afterwards: what
// loom checks.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(units: u32, slices: usize) -> Arc<Self> {
        Arc::new(Self {
            units: Units::new(0..units, slices),
            latch: LoopLatch::new(units),
            idle: Idle::new(1, 0),
            bed: Parker::new(),
            runs: (0..units).map(|_| UnsafeCell::new(0)).collect(),
        })
    }

    fn run(&self, units: Range<u32>) {
        for unit in units {
            self.runs[unit as usize].with_mut(|runs| {
                // SAFETY: the unit was claimed by this thread; loom checks it.
                unsafe { *runs += 1 }
            });
        }
    }

    /// As a participant does, caller or ticket.
    fn take_part(&self, own: usize) {
        let claimed = self
            .units
            .work(own, Partitioner::Fixed(1), |units| self.run(units));
        if claimed != 0 && self.latch.count_done(claimed) {
            self.idle.wake_waiting(|_| Some(&self.bed));
        }
    }

    fn assert_each_ran_once(&self) {
        for runs in &self.runs {
            // SAFETY: the loop is over; loom checks it.
            let runs = runs.with(|runs| unsafe { *runs });
            assert_eq!(runs, 1, "each unit is run once");
        }
    }
}

/// Participants on threads of their own beside the caller, each with its slice.
fn others(scene: &Arc<Scene>, slices: &[usize]) -> Vec<thread::JoinHandle<()>> {
    let part = |&own: &usize| {
        let scene = Arc::clone(scene);
        thread::spawn(move || scene.take_part(own))
    };
    slices.iter().map(part).collect()
}

/// A loop of two slices, by a caller with slice 0 and one other.
fn each_unit_runs_once_beside(other: usize, units: u32) {
    let scene = Scene::new(units, 2);
    let others = others(&scene, &[other]);
    scene.take_part(0);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert!(scene.latch.is_over(), "each claim is counted");
    scene.assert_each_ran_once();
}

#[test]
fn each_unit_is_claimed_by_one_of_two() {
    model("loops::claim", BOUND, 50, || {
        each_unit_runs_once_beside(1, 3)
    });
}

#[test]
fn two_who_share_a_slice_lose_no_unit_of_what_they_robbed() {
    // Both begin with slice 0 and go on with halves of slice 1, which they put into slice 0.
    model("loops::put", 2, 50, || each_unit_runs_once_beside(0, 6));
}

#[test]
fn a_caller_that_sees_the_end_sees_what_the_bodies_did() {
    model("loops::seen", BOUND, 10, || {
        let scene = Scene::new(2, 2);
        let others = others(&scene, &[1]);
        scene.take_part(0);
        if scene.latch.is_over() || mutant("canary.loops.no_wait") {
            scene.assert_each_ran_once();
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_caller_sleeps_until_the_last_unit_is_done() {
    model("loops::sleep", 2, 50, || {
        let scene = Scene::new(2, 2);
        let others = others(&scene, &[1]);
        scene.take_part(0);
        while !scene.latch.is_over() {
            scene.latch.expect_sleep();
            scene
                .idle
                .sleep_in_wait(0, &scene.bed, || scene.latch.is_over());
        }
        scene.assert_each_ran_once();
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn the_last_holder_has_the_descriptor_for_itself() {
    struct Held {
        tickets: Tickets,
        descriptor: UnsafeCell<u32>,
    }
    // SAFETY: the descriptor is everybody's to read until they let go, then the last one's: what loom
    // checks.
    unsafe impl Sync for Held {}
    // SAFETY: as above.
    unsafe impl Send for Held {}
    impl Held {
        fn let_go(&self) {
            self.descriptor.with(|descriptor| {
                // SAFETY: this thread holds it; loom checks it.
                let _seen = unsafe { descriptor.read() };
            });
            if self.tickets.let_go() {
                self.descriptor.with_mut(|descriptor| {
                    // SAFETY: nobody else holds it; loom checks it.
                    unsafe { descriptor.write(1) }
                });
            }
        }
    }
    model("loops::tickets", BOUND, 5, || {
        let held = Arc::new(Held {
            tickets: Tickets::new(2),
            descriptor: UnsafeCell::new(0),
        });
        let tickets: Vec<_> = (0..2)
            .map(|_| {
                assert!(held.tickets.give_out());
                let held = Arc::clone(&held);
                thread::spawn(move || held.let_go())
            })
            .collect();
        assert!(!held.tickets.give_out(), "both are out");
        held.let_go();
        tickets
            .into_iter()
            .for_each(|ticket| ticket.join().unwrap());
    });
}
