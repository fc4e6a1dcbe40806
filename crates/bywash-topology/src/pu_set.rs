//! A set of PUs by OS index, read from and written to the kernel's list and mask formats.

use std::fmt;

use crate::error::Error;
use crate::model::PuId;

const WORD_BITS: usize = u64::BITS as usize;

/// Indices above this are refused in input, so that a broken file cannot ask for
/// gigabytes: the largest Linux kernels are built for 8,192 CPUs.
pub(crate) const MAX_INDEX: u32 = 1 << 20;

/// A set of PUs, by OS index. Grows as needed: there is no limit of 1,024.
///
/// Insertion may allocate; every other operation on one set does not.
#[derive(Clone, Default)]
pub struct PuSet {
    words: Vec<u64>,
}

impl PuSet {
    /// The empty set. Does not allocate.
    pub const fn new() -> PuSet {
        PuSet { words: Vec::new() }
    }

    /// The set `{0, 1, …, count - 1}`.
    pub fn first(count: usize) -> PuSet {
        (0..count as u32).map(PuId).collect()
    }

    /// Adds `pu`; says whether it was new.
    pub fn insert(&mut self, pu: PuId) -> bool {
        let (word, bit) = position(pu);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    /// Takes `pu` out; says whether it was there.
    pub fn remove(&mut self, pu: PuId) -> bool {
        let (word, bit) = position(pu);
        let Some(word) = self.words.get_mut(word) else {
            return false;
        };
        let was_there = *word & bit != 0;
        *word &= !bit;
        was_there
    }

    /// Whether `pu` is in the set.
    pub fn contains(&self, pu: PuId) -> bool {
        let (word, bit) = position(pu);
        self.words.get(word).is_some_and(|held| held & bit != 0)
    }

    /// How many PUs the set holds.
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Whether the set holds none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    /// The lowest OS index held.
    pub fn lowest(&self) -> Option<PuId> {
        self.iter().next()
    }

    /// The PUs held, by ascending OS index.
    pub fn iter(&self) -> impl Iterator<Item = PuId> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(PuId((index * WORD_BITS) as u32 + bit))
            })
        })
    }

    /// What both sets hold. Allocates the answer.
    pub fn intersection(&self, other: &PuSet) -> PuSet {
        let pairs = self.words.iter().zip(&other.words);
        PuSet {
            words: pairs.map(|(a, b)| a & b).collect(),
        }
    }

    /// What either set holds. Allocates the answer.
    pub fn union(&self, other: &PuSet) -> PuSet {
        let (long, short) = if self.words.len() >= other.words.len() {
            (self, other)
        } else {
            (other, self)
        };
        let mut words = long.words.clone();
        for (word, more) in words.iter_mut().zip(&short.words) {
            *word |= more;
        }
        PuSet { words }
    }

    /// What this set holds and `other` does not. Allocates the answer.
    pub fn difference(&self, other: &PuSet) -> PuSet {
        let mut words = self.words.clone();
        for (word, gone) in words.iter_mut().zip(&other.words) {
            *word &= !gone;
        }
        PuSet { words }
    }

    /// Whether every PU of this set is in `other`.
    pub fn is_subset(&self, other: &PuSet) -> bool {
        let padded = other.words.iter().copied().chain(std::iter::repeat(0));
        self.words.iter().zip(padded).all(|(a, b)| a & !b == 0)
    }

    /// Whether the sets have a PU in common.
    pub fn intersects(&self, other: &PuSet) -> bool {
        let mut pairs = self.words.iter().zip(&other.words);
        pairs.any(|(a, b)| a & b != 0)
    }

    /// Reads the kernel's list format, `0-3,8,10-11`. An empty text is the empty set.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the text is not such a list.
    pub fn from_list(text: &str) -> Result<PuSet, Error> {
        let malformed = || Error::Malformed {
            what: "CPU list",
            text: excerpt(text),
            expected: "comma-separated indices and ranges such as 0-3,8",
        };
        let mut set = PuSet::new();
        for part in text.trim().split(',').map(str::trim) {
            if part.is_empty() {
                continue;
            }
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: u32 = first.parse().map_err(|_| malformed())?;
            let last: u32 = last.parse().map_err(|_| malformed())?;
            if first > last || last > MAX_INDEX {
                return Err(malformed());
            }
            for index in first..=last {
                set.insert(PuId(index));
            }
        }
        Ok(set)
    }

    /// Reads the kernel's mask format: hexadecimal groups of 32 bits, highest first, `ff,0000000f`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the text is not such a mask.
    pub fn from_mask(text: &str) -> Result<PuSet, Error> {
        let malformed = || Error::Malformed {
            what: "CPU mask",
            text: excerpt(text),
            expected: "comma-separated groups of up to 8 hexadecimal digits such as ff,0000000f",
        };
        let mut set = PuSet::new();
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_INDEX as usize / 4 {
            return Err(malformed());
        }
        for (group, digits) in text.split(',').rev().enumerate() {
            let digits = digits.trim().trim_start_matches("0x");
            if digits.len() > 8 {
                return Err(malformed());
            }
            let bits = u32::from_str_radix(digits, 16).map_err(|_| malformed())?;
            for bit in (0..32).filter(|bit| bits & (1 << bit) != 0) {
                set.insert(PuId(group as u32 * 32 + bit));
            }
        }
        Ok(set)
    }

    /// The set as the kernel's affinity calls want it: an array of machine words.
    #[cfg(target_os = "linux")]
    pub(crate) fn to_words(&self) -> Vec<libc::c_ulong> {
        const LONG_BITS: usize = libc::c_ulong::BITS as usize;
        let length = self.words.len() * WORD_BITS / LONG_BITS;
        let mut words = vec![0; length.max(1)];
        for PuId(index) in self.iter() {
            words[index as usize / LONG_BITS] |= 1 << (index as usize % LONG_BITS);
        }
        words
    }

    /// The reverse of [`PuSet::to_words`].
    #[cfg(target_os = "linux")]
    pub(crate) fn from_words(words: &[libc::c_ulong]) -> PuSet {
        let long_bits = libc::c_ulong::BITS;
        let mut set = PuSet::new();
        for (index, &word) in words.iter().enumerate().filter(|(_, word)| **word != 0) {
            for bit in (0..long_bits).filter(|bit| word & (1 << bit) != 0) {
                set.insert(PuId(index as u32 * long_bits + bit));
            }
        }
        set
    }
}

