//! The changes of a transaction or block.
//!
//! Owns their encoding, their hash and how one follows another. It must not know what they are changes to.

use crate::state::Account;
use crate::types::{Address, Hash, sha3_tagged};
use codec::{Decode, Encode, Error as CodecError, Input, Output};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a transaction or block changes, in order; each entry differs from what was there.
///
/// Its encoding is SCALE: three vectors of pairs in ascending order of their keys.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[allow(clippy::exhaustive_structs, reason = "more parts are another state")]
pub struct Changes {
    /// Accounts as they are now; `None`: gone.
    pub accounts: BTreeMap<Address, Option<Account>>,
    /// Values by account and key as they are now; `None`: removed.
    pub storage: BTreeMap<(Address, Vec<u8>), Option<Vec<u8>>>,
    /// New code, by its hash.
    pub code: BTreeMap<Hash, Arc<[u8]>>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.storage.is_empty() && self.code.is_empty()
    }

    /// SHA3-256 over `lockstep/changes/1` and the encoding.
    pub fn hash(&self) -> Hash {
        sha3_tagged("lockstep/changes/1", &self.encode())
    }

    /// Adds changes that came after these. The sum may contain entries that differ no longer from what was there at
    /// first.
    pub fn then(&mut self, later: Changes) {
        self.accounts.extend(later.accounts);
        self.storage.extend(later.storage);
        self.code.extend(later.code);
    }
}

impl Encode for Changes {
    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        self.accounts.encode_to(dest);
        self.storage.encode_to(dest);
        self.code.encode_to(dest);
    }
}

/// Refuses vectors that are not in strictly ascending order.
impl Decode for Changes {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        fn ascending<K: Ord, V>(pairs: Vec<(K, V)>) -> Result<BTreeMap<K, V>, CodecError> {
            if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
                return Err("changes that are not in order".into());
            }
            Ok(pairs.into_iter().collect())
        }
        let accounts = ascending(Decode::decode(input)?)?;
        let storage = ascending(Decode::decode(input)?)?;
        let code = ascending(<Vec<(Hash, Vec<u8>)>>::decode(input)?)?;
        let code = code.into_iter().map(|(hash, code)| (hash, Arc::from(code))).collect();
        Ok(Changes { accounts, storage, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_encoded_in_one_way() {
        let mut changes = Changes::default();
        assert_eq!(changes.encode(), [0, 0, 0]);
        for byte in [3, 1, 2] {
            let account = Account { nonce: 1, balance: byte.into(), code: None };
            changes.accounts.insert(Address([byte; 32]), (byte != 2).then_some(account));
            changes.storage.insert((Address([1; 32]), vec![byte]), Some(vec![byte; 3]));
            changes.code.insert(Hash([byte; 32]), Arc::from([byte].as_slice()));
        }
        let bytes = changes.encode();
        assert_eq!(Changes::decode(&mut &bytes[..]).unwrap(), changes);
        assert_eq!(bytes[0], 3 << 2);
        assert_eq!(bytes[1..33], [1; 32]);

        let mut swapped = bytes.clone();
        swapped[1] = 9; // the first address is no longer the smallest
        assert!(Changes::decode(&mut &swapped[..]).is_err());
        assert!(Changes::decode(&mut &bytes[..bytes.len() - 1]).is_err());
    }
}
