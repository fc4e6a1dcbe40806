//! Tiered spillover's policy, driven tick by tick: no thread, no clock.

use bywash_topology::spillover::{Decision, Load, Policy};
use bywash_topology::{Beyond, Placement, Plan, Topology};
use proptest::prelude::*;

/// Four LLCs of four cores with siblings, on two packages: five tiers.
fn plan() -> Plan {
    let mut machine = Topology::builder();
    for _ in 0..2 {
        machine.package().node();
        machine.llc().cores(4, 2).llc().cores(4, 2);
    }
    let machine = machine.build().unwrap();
    Placement::tiered_spillover()
        .plan(&machine, 32, Beyond::Error)
        .unwrap()
}

const TIERS: usize = 5;

/// Older than any threshold to open.
const OLD: u64 = 1_000_000;

/// Longer than any threshold to close.
const LONG: u64 = 1_000_000_000;

fn load(jobs: usize) -> Load {
    Load {
        jobs,
        oldest_age: OLD,
        is_draining_held: false,
    }
}

#[test]
fn the_tiers_are_the_llcs_by_distance_and_the_siblings() {
    let plan = plan();
    let workers: Vec<usize> = plan.tiers().iter().map(|tier| tier.workers.len()).collect();
    assert_eq!(workers, [4, 4, 4, 4, 16]);
    assert!(plan.tiers().is_sorted_by_key(|tier| tier.number));
}

#[test]
fn only_the_first_tier_is_open_at_first() {
    let policy = Policy::new(&plan());
    assert_eq!((policy.open_tiers(), policy.open_workers()), (1, 4));
    assert!(policy.is_open(1) && !policy.is_open(2) && !policy.is_awake(2));
}

#[test]
fn a_tier_opens_only_when_load_and_age_both_ask_for_it() {
    let mut policy = Policy::new(&plan());
    let (full, young) = (4, policy.thresholds().open_after[1]);
    assert_eq!(policy.tick(0, load(full)), Decision::Stay);
    let waiting = Load {
        oldest_age: young,
        ..load(100)
    };
    assert_eq!(policy.tick(1, waiting), Decision::Stay);
    assert_eq!(policy.tick(2, load(full + 1)), Decision::Open(2));
    assert_eq!(policy.open_workers(), 8);
}

#[test]
fn opening_waits_longer_the_farther_the_tier_is() {
    let policy = Policy::new(&plan());
    let open_after = &policy.thresholds().open_after;
    assert!(open_after[1] < open_after[2]);
    let close_after = &policy.thresholds().close_after;
    for (open, close) in open_after.iter().zip(close_after) {
        assert!(
            *close >= 10 * open,
            "closing takes much longer than opening"
        );
    }
}

#[test]
fn a_tier_closes_after_a_long_low_load_and_a_drain() {
    let mut policy = Policy::new(&plan());
    assert_eq!(policy.tick(0, load(20)), Decision::Open(2));
    assert_eq!(policy.tick(10, load(2)), Decision::Stay);
    let almost = 10 + policy.thresholds().close_after[1] - 1;
    assert_eq!(policy.tick(almost, load(2)), Decision::Stay);
    assert_eq!(policy.tick(almost + 1, load(2)), Decision::Drain(2));
    assert!(!policy.is_open(2) && policy.is_awake(2));
    assert_eq!(policy.draining_tier(), Some(2));
    let held = Load {
        is_draining_held: true,
        ..load(2)
    };
    assert_eq!(policy.tick(LONG, held), Decision::Stay);
    assert_eq!(policy.tick(LONG + 1, load(2)), Decision::Close(2));
    assert!(!policy.is_awake(2));
    assert_eq!(policy.draining_tier(), None);
}

