//! A fungible token as a contract has it: balances and allowances in maps, every call through bytes, every state
//! committed to by a Merkle root.

use crate::random::{Random, mix};
use crate::sha256::digest;
use std::collections::BTreeMap;

type Account = [u8; 20];

#[derive(Default)]
struct Token {
    supply: u128,
    balances: BTreeMap<Account, u128>,
    allowances: BTreeMap<(Account, Account), u128>,
    events: u64,
}

impl Token {
    fn balance(&self, account: &Account) -> u128 {
        self.balances.get(account).copied().unwrap_or(0)
    }

    fn mint(&mut self, to: Account, amount: u128) -> bool {
        let Some(supply) = self.supply.checked_add(amount) else { return false };
        self.supply = supply;
        *self.balances.entry(to).or_default() += amount;
        true
    }

    fn transfer(&mut self, from: Account, to: Account, amount: u128) -> bool {
        let Some(left) = self.balance(&from).checked_sub(amount) else { return false };
        self.balances.insert(from, left);
        *self.balances.entry(to).or_default() += amount;
        self.events += 1;
        true
    }

    fn transfer_from(&mut self, spender: Account, from: Account, to: Account, amount: u128) -> bool {
        let allowed = self.allowances.get(&(from, spender)).copied().unwrap_or(0);
        let Some(left) = allowed.checked_sub(amount) else { return false };
        if !self.transfer(from, to, amount) {
            return false;
        }
        self.allowances.insert((from, spender), left);
        true
    }

    /// Selector, sender, two accounts, amount.
    fn call(&mut self, input: &[u8; 77]) -> bool {
        let account = |at: usize| -> Account { input[at..at + 20].try_into().unwrap() };
        let (sender, first, second) = (account(1), account(21), account(41));
        let amount = u128::from_be_bytes(input[61..77].try_into().unwrap());
        match input[0] {
            0 => self.mint(first, amount),
            1 => self.transfer(sender, first, amount),
            2 => {
                self.allowances.insert((sender, first), amount);
                true
            }
            _ => self.transfer_from(sender, first, second, amount),
        }
    }

    fn root(&self) -> [u8; 32] {
        let mut level: Vec<[u8; 32]> = self
            .balances
            .iter()
            .map(|(account, balance)| digest(&[&account[..], &balance.to_be_bytes()].concat()))
            .collect();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| digest(pair.as_flattened())).collect();
        }
        level.first().copied().unwrap_or_default()
    }
}

/// `n` blocks of 500 calls.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(21);
    let mut token = Token::default();
    let mut sum = 0;
    for _ in 0..n {
        for _ in 0..500 {
            let mut input = [0; 77];
            input[0] = random.below(4) as u8;
            for at in [1, 21, 41] {
                input[at..at + 4].copy_from_slice(&random.below(300).to_be_bytes());
            }
            input[69..].copy_from_slice(&(random.next() >> 40).to_be_bytes());
            sum = mix(sum, u64::from(token.call(&input)));
        }
        sum = mix(sum, u64::from_be_bytes(token.root()[..8].try_into().unwrap()));
    }
    mix(sum, token.events) as i64
}
