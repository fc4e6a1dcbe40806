//! Moments in time, in the world the build was made for.

#[cfg(not(bywash_shuttle))]
pub use std::time::Instant;

#[cfg(bywash_shuttle)]
pub use modelled::Instant;

#[cfg(bywash_shuttle)]
mod modelled {
    use std::ops::{Add, Sub};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    shuttle::lazy_static! {
        /// Plain memory that the checker does not see: one clock a schedule, from zero on.
        static ref LOOKS: AtomicU64 = AtomicU64::new(0);
    }

    /// What passes between two looks at the clock.
    const STEP: Duration = Duration::from_micros(1);

    /// A moment of a clock that goes on by a microsecond with each look, so that a schedule which is
    /// replayed meets the same times.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Instant(Duration);

    impl Instant {
        /// The present moment.
        pub fn now() -> Self {
            let looks = LOOKS.fetch_add(1, Ordering::Relaxed);
            Self(STEP * u32::try_from(looks).expect("a schedule is shorter than that"))
        }

        /// What has passed since.
        pub fn elapsed(&self) -> Duration {
            Self::now() - *self
        }
    }

    impl Sub for Instant {
        type Output = Duration;

        fn sub(self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, time: Duration) -> Self {
            Self(self.0 + time)
        }
    }
}