#[test]
fn one_moment_of_load_restarts_the_time_to_close() {
    let mut policy = Policy::new(&plan());
    assert_eq!(policy.tick(0, load(20)), Decision::Open(2));
    let close_after = policy.thresholds().close_after[1];
    assert_eq!(policy.tick(0, load(0)), Decision::Stay);
    assert_eq!(policy.tick(close_after - 1, load(8)), Decision::Stay);
    assert_eq!(policy.tick(close_after, load(0)), Decision::Stay);
    assert_eq!(policy.tick(2 * close_after - 1, load(0)), Decision::Stay);
    assert_eq!(policy.tick(2 * close_after, load(0)), Decision::Drain(2));
}

#[test]
fn a_draining_tier_opens_again_at_once_when_the_load_returns() {
    let mut policy = Policy::new(&plan());
    assert_eq!(policy.tick(0, load(20)), Decision::Open(2));
    assert_eq!(policy.tick(1, load(0)), Decision::Stay);
    assert_eq!(policy.tick(LONG, load(0)), Decision::Drain(2));
    let held = Load {
        is_draining_held: true,
        ..load(20)
    };
    assert_eq!(policy.tick(LONG + 1, held), Decision::Open(2));
    assert_eq!(policy.draining_tier(), None);
}

#[test]
fn load_that_oscillates_inside_the_band_changes_nothing() {
    let mut policy = Policy::new(&plan());
    assert_eq!(policy.tick(0, load(5)), Decision::Open(2));
    // Tier 2 closes at 2 jobs or fewer, tier 3 opens above 8.
    for step in 1..10_000u64 {
        let jobs = if step % 2 == 0 { 3 } else { 8 };
        assert_eq!(policy.tick(step * LONG, load(jobs)), Decision::Stay);
    }
}

#[test]
fn a_plan_of_one_tier_never_changes_and_an_empty_one_has_none() {
    let machine = Topology::flat(4);
    let one = Placement::compact()
        .plan(&machine, 4, Beyond::Error)
        .unwrap();
    let mut policy = Policy::new(&one);
    for step in 0..100 {
        assert_eq!(
            policy.tick(step * LONG, load(step as usize * 7 % 50)),
            Decision::Stay
        );
    }
    let none = Placement::compact()
        .plan(&machine, 0, Beyond::Error)
        .unwrap();
    let mut policy = Policy::new(&none);
    assert_eq!(policy.tick(0, load(9)), Decision::Stay);
    assert_eq!((policy.open_tiers(), policy.open_workers()), (0, 0));
}

/// A scheduler without threads: a queue, and workers that hold a few jobs each.
struct Rehearsal {
    plan: Plan,
    policy: Policy,
    now: u64,
    queued: usize,
    queued_since: u64,
    held: Vec<usize>,
    was_open: [bool; TIERS + 1],
    done: usize,
}

impl Rehearsal {
    fn new() -> Rehearsal {
        let plan = plan();
        let mut was_open = [false; TIERS + 1];
        was_open[1] = true;
        Rehearsal {
            policy: Policy::new(&plan),
            held: vec![0; plan.len()],
            plan,
            now: 0,
            queued: 0,
            queued_since: 0,
            was_open,
            done: 0,
        }
    }

    fn waiting(&self) -> usize {
        self.queued + self.held.iter().sum::<usize>()
    }

    /// Some workers take a batch or run a job, then the policy ticks.
    fn step(&mut self, elapsed: u64, arrivals: usize, active: u32) {
        self.now += elapsed;
        if self.queued == 0 {
            self.queued_since = self.now;
        }
        self.queued += arrivals;
        for worker in 0..self.plan.len() {
            let tier = self.plan.worker(worker).tier;
            if active >> (worker % 32) & 1 == 0 || !self.policy.is_awake(tier) {
                continue;
            }
            if self.held[worker] > 0 {
                self.held[worker] -= 1;
                self.done += 1;
            } else if self.policy.is_open(tier) && self.queued > 0 {
                let batch = self.queued.min(3);
                self.queued -= batch;
                self.held[worker] += batch;
            }
        }
        self.tick();
    }

