//! Samples and what is said about them.

use clap::ValueEnum;
use std::time::Duration;

/// Which sample stands for all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Pick {
    /// The shortest: what the code takes when nothing disturbs it.
    Best,
    /// The median.
    Median,
}

/// The durations of one cell, one a round.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Samples(Vec::new())
    }

    /// Adds a duration.
    pub fn push(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64());
    }

    /// The sample that stands for all, in seconds; `None` when there is none.
    #[must_use]
    pub fn seconds(&self, pick: Pick) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match pick {
            Pick::Best => sorted.first().copied(),
            Pick::Median => sorted.get(sorted.len() / 2).copied(),
        }
    }

    /// How far the median is above the best, as a fraction of the best: 0 when nothing disturbed.
    #[must_use]
    pub fn spread(&self) -> Option<f64> {
        Some(self.seconds(Pick::Median)? / self.seconds(Pick::Best)? - 1.0)
    }
}

/// The geometric mean; `None` of nothing.
#[must_use]
pub fn geomean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let count = u32::try_from(values.len()).map_or(f64::INFINITY, f64::from);
    Some((values.iter().map(|value| value.ln()).sum::<f64>() / count).exp())
}

/// The greatest; `None` of nothing.
#[must_use]
pub fn worst(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_up() {
        let mut samples = Samples::new();
        assert_eq!(samples.seconds(Pick::Best), None);
        for seconds in [5, 4, 8] {
            samples.push(Duration::from_secs(seconds));
        }
        assert_eq!(samples.seconds(Pick::Best), Some(4.0));
        assert_eq!(samples.seconds(Pick::Median), Some(5.0));
        assert_eq!(samples.spread(), Some(0.25));
    }

    #[test]
    fn means() {
        assert_eq!(geomean(&[]), None);
        assert!((geomean(&[0.5, 2.0, 1.0]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(worst(&[1.0, 3.0, 2.0]), Some(3.0));
    }
}
