//! How far a chain moves on.
//!
//! Owns the words. It must not know chains.

/// A step into the future.
///
/// ```
/// use lockstep_test::*;
///
/// let mut chain = Chain::new();
/// let (height, time) = (chain.height(), chain.time());
/// chain.advance(10.blocks()).advance(2.minutes());
/// assert_eq!((chain.height(), chain.time()), (height + 11, time + 120_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// So many blocks, which take no time.
    Blocks(u64),
    /// One block, so many milliseconds later.
    Time(u64),
}

/// Numbers of blocks.
pub trait Blocks {
    /// So many blocks.
    fn blocks(self) -> Step;
}

/// Numbers of units of time. What does not fit 64 bits of milliseconds is the end of time.
pub trait Duration: Sized {
    /// So many milliseconds.
    fn millis(self) -> Step;
    /// So many seconds.
    fn seconds(self) -> Step;
    /// So many minutes.
    fn minutes(self) -> Step;
    /// So many hours.
    fn hours(self) -> Step;
    /// So many days.
    fn days(self) -> Step;
}

impl Blocks for u64 {
    fn blocks(self) -> Step {
        Step::Blocks(self)
    }
}

impl Duration for u64 {
    fn millis(self) -> Step {
        Step::Time(self)
    }

    fn seconds(self) -> Step {
        Step::Time(self.saturating_mul(1_000))
    }

    fn minutes(self) -> Step {
        self.saturating_mul(60).seconds()
    }

    fn hours(self) -> Step {
        self.saturating_mul(60).minutes()
    }

    fn days(self) -> Step {
        self.saturating_mul(24).hours()
    }
}
