//! Random programs of the job system's operations, and what each must come to.

/// A piece of a program. What it adds to the tally is known beforehand: [`Piece::worth`].
#[derive(Debug)]
pub(crate) enum Piece {
    /// Adds this, after a little work.
    Leaf(u64),
    /// Two sides of a join.
    Join(Box<[Piece; 2]>),
    /// Detached jobs.
    Detached(Vec<Piece>),
    /// Jobs behind one counter, waited for; then the last, as a continuation, if there is one.
    Counted(Vec<Piece>, Option<Box<Piece>>),
    /// A job with a result, waited for or left.
    Job(Box<Piece>, bool),
    /// Leaves in batches.
    Batch(Vec<u64>),
    /// A nested frame.
    Frame(Vec<Piece>),
    /// A job before or after its turn.
    Urgent(Box<Piece>, bool),
    /// A loop over as many elements, each adding its index.
    Loop(u64),
    /// The same as a reduction, added once.
    Reduce(u64),
    /// A nested frame in which one job panics; the others run all the same.
    Panics(Vec<Piece>),
    /// A join whose first side panics; the second adds nothing, since it need not start.
    JoinPanics,
}

impl Piece {
    /// What the piece adds, computed one after the other.
    pub(crate) fn worth(&self) -> u64 {
        let sum = |pieces: &[Self]| {
            let worths = pieces.iter().map(Self::worth);
            worths.fold(0, u64::wrapping_add)
        };
        match self {
            Self::Leaf(value) => *value,
            Self::Join(sides) => sum(sides.as_slice()),
            Self::Detached(pieces) | Self::Frame(pieces) | Self::Panics(pieces) => sum(pieces),
            Self::Counted(pieces, last) => {
                sum(pieces).wrapping_add(last.as_ref().map_or(0, |last| last.worth()))
            }
            Self::Job(piece, _) | Self::Urgent(piece, _) => piece.worth(),
            Self::Batch(values) => values.iter().copied().fold(0, u64::wrapping_add),
            Self::Loop(length) | Self::Reduce(length) => length * length.saturating_sub(1) / 2,
            Self::JoinPanics => 0,
        }
    }

    /// A program with about `budget` pieces.
    pub(crate) fn random(dice: &mut Dice, budget: u64) -> Self {
        if budget <= 1 {
            return match dice.below(12) {
                0 => Self::Loop(dice.below(3_000)),
                1 => Self::Reduce(dice.below(3_000)),
                2 => Self::Batch((0..dice.below(40)).map(|_| dice.next()).collect()),
                3 => Self::JoinPanics,
                _ => Self::Leaf(dice.next()),
            };
        }
        let parts = 1 + dice.below(budget.min(12));
        let share = (budget - 1) / parts;
        let mut pieces: Vec<_> = (0..parts).map(|_| Self::random(dice, share)).collect();
        match dice.below(8) {
            0 | 1 => {
                let other = Self::random(dice, share);
                let one = Self::Detached(pieces);
                Self::Join(Box::new([one, other]))
            }
            2 => Self::Detached(pieces),
            3 => {
                let last = pieces.pop().map(Box::new).filter(|_| dice.below(2) == 0);
                Self::Counted(pieces, last)
            }
            4 => Self::Job(Box::new(Self::Detached(pieces)), dice.below(4) > 0),
            5 => Self::Frame(pieces),
            6 => Self::Urgent(Box::new(Self::Frame(pieces)), dice.below(2) == 0),
            _ => Self::Panics(pieces),
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same numbers for the same seed.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where the limit is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }
}