fn position(PuId(index): PuId) -> (usize, u64) {
    (
        index as usize / WORD_BITS,
        1 << (index as usize % WORD_BITS),
    )
}

fn excerpt(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

impl FromIterator<PuId> for PuSet {
    fn from_iter<I: IntoIterator<Item = PuId>>(pus: I) -> PuSet {
        let mut set = PuSet::new();
        for pu in pus {
            set.insert(pu);
        }
        set
    }
}

impl PartialEq for PuSet {
    fn eq(&self, other: &PuSet) -> bool {
        self.is_subset(other) && other.is_subset(self)
    }
}

impl Eq for PuSet {}

/// The kernel's list format, `0-3,8`.
impl fmt::Display for PuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = self.iter().map(|pu| pu.0).peekable();
        let mut separator = "";
        while let Some(first) = members.next() {
            let mut last = first;
            while members.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last - first {
                0 => write!(f, "{separator}{first}")?,
                _ => write!(f, "{separator}{first}-{last}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for PuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn affinity_words_keep_indices_above_1024() {
        let set: PuSet = [0, 63, 64, 1023, 1024, 5000]
            .map(PuId)
            .into_iter()
            .collect();
        let words = set.to_words();
        assert_eq!(PuSet::from_words(&words), set);
        assert!(words.len() * libc::c_ulong::BITS as usize > 5000);
    }
}
