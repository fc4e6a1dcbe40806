//! Kinds of core, told apart by what Linux says about each PU.

use std::collections::BTreeMap;

use crate::model::{CoreKind, PuId};

/// Boost clocks that differ by less than this share are one kind: favoured cores of one type
/// differ by a few percent, core types by far more.
const SAME_CLOCK_PERCENT: u64 = 10;

/// The kernel's names for the types of core of an Intel processor, slowest first; each is a
/// folder below `sys/devices` on a machine that has several.
pub(crate) const CORE_TYPES: [&str; 3] = ["cpu_lowpower", "cpu_atom", "cpu_core"];

/// What the platform says about one PU; absent values are unknown. The order of the fields is
/// their weight when kinds are ranked.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Traits {
    /// An index into [`CORE_TYPES`].
    pub(crate) core_type: Option<usize>,
    /// The scheduler's relative capacity, at most 1,024.
    pub(crate) capacity: Option<u64>,
    /// Base clock in kHz.
    pub(crate) base_clock: Option<u64>,
    /// Highest clock in kHz.
    pub(crate) boost_clock: Option<u64>,
}

impl Traits {
    fn describe(&self) -> CoreKind {
        let core_type = self.core_type.and_then(|kind| CORE_TYPES.get(kind));
        let core_type = core_type.map(|name| format!("CoreType={name}"));
        let number = |name: &str, value: Option<u64>, unit: u64| {
            value.map(|value| format!("{name}={}", value / unit))
        };
        let words = [
            core_type,
            number("LinuxCapacity", self.capacity, 1),
            number("FrequencyBaseMHz", self.base_clock, 1000),
            number("FrequencyMaxMHz", self.boost_clock, 1000),
        ];
        CoreKind {
            description: words.into_iter().flatten().collect::<Vec<_>>().join(" "),
        }
    }
}

/// The kinds, slowest first, and the kind of each PU of which anything is known.
pub(crate) fn rank(mut traits: BTreeMap<PuId, Traits>) -> (Vec<CoreKind>, BTreeMap<PuId, usize>) {
    traits.retain(|_, one| *one != Traits::default());
    even_out(&mut traits);
    let mut distinct: Vec<&Traits> = traits.values().collect();
    distinct.sort();
    distinct.dedup();
    let kind = |(&pu, one)| Some((pu, distinct.binary_search(&one).ok()?));
    let kinds = traits.iter().filter_map(kind).collect();
    (distinct.into_iter().map(Traits::describe).collect(), kinds)
}

/// Gives PUs that differ by little in boost clock alone the same one.
fn even_out(traits: &mut BTreeMap<PuId, Traits>) {
    let but_boost = |one: &Traits| Traits {
        boost_clock: None,
        ..one.clone()
    };
    let mut spread = BTreeMap::<Traits, (u64, u64)>::new();
    for one in traits.values() {
        let clock = one.boost_clock.unwrap_or(0);
        let (low, high) = spread.entry(but_boost(one)).or_insert((clock, clock));
        *low = clock.min(*low);
        *high = clock.max(*high);
    }
    for one in traits.values_mut() {
        let (low, high) = spread[&but_boost(one)];
        if (high - low) * 100 < high * SAME_CLOCK_PERCENT {
            one.boost_clock = Some(low).filter(|&clock| clock > 0);
        }
    }
}
