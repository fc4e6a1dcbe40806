//! A deterministic event simulation of workers that steal, sleep and wake.
//!
//! The steal order is [`Plan::victims`] and the wake policy [`Policy`], the ones that the
//! scheduler uses, not copies of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bywash_topology::spillover::{Decision, LINES_PER_STEAL, Load, Policy, WAKE_NS};
use bywash_topology::{Placement, Plan, Topology, Victim};

use crate::outcome::Outcome;
use crate::workload::{Task, Workload};

/// What a core with SMT siblings does when two or more workers are awake on it, in percent of
/// what it does for one: the upper end that D. Marr et al. give in "Hyper-Threading Technology
/// Architecture and Microarchitecture", Intel Technology Journal 6(1), 2002.
const SIBLINGS_TOGETHER_PERCENT: u64 = 130;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asleep,
    Waking,
    Awake,
}

struct Worker {
    tier: usize,
    core: usize,
    /// Other workers in rings of equal distance, nearest first.
    rings: Vec<Vec<Victim>>,
    /// Tasks and when they were put here: the newest at the back.
    queue: VecDeque<(Task, u64)>,
    state: State,
    is_running: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A round begins.
    Begin,
    /// The worker has woken up, or ended a task.
    Ready(usize),
    /// The worker has the stolen task in hand.
    Stolen(usize),
}

pub(crate) struct Simulation<'p> {
    plan: &'p Plan,
    workload: Workload,
    policy: Policy,
    workers: Vec<Worker>,
    /// Awake workers of each core.
    cores: Vec<usize>,
    /// What each core does for several workers, in percent of what it does for one.
    together: Vec<u64>,
    in_hand: Vec<Option<Task>>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    now: u64,
    queued: usize,
    running: usize,
    waking: usize,
    round: u32,
    round_began: u64,
    awake_cores: usize,
    random: u64,
    outcome: Outcome,
}

impl<'p> Simulation<'p> {
    /// Runs a workload on a plan's workers, of which there is at least one.
    pub(crate) fn run(machine: &Topology, plan: &'p Plan, workload: Workload) -> Outcome {
        let spread = Placement::avoid_smt().order(machine).unwrap_or_default();
        let workers: Vec<Worker> = plan
            .workers()
            .iter()
            .enumerate()
            .map(|(index, worker)| {
                let victims = plan.victims(index);
                let rings = victims.chunk_by(|a, b| (a.level, a.slit) == (b.level, b.slit));
                let pu = match worker.pu {
                    Some(pu) => machine.pu(pu),
                    // The system is taken to spread unbound threads over the cores.
                    None => spread
                        .get(index % spread.len().max(1))
                        .map(|&p| &machine.pus()[p]),
                };
                Worker {
                    tier: worker.tier,
                    core: pu.map_or(0, |pu| pu.core),
                    rings: rings.map(<[Victim]>::to_vec).collect(),
                    queue: VecDeque::new(),
                    state: State::Asleep,
                    is_running: false,
                }
            })
            .collect();
        let together = |core: &bywash_topology::Core| match core.pus.len() {
            1 => 100,
            _ => SIBLINGS_TOGETHER_PERCENT,
        };
        let mut simulation = Simulation {
            policy: Policy::new(plan),
            cores: vec![0; machine.cores().len()],
            together: machine.cores().iter().map(together).collect(),
            in_hand: vec![None; workers.len()],
            workers,
            plan,
            workload,
            events: BinaryHeap::new(),
            sequence: 0,
            now: 0,
            queued: 0,
            running: 0,
            waking: 0,
            round: 0,
            round_began: 0,
            awake_cores: 0,
            random: 0x2545_f491_4f6c_dd1d,
            outcome: Outcome::default(),
        };
        simulation.schedule(0, Event::Begin);
        simulation.drain();
        simulation.outcome
    }

