//! The arithmetic behind every claim: medians, quantiles, paired ratios and how sure we are of them.

/// The middle of `values`; the mean of the two middle ones for an even count.
///
/// # Panics
/// On an empty slice: a claim needs at least one sample.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which the share `q` of `values` lies, interpolated between neighbours.
///
/// # Panics
/// On an empty slice.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    assert!(!values.is_empty(), "a quantile needs at least one value");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, q)
}

fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// A ratio of two contenders, with the bounds within which it lies with 95 % confidence each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median of the paired ratios.
    pub median: f64,
    /// One-sided 95 % lower bound of that median.
    pub low: f64,
    /// One-sided 95 % upper bound of that median.
    pub high: f64,
}

/// The ratio of `ours` to `theirs`, round by round, oriented so that below 1 is ahead.
///
/// Rounds are the unit of resampling: both contenders of a round saw the same machine.
///
/// # Panics
/// When the two slices differ in length or are empty.
pub fn paired_ratio(ours: &[f64], theirs: &[f64], lower_is_better: bool) -> Ratio {
    assert_eq!(ours.len(), theirs.len(), "paired samples come in pairs");
    let ratios: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(&ours, &theirs)| {
            if lower_is_better {
                divide(ours, theirs)
            } else {
                divide(theirs, ours)
            }
        })
        .collect();
    let (low, high) = median_bounds(&ratios, 0.05);
    Ratio {
        median: median(&ratios),
        low,
        high,
    }
}

/// Figures end at a thousandth of their unit: below it a clock says nothing, and zero is no divisor.
fn divide(part: f64, whole: f64) -> f64 {
    let smallest = 1e-3;
    (part.max(smallest)) / (whole.max(smallest))
}

/// Bootstrap bounds of the median: `tail` of the resampled medians lies outside on each side.
///
/// With fewer than five values a resample says nothing that the extremes do not say, so the
/// extremes are the bounds. The resampling is seeded: the same samples give the same bounds.
pub fn median_bounds(values: &[f64], tail: f64) -> (f64, f64) {
    if values.len() < 5 {
        return (quantile(values, 0.0), quantile(values, 1.0));
    }
    let mut random = SplitMix64::new(0x5EED);
    let mut resample = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..2_000)
        .map(|_| {
            for slot in &mut resample {
                *slot = values[random.below(values.len())];
            }
            resample.sort_by(f64::total_cmp);
            quantile_of_sorted(&resample, 0.5)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    (
        quantile_of_sorted(&medians, tail),
        quantile_of_sorted(&medians, 1.0 - tail),
    )
}

/// What a pair of bounds allows to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval lies below 1.
    First,
    /// The whole interval lies above 1.
    Behind,
    /// The spread is wider than the difference.
    NoDifference,
}

impl Ratio {
    /// Ahead, behind, or not told apart.
    pub fn verdict(&self) -> Verdict {
        if self.high < 1.0 {
            Verdict::First
        } else if self.low > 1.0 {
            Verdict::Behind
        } else {
            Verdict::NoDifference
        }
    }
}

/// A small deterministic generator (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014); seeds workloads and resampling alike.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The same seed gives the same sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, evenly enough for benchmarks.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[7.0]), 7.0);
    }

    #[test]
    fn quantiles_reach_both_ends() {
        let values = [10.0, 20.0, 30.0, 40.0, 50.0];
        assert_eq!(quantile(&values, 0.0), 10.0);
        assert_eq!(quantile(&values, 0.99), 49.6);
        assert_eq!(quantile(&values, 1.0), 50.0);
    }

    #[test]
    fn below_one_means_ahead_whichever_way_the_unit_points() {
        let cost = paired_ratio(&[1.0; 5], &[2.0; 5], true);
        let speed = paired_ratio(&[2.0; 5], &[1.0; 5], false);
        assert_eq!(cost.median, 0.5);
        assert_eq!(speed.median, 0.5);
        assert_eq!(cost.verdict(), Verdict::First);
    }

    #[test]
    fn pairing_removes_a_drift_that_both_share() {
        let drift: Vec<f64> = (0..9).map(|round| 1.0 + f64::from(round)).collect();
        let ours: Vec<f64> = drift.iter().map(|d| d * 0.9).collect();
        let ratio = paired_ratio(&ours, &drift, true);
        assert!((ratio.median - 0.9).abs() < 1e-12);
        assert_eq!(ratio.verdict(), Verdict::First);
    }

    #[test]
    fn a_spread_wider_than_the_difference_shows_no_difference() {
        let ours = [1.0, 1.2, 0.8, 1.1, 0.9, 1.0, 1.15];
        let theirs = [1.05, 1.0, 0.95, 1.0, 1.0, 1.0, 1.0];
        let ratio = paired_ratio(&ours, &theirs, true);
        assert_eq!(ratio.verdict(), Verdict::NoDifference);
        assert!(ratio.low < 1.0 && ratio.high > 1.0);
    }

    #[test]
    fn bounds_enclose_the_median_and_repeat_exactly() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 2.5];
        let (low, high) = median_bounds(&values, 0.05);
        assert!(low <= median(&values) && median(&values) <= high);
        assert_eq!((low, high), median_bounds(&values, 0.05));
    }

    #[test]
    fn few_samples_are_bounded_by_their_extremes() {
        assert_eq!(median_bounds(&[3.0, 1.0, 2.0], 0.05), (1.0, 3.0));
    }

    #[test]
    fn a_cost_of_zero_gives_a_ratio_and_no_nan() {
        let ratio = paired_ratio(&[0.0, 0.0, 0.0], &[0.0, 1.0, 2.0], true);
        assert!(ratio.median.is_finite() && ratio.high.is_finite());
    }
}
