//! The limits of the host: how large what contracts pass may be.
//!
//! Owns the one table, with defaults and reasons. At a limit is accepted, one above ends the frame as misuse. It must not
//! know where a limit is measured.

use codec::Encode;

macro_rules! define_limits {
    ($($(#[doc = $doc:literal])* $field:ident = $default:literal ceiling $ceiling:literal,)*) => {
        /// The limits of a host environment. Part of its fingerprint.
        ///
        /// ```
        /// use lockstep_host_env::HostLimits;
        ///
        /// let limits = HostLimits { value: 65_536, ..HostLimits::default() };
        /// assert_eq!(limits.key, 256);
        /// ```
        #[derive(Clone, PartialEq, Eq, Debug, Encode)]
        #[allow(clippy::exhaustive_structs, reason = "so that a protocol can be written down in one expression")]
        pub struct HostLimits { $($(#[doc = $doc])* pub $field: u32,)* }

        impl Default for HostLimits {
            fn default() -> Self {
                HostLimits { $($field: $default,)* }
            }
        }

        impl HostLimits {
            /// Each limit with its name, its value, the greatest that an environment accepts, and its reason.
            pub(crate) fn named(&self) -> Vec<(&'static str, u32, u32, &'static str)> {
                vec![$((stringify!($field), self.$field, $ceiling, concat!($($doc),*)),)*]
            }
        }
    };
}

define_limits! {
    /// Bytes of a key, at least 1: it fits a buffer on a guest's stack.
    key = 256 ceiling 65_536,
    /// Bytes of a value: databases and proofs carry it whole.
    value = 131_072 ceiling 16_777_216,
    /// Bytes of input, output and revert data: a frame's caller pays for reading them, not for keeping them.
    data = 131_072 ceiling 16_777_216,
    /// Topics of an event: what indexes are made of.
    event_topics = 4 ceiling 64,
    /// Bytes of an event's data: receipts carry it.
    event_data = 16_384 ceiling 16_777_216,
    /// Events of a transaction that are not undone: receipts carry them.
    events = 1_024 ceiling 1_048_576,
    /// Frames at once, the transaction's first included: all host frames fit a thread's stack of 1 MiB.
    depth = 64 ceiling 64,
    /// Pairs or points of one call: it takes at most about 50 ms.
    pairs = 128 ceiling 65_536,
    /// Bytes of a debug text: logs carry it.
    debug = 4_096 ceiling 1_048_576,
}

/// A host limit is above what an environment accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the host limit `{name}` is {value}, and must be from 1 to {ceiling}")]
#[non_exhaustive]
pub struct HostLimitError {
    /// The limit.
    pub name: &'static str,
    /// What it was set to.
    pub value: u32,
    /// The greatest value there may be.
    pub ceiling: u32,
}

impl HostLimits {
    /// Whether every limit is at least 1 and at most its ceiling.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), HostLimitError> {
        for (name, value, ceiling, _) in self.named() {
            if value == 0 || value > ceiling {
                return Err(HostLimitError { name, value, ceiling });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_held_to_their_ceilings() {
        HostLimits::default().check().unwrap();
        let above = HostLimits { depth: 65, ..HostLimits::default() };
        assert_eq!(above.check(), Err(HostLimitError { name: "depth", value: 65, ceiling: 64 }));
        assert!(HostLimits { key: 0, ..HostLimits::default() }.check().is_err());
    }
}
