//! The same bits on every system and schedule: workers are held up here and there, each time elsewhere.

use std::hint::black_box;

use bywash::{Context, JobSystem};

use super::loops::systems;

const SCHEDULES: u64 = 100;
const ITEMS: usize = 1_000;

/// Holds its worker up at about one index in sixty, others for each schedule. Seldom by a yield: on a
/// machine that is busy with other things each costs a slice of the scheduler's.
fn disturb(schedule: u64, index: usize) {
    let noise = (schedule << 32 | index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    match noise % 1_024 {
        0 => std::thread::yield_now(),
        rest if rest % 64 == 1 => (0..noise / 64).for_each(|turn| _ = black_box(turn)),
        _ => (),
    }
}

/// A sum of these shows any other order of its additions.
fn weigh(schedule: u64, index: usize) -> f64 {
    disturb(schedule, index);
    1.0 / (index as f64 + 0.37)
}

/// Requires the same bits of every system on every schedule.
fn assert_one_result(bits: impl Fn(&JobSystem, u64) -> Vec<u64>) {
    let mut first = None;
    for jobs in systems() {
        for schedule in 0..SCHEDULES {
            let bits = bits(&jobs, schedule);
            assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits);
        }
    }
}

#[test]
fn a_sum_has_the_same_bits_on_a_hundred_schedules_of_each_system() {
    assert_one_result(|jobs, schedule| {
        let sum: f64 = jobs.parallel_sum(0..ITEMS, |index| weigh(schedule, index));
        vec![sum.to_bits()]
    });
}

#[test]
fn a_reduction_in_a_loop_has_the_same_bits_on_a_hundred_schedules_of_each_system() {
    let row = |ctx: &Context, schedule, row: usize| -> f64 {
        ctx.parallel_sum(row..row + ITEMS / 10, |index| weigh(schedule, index))
    };
    assert_one_result(|jobs, schedule| {
        let add = |ctx: &Context, sum, index| sum + row(ctx, schedule, index);
        let sum = jobs.parallel_reduce_with(0..10, || 0.0, add, |a, b| a + b);
        vec![sum.to_bits()]
    });
}

#[test]
fn a_scan_has_the_same_bits_on_a_hundred_schedules_of_each_system() {
    assert_one_result(|jobs, schedule| {
        let mut values: Vec<f64> = (0..ITEMS)
            .map(|index| 1.0 / (index as f64 + 0.37))
            .collect();
        jobs.parallel_scan_inclusive(&mut values, |left, right| {
            disturb(schedule, right.to_bits() as usize);
            left + right
        });
        values.into_iter().map(f64::to_bits).collect()
    });
}
