//! Sessions: what all frames of one transaction share.
//!
//! Owns the journal, the frames that are active, and what is known of block and sender. It must not know gas.

use crate::state::{Account, Journal, Storage, StorageResult};
use crate::transaction::Block;
use crate::types::Address;
use lockstep_vm::{Profile, ProfileOptions};

/// A text of a contract's, for whoever listens.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DebugText {
    /// The account that said it.
    pub account: Address,
    /// What it said, as far as it was UTF-8.
    pub text: String,
}

/// What the frames of a transaction share.
pub(crate) struct Session {
    pub(crate) journal: Journal,
    pub(crate) block: Block,
    pub(crate) origin: Address,
    active: Vec<Active>,
    debug: Vec<DebugText>,
    /// What the texts take of the host's memory.
    debug_bytes: usize,
    /// The profile of the transaction, where one is taken; without frames that have not ended.
    pub(crate) profile: Option<Profile>,
    /// How frames are to be profiled, where they are.
    profile_options: Option<ProfileOptions>,
}

/// Of texts for people so many bytes are kept for a transaction, each with its place.
const DEBUG_KEPT: usize = 1 << 20;

/// A frame that has not ended.
struct Active {
    account: Address,
    /// Whether the call it waits for lets its account be entered again.
    reentry: bool,
}

impl Session {
    pub(crate) fn new(block: Block, origin: Address) -> Session {
        Session {
            journal: Journal::default(),
            block,
            origin,
            active: Vec::new(),
            debug: Vec::new(),
            debug_bytes: 0,
            profile: None,
            profile_options: None,
        }
    }

    /// From now on it is noted whose gas it is.
    pub(crate) fn start_profile(&mut self, options: ProfileOptions) {
        self.profile = Some(Profile::new(options));
        self.profile_options = Some(options);
    }

    /// How frames are to be profiled, where they are.
    pub(crate) fn profile_options(&self) -> Option<ProfileOptions> {
        self.profile_options
    }

    /// Notes gas that the transaction itself pays, under a label.
    pub(crate) fn note_gas(&mut self, label: &str, gas: u64) {
        if let Some(profile) = &mut self.profile
            && gas > 0
        {
            profile.add(&[label], gas);
        }
    }

    /// Whether a text of so many bytes is kept.
    pub(crate) fn has_room_for_debug(&self, bytes: usize) -> bool {
        self.debug_bytes.saturating_add(bytes) <= DEBUG_KEPT
    }

    /// Keeps a text.
    pub(crate) fn note_debug(&mut self, text: DebugText) {
        self.debug_bytes =
            self.debug_bytes.saturating_add(text.text.len()).saturating_add(size_of::<DebugText>());
        self.debug.push(text);
    }

    /// The texts that were kept, for the report.
    pub(crate) fn take_debug(&mut self) -> Vec<DebugText> {
        std::mem::take(&mut self.debug)
    }

    pub(crate) fn enter(&mut self, account: Address) {
        self.active.push(Active { account, reentry: false });
    }

    pub(crate) fn leave(&mut self) {
        self.active.pop();
    }

    /// How many frames are active.
    pub(crate) fn depth(&self) -> usize {
        self.active.len()
    }

    /// Says whether the call that the innermost frame is about to make lets its account be entered again.
    pub(crate) fn allow_reentry(&mut self, allow: bool) {
        if let Some(innermost) = self.active.last_mut() {
            innermost.reentry = allow;
        }
    }

    /// Whether entering an account would be a reentry that a waiting call does not allow.
    pub(crate) fn denies_entry(&self, account: &Address) -> bool {
        self.active.iter().any(|frame| frame.account == *account && !frame.reentry)
    }

    pub(crate) fn account(&self, storage: &dyn Storage, address: &Address) -> StorageResult<Account> {
        self.journal.account(storage, address)
    }

    /// Whether [`transfer`](Self::transfer) would move an amount.
    pub(crate) fn can_transfer(
        &self,
        storage: &dyn Storage,
        from: &Address,
        to: &Address,
        amount: u128,
    ) -> StorageResult<bool> {
        if self.account(storage, from)?.balance < amount {
            return Ok(false);
        }
        Ok(amount == 0 || from == to || self.account(storage, to)?.balance.checked_add(amount).is_some())
    }

    /// Moves an amount, if there is that much. What there is of everything fits 128 bits, so no balance can overflow;
    /// a state in which one would is refused as a lack of balance.
    pub(crate) fn transfer(
        &mut self,
        storage: &dyn Storage,
        from: &Address,
        to: &Address,
        amount: u128,
    ) -> StorageResult<bool> {
        let mut sender = self.account(storage, from)?;
        let Some(left) = sender.balance.checked_sub(amount) else { return Ok(false) };
        if amount == 0 || from == to {
            return Ok(true);
        }
        let mut receiver = self.account(storage, to)?;
        let Some(sum) = receiver.balance.checked_add(amount) else { return Ok(false) };
        sender.balance = left;
        receiver.balance = sum;
        self.journal.set_account(*from, sender);
        self.journal.set_account(*to, receiver);
        Ok(true)
    }
}