    fn drain(&mut self) {
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            self.now = time;
            match event {
                Event::Begin => self.begin(),
                Event::Ready(worker) => self.ready(worker),
                Event::Stolen(worker) => {
                    if let Some(task) = self.in_hand[worker].take() {
                        self.start(worker, task);
                    }
                }
            }
        }
        self.outcome.end = self.now;
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.events
            .push(Reverse((self.now + after, self.sequence, event)));
    }

    /// The round's caller is worker 0.
    fn begin(&mut self) {
        self.round_began = self.now;
        self.push(0, self.workload.root(self.round));
        match self.workers[0].state {
            State::Asleep => {
                self.rouse(0);
                self.schedule(0, Event::Ready(0));
            }
            // It is on its way, or at work, and comes by.
            State::Waking | State::Awake => {}
        }
    }

    /// A worker woke up or ended a task: it looks for the next.
    fn ready(&mut self, worker: usize) {
        if self.workers[worker].is_running {
            self.workers[worker].is_running = false;
            self.running -= 1;
            self.end_round_if_quiet();
        } else if self.workers[worker].state == State::Waking {
            self.waking -= 1;
            self.rouse(worker);
        }
        self.tick();
        if let Some((task, _)) = self.workers[worker].queue.pop_back() {
            self.queued -= 1;
            self.start(worker, task);
        } else if !(self.policy.is_open(self.workers[worker].tier) && self.steal(worker)) {
            self.sleep(worker);
        }
    }

    fn start(&mut self, worker: usize, task: Task) {
        self.workers[worker].is_running = true;
        self.running += 1;
        self.outcome.tasks += 1;
        let mut children = Vec::new();
        let mut cost = task.run(|child| children.push(child));
        for child in children {
            self.push(worker, child);
        }
        self.wake_for_queue(worker);
        let core = self.workers[worker].core;
        if self.cores[core] > 1 {
            cost = cost * self.cores[core] as u64 * 100 / self.together[core];
        }
        self.schedule(cost, Event::Ready(worker));
    }

    fn push(&mut self, worker: usize, task: Task) {
        self.workers[worker].queue.push_back((task, self.now));
        self.queued += 1;
    }

    /// Looks at the victims ring by ring, from a random place in each; an empty one costs a
    /// cache line's way, a successful one the lines of a steal.
    fn steal(&mut self, thief: usize) -> bool {
        let mut cost = 0;
        for ring in 0..self.workers[thief].rings.len() {
            let length = self.workers[thief].rings[ring].len();
            let start = self.next_random() as usize % length;
            for step in 0..length {
                let Victim { worker, level, .. } =
                    self.workers[thief].rings[ring][(start + step) % length];
                let Some((task, _)) = self.workers[worker].queue.pop_front() else {
                    // Sleepers have nothing, and are known to have nothing.
                    let is_awake = self.workers[worker].state == State::Awake;
                    cost += u64::from(is_awake) * level.line_latency_ns();
                    continue;
                };
                self.queued -= 1;
                cost += LINES_PER_STEAL * level.line_latency_ns();
                self.outcome.steals[usize::from(level.number()) - 1] += 1;
                self.outcome.steal_time += cost;
                self.in_hand[thief] = Some(task);
                self.wake_for_queue(thief);
                self.schedule(cost, Event::Stolen(thief));
                return true;
            }
        }
        false
    }

    /// Wakes sleepers of open tiers, those nearest to `from` first, one a queued task.
    fn wake_for_queue(&mut self, from: usize) {
        if self.waking >= self.queued {
            return;
        }
        let open = self.policy.open_workers();
        let nearest: Vec<usize> = self.workers[from]
            .rings
            .iter()
            .flatten()
            .map(|v| v.worker)
            .collect();
        for worker in nearest {
            if self.waking >= self.queued {
                break;
            }
            if worker < open && self.workers[worker].state == State::Asleep {
                self.workers[worker].state = State::Waking;
                self.waking += 1;
                self.schedule(WAKE_NS, Event::Ready(worker));
            }
        }
    }

    /// The awake drive the policy's clock.
    fn tick(&mut self) {
        if self.plan.tiers().len() < 2 {
            return;
        }
        let fronts = self
            .workers
            .iter()
            .filter_map(|worker| worker.queue.front());
        let oldest = fronts.map(|&(_, since)| since).min();
        let draining = self.policy.draining_tier();
        let is_held =
            |worker: &Worker| Some(worker.tier) == draining && worker.state != State::Asleep;
        let load = Load {
            jobs: self.queued + self.running,
            oldest_age: oldest.map_or(0, |since| self.now - since),
            is_draining_held: self.workers.iter().any(is_held),
        };
        if let Decision::Open(tier) = self.policy.tick(self.now, load) {
            // The nearest sleepers seen from the tier's first worker are its own.
            let first = self.plan.tiers()[tier - 1].workers.start;
            self.wake_for_queue(first);
        }
    }

    fn end_round_if_quiet(&mut self) {
        let is_stealing = self.in_hand.iter().any(Option::is_some);
        if self.running > 0 || self.queued > 0 || is_stealing {
            return;
        }
        let length = self.now - self.round_began;
        self.outcome.makespan += length;
        self.outcome.longest_round = self.outcome.longest_round.max(length);
        self.round += 1;
        if self.round < self.workload.rounds() {
            self.schedule(self.workload.pause(), Event::Begin);
        }
    }

    fn rouse(&mut self, worker: usize) {
        self.workers[worker].state = State::Awake;
        let core = self.workers[worker].core;
        self.cores[core] += 1;
        if self.cores[core] == 1 {
            self.awake_cores += 1;
            self.outcome.awake.push((self.now, self.awake_cores));
        }
    }

    fn sleep(&mut self, worker: usize) {
        self.workers[worker].state = State::Asleep;
        let core = self.workers[worker].core;
        self.cores[core] -= 1;
        if self.cores[core] == 0 {
            self.awake_cores -= 1;
            self.outcome.awake.push((self.now, self.awake_cores));
        }
    }

    /// Xorshift (G. Marsaglia, 2003), always from the same seed.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests;
