//! What a run of the model came to: times, steals, and the cores awake.

use bywash_topology::Level;

/// What came of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// From the first task to the last one's end, pauses between rounds left out.
    pub(crate) makespan: u64,
    /// The longest round.
    pub(crate) longest_round: u64,
    /// Successful steals, by level number less one.
    pub(crate) steals: [u64; 6],
    /// Time that went into successful steals, looking included.
    pub(crate) steal_time: u64,
    /// Tasks that were run.
    pub(crate) tasks: u64,
    /// The number of cores awake, from each moment at which it changed.
    pub(crate) awake: Vec<(u64, usize)>,
    /// When the last event happened, pauses included.
    pub(crate) end: u64,
}

impl Outcome {
    /// All successful steals.
    pub(crate) fn all_steals(&self) -> u64 {
        self.steals.iter().sum()
    }

    /// What a successful steal cost on average, in nanoseconds.
    pub(crate) fn mean_steal(&self) -> Option<u64> {
        self.steal_time.checked_div(self.all_steals())
    }

    /// Cores awake on average in each of `buckets` equal parts of the run.
    pub(crate) fn awake_over_time(&self, buckets: usize) -> Vec<f64> {
        let mut sums = vec![0.0; buckets];
        let length = (self.end as f64 / buckets as f64).max(1.0);
        let ends = self
            .awake
            .iter()
            .skip(1)
            .map(|change| change.0)
            .chain([self.end]);
        for (&(start, cores), end) in self.awake.iter().zip(ends) {
            let (mut from, end) = (start as f64, end as f64);
            while from < end {
                let bucket = ((from / length) as usize).min(buckets - 1);
                let edge = if bucket + 1 == buckets {
                    end
                } else {
                    (bucket + 1) as f64 * length
                };
                let to = edge.min(end).max(from + f64::EPSILON * end.max(1.0));
                sums[bucket] += (to - from) * cores as f64;
                from = to;
            }
        }
        sums.into_iter().map(|sum| sum / length).collect()
    }

    /// Cores awake on average over the whole run.
    pub(crate) fn mean_awake(&self) -> f64 {
        self.awake_over_time(1)[0]
    }

    /// Steals at a level.
    pub(crate) fn steals_at(&self, level: Level) -> u64 {
        self.steals[usize::from(level.number()) - 1]
    }
}
