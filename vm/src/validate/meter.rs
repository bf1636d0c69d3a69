//! The meter: holds a module against the shape limits and remembers how near it came.
//!
//! Owns the one comparison that every shape limit goes through.

use super::Refusal;
use crate::limits::{Limit, Limits};
use alloc::boxed::Box;

/// Limits, and the greatest value seen for each.
pub(super) struct Meter<'l> {
    allowed: &'l Limits,
    usage: Limits,
}

impl<'l> Meter<'l> {
    pub(super) fn new(allowed: &'l Limits) -> Self {
        let mut usage = Limits::default();
        for &limit in Limit::ALL {
            usage.set(limit, 0);
        }
        Meter { allowed, usage }
    }

    /// At the limit is accepted, above it refused.
    #[inline]
    pub(super) fn hold(&mut self, limit: Limit, found: u64, offset: u64) -> Result<(), Box<Refusal>> {
        let allowed = self.allowed.get(limit);
        if found > allowed {
            return Err(Box::new(Refusal::Limit { limit, allowed, found, offset }));
        }
        if found > self.usage.get(limit) {
            self.usage.set(limit, found);
        }
        Ok(())
    }

    /// The engine's value of a limit, for loops that compare by themselves.
    pub(super) fn allowed(&self, limit: Limit) -> u64 {
        self.allowed.get(limit)
    }

    pub(super) fn into_usage(self) -> Limits {
        self.usage
    }
}
