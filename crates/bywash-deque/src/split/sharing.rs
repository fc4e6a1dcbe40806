//! How ready an owner is to share.

/// When an owner makes its oldest items public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Only if somebody asks: there is nobody who could steal.
    Off,
    /// If somebody asks, and in the course of a stream of pushes: thieves keep looking.
    Asked,
    /// At once, as soon as nothing is public: thieves may be asleep and have to be woken.
    Eager,
}

impl Sharing {
    pub(super) fn is_on(self) -> bool {
        self != Self::Off
    }
}