    fn tick(&mut self) {
        let draining = self
            .policy
            .draining_tier()
            .map(|tier| self.plan.tiers()[tier - 1].workers.clone());
        let load = Load {
            jobs: self.waiting(),
            oldest_age: if self.queued > 0 {
                self.now - self.queued_since
            } else {
                0
            },
            is_draining_held: draining
                .is_some_and(|workers| self.held[workers].iter().any(|&held| held > 0)),
        };
        match self.policy.tick(self.now, load) {
            Decision::Open(tier) => self.was_open[tier] = true,
            Decision::Close(tier) => {
                let workers = self.plan.tiers()[tier - 1].workers.clone();
                assert!(
                    self.held[workers].iter().all(|&held| held == 0),
                    "a closed tier holds no job"
                );
            }
            Decision::Stay | Decision::Drain(_) => {}
        }
        for worker in 0..self.plan.len() {
            let tier = self.plan.worker(worker).tier;
            assert!(
                self.was_open[tier] || self.held[worker] == 0,
                "a tier that never opened holds no job"
            );
            assert!(
                self.policy.is_awake(tier) || self.held[worker] == 0,
                "a sleeping worker holds no job"
            );
        }
    }
}

/// Many jobs at once, or a while without any.
fn arrivals() -> impl Strategy<Value = usize> {
    prop_oneof![0..40usize, Just(0)]
}

/// Which workers do something: any, or the home tier alone while others sit on what they hold.
fn active() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), Just(0xf)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn constant_load_gives_at_most_one_transition_a_tier(jobs in 0..60usize, age in 0..20_000u64) {
        let mut policy = Policy::new(&plan());
        let mut transitions = [0; TIERS + 1];
        for step in 0..200 {
            let constant = Load { jobs, oldest_age: age, is_draining_held: false };
            match policy.tick(step * LONG, constant) {
                Decision::Stay => {}
                Decision::Open(tier) | Decision::Drain(tier) | Decision::Close(tier) => transitions[tier] += 1,
            }
        }
        prop_assert!(transitions.iter().all(|&count| count <= 1), "{:?}", transitions);
    }

    #[test]
    fn after_any_load_a_constant_one_settles(
        before in prop::collection::vec((0..2_000_000u64, 0..80usize), 0..60),
        jobs in 0..60usize,
    ) {
        let mut policy = Policy::new(&plan());
        let mut now = 0;
        for (elapsed, jobs) in before {
            now += elapsed;
            let _any = policy.tick(now, load(jobs));
        }
        let mut opened = 0;
        let mut closed = 0;
        for _ in 0..200 {
            now += LONG;
            match policy.tick(now, load(jobs)) {
                Decision::Open(_) => opened += 1,
                Decision::Close(_) => closed += 1,
                Decision::Stay | Decision::Drain(_) => {}
            }
        }
        prop_assert!(opened <= TIERS && closed <= TIERS);
        prop_assert!(opened == 0 || closed == 0, "{} opened, {} closed", opened, closed);
        for _ in 0..10 {
            now += LONG;
            prop_assert_eq!(policy.tick(now, load(jobs)), Decision::Stay);
        }
    }

    #[test]
    fn every_queued_job_is_run_whatever_the_sequence(
        steps in prop::collection::vec((0..400_000u64, arrivals(), active()), 1..150),
    ) {
        let mut rehearsal = Rehearsal::new();
        let mut queued = 0;
        for (elapsed, arrivals, active) in steps {
            queued += arrivals;
            rehearsal.step(elapsed, arrivals, active);
        }
        let mut rest = 0;
        while rehearsal.waiting() > 0 {
            // From here everybody who is awake works, and nothing new comes.
            rehearsal.step(1_000, 0, u32::MAX);
            rest += 1;
            prop_assert!(rest < 100_000, "{} jobs are stranded", rehearsal.waiting());
        }
        prop_assert_eq!(rehearsal.done, queued);
        for _ in 0..20 {
            rehearsal.step(LONG, 0, u32::MAX);
        }
        prop_assert_eq!(rehearsal.policy.open_tiers(), 1, "an idle machine closes down to the home tier");
    }
}
