//! Streams of random transactions, by a seed: transfers, uploads, creations, calls of the contracts and of one that does
//! what its input says, good ones and failing ones of every kind.
//!
//! The same seed makes the same stream on every engine. What is rejected is not part of it.
#![allow(dead_code, reason = "each user takes a part of it")]

use crate::support::{SPIN, TRAP, at, imports, script, script_contract, step};
use codec::Encode;
use lockstep_host_env::Function as F;
use lockstep_host_env::replay::{Recorder, execute_traced};
use lockstep_host_env::{
    Account, Action, Address, Block, Changes, Database, Environment, ExecuteError, Hash, MemoryDatabase,
    NONE, Status, Tx, code_hash,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;

pub(crate) const TOKEN: &[u8] = include_bytes!("../../contracts/token.wasm");
const AMM: &[u8] = include_bytes!("../../contracts/amm.wasm");
const VAULT: &[u8] = include_bytes!("../../contracts/vault.wasm");
const MISBEHAVING: &[u8] = include_bytes!("../../contracts/misbehaving.wasm");
const CHAIN: u64 = 1;
const USERS: u8 = 16;
/// Enough for everything but what is to run out of it.
const GAS: u64 = 20_000_000;
/// What a contract gets that takes all there is.
const LITTLE_GAS: u64 = 1_500_000;
const SUPPLY: u128 = 1 << 60;

/// The input of a call of a contract that is written with the guest crate.
fn input(name: &str, arguments: impl Encode) -> Vec<u8> {
    [&Sha256::digest(name)[..4], &arguments.encode()].concat()
}

/// A chain in memory, and what will happen to it.
pub(crate) struct Stream<'e> {
    environment: &'e Environment,
    pub(crate) database: MemoryDatabase,
    rng: ChaCha8Rng,
    users: Vec<Address>,
    tokens: Vec<Address>,
    scripts: Vec<Address>,
    worker: Option<Address>,
    /// Market, vault and misbehaving contract, where they are on chain.
    others: Option<[Address; 3]>,
    height: u64,
    index: u32,
    traced: bool,
    /// The account that the last transaction created.
    made: Option<Address>,
    /// How the transactions ended.
    pub(crate) endings: BTreeMap<&'static str, u64>,
}

impl<'e> Stream<'e> {
    /// A state with users who own something.
    pub(crate) fn new(seed: u64, environment: &'e Environment) -> Stream<'e> {
        let database = MemoryDatabase::new();
        let users: Vec<Address> = (0..USERS).map(|user| Address([user + 1; 32])).collect();
        let mut changes = Changes::default();
        for user in &users {
            changes.accounts.insert(*user, Some(Account { balance: 1 << 80, ..Account::default() }));
        }
        let root = database.version().unwrap().root().unwrap();
        database.commit(&root, &changes).unwrap();
        Stream {
            environment,
            database,
            rng: ChaCha8Rng::seed_from_u64(seed),
            users,
            tokens: Vec::new(),
            scripts: Vec::new(),
            worker: None,
            others: None,
            height: 0,
            index: 0,
            traced: false,
            made: None,
            endings: BTreeMap::new(),
        }
    }

    /// Begins a bundle with traces.
    pub(crate) fn traced_recorder<W: Write>(&mut self, out: W) -> Recorder<W> {
        self.traced = true;
        let contents = self.database.contents().unwrap();
        Recorder::with_traces(out, self.environment, &contents, &self.root()).unwrap()
    }

    pub(crate) fn root(&self) -> Hash {
        self.database.version().unwrap().root().unwrap()
    }

    /// Begins a bundle with the state as it is.
    pub(crate) fn recorder<W: Write>(&self, out: W) -> Recorder<W> {
        let contents = self.database.contents().unwrap();
        Recorder::new(out, self.environment, &contents, &self.root()).unwrap()
    }

    /// The block in which a token and the contract that does what its input says come on chain.
    pub(crate) fn set_up<W: Write>(&mut self, recorder: &mut Recorder<W>) {
        self.begin(recorder);
        for code in [TOKEN.to_vec(), script_contract()] {
            self.apply(recorder, 0, Action::Upload { code }, GAS);
        }
        self.create(recorder, 0, &code_hash(TOKEN), 1);
        for salt in [2, 3] {
            self.create(recorder, 0, &code_hash(&script_contract()), salt);
        }
        self.spread(recorder, 0);
        self.end(recorder);
    }

    /// Two blocks in which everything comes on chain, and everybody gets something of it.
    pub(crate) fn set_up_all<W: Write>(&mut self, recorder: &mut Recorder<W>) {
        self.set_up(recorder);
        self.begin(recorder);
        self.create(recorder, 0, &code_hash(TOKEN), 2);
        self.spread(recorder, 1);
        for code in [AMM, VAULT, MISBEHAVING] {
            self.apply(recorder, 0, Action::Upload { code: code.to_vec() }, GAS);
        }
        let (a, b) = (self.tokens[0], self.tokens[1]);
        let mut make = |code: &[u8], input: Vec<u8>| {
            let action = Action::Create { code_hash: code_hash(code), salt: [0; 32], value: 0, input };
            assert!(self.apply(recorder, 0, action, GAS));
            self.made.unwrap()
        };
        let others =
            [make(AMM, input("init", (a, b))), make(VAULT, Vec::new()), make(MISBEHAVING, Vec::new())];
        self.others = Some(others);
        for user in 0..8 {
            for token in [a, b] {
                let input = input("approve", (others[0], u128::MAX >> 1));
                self.apply(recorder, user, Action::Call { to: token, value: 0, input }, GAS);
            }
        }
        let input = input("add_liquidity", (1_u128 << 50, 1_u128 << 51, 0_u128));
        self.apply(recorder, 0, Action::Call { to: others[0], value: 0, input }, GAS);
        self.end(recorder);
    }

    /// Gives every user some of a token.
    fn spread<W: Write>(&mut self, recorder: &mut Recorder<W>, token: usize) {
        for user in self.users.clone() {
            let input = input("transfer", (user, SUPPLY >> 6));
            self.apply(recorder, 0, Action::Call { to: self.tokens[token], value: 0, input }, GAS);
        }
    }

    /// A block of transfers without code.
    pub(crate) fn transfers<W: Write>(&mut self, recorder: &mut Recorder<W>, transactions: usize) {
        self.begin(recorder);
        for _ in 0..transactions {
            let (user, to) = (self.user(), self.of(|stream| &stream.users));
            self.apply(recorder, user, Action::Transfer { to, amount: 5 }, GAS);
        }
        self.end(recorder);
    }

    /// Code that the state has before a bundle begins.
    pub(crate) fn upload_before(&mut self, code: Vec<u8>) {
        let mut nowhere = self.recorder(std::io::sink());
        self.begin(&mut nowhere);
        self.apply(&mut nowhere, 0, Action::Upload { code }, GAS);
        self.end(&mut nowhere);
    }

    /// A block in which the worker comes on chain, unless it is there, and is called so often.
    pub(crate) fn work<W: Write>(&mut self, recorder: &mut Recorder<W>, calls: usize) {
        self.begin(recorder);
        let to = match self.worker {
            Some(worker) => worker,
            None => {
                let code = wat::parse_str(worker_text()).unwrap();
                let hash = code_hash(&code);
                self.apply(recorder, 1, Action::Upload { code }, GAS);
                self.create(recorder, 1, &hash, 9);
                *self.worker.insert(self.made.unwrap())
            }
        };
        for _ in 0..calls {
            let (user, input) = (self.user(), self.rng.random::<[u8; 16]>().to_vec());
            self.apply(recorder, user, Action::Call { to, value: 0, input }, GAS);
        }
        self.end(recorder);
    }

    /// A block of so many transactions.
    pub(crate) fn block<W: Write>(&mut self, recorder: &mut Recorder<W>, transactions: usize) {
        self.begin(recorder);
        for _ in 0..transactions {
            while !self.any(recorder) {}
        }
        self.end(recorder);
    }

    fn begin<W: Write>(&mut self, recorder: &mut Recorder<W>) {
        self.height += 1;
        self.index = 0;
        recorder.begin_block(&self.at()).unwrap();
    }

    fn end<W: Write>(&self, recorder: &mut Recorder<W>) {
        recorder.end_block(&self.root()).unwrap();
    }

    fn at(&self) -> Block {
        Block { chain: CHAIN, height: self.height, time: 1_700_000_000_000 + self.height * 1_000 }
    }

    /// Executes, commits and records a transaction; false if it was rejected.
    fn apply<W: Write>(
        &mut self,
        recorder: &mut Recorder<W>,
        user: usize,
        action: Action,
        gas_limit: u64,
    ) -> bool {
        let version = self.database.version().unwrap();
        let sender = self.users[user];
        let nonce = version.account(&sender).unwrap().map_or(0, |account| account.nonce);
        let tx = Tx { chain: CHAIN, sender, nonce, gas_limit, action };
        let (result, trace) = match self.traced {
            true => execute_traced(self.environment, &*version, &self.at(), self.index, &tx),
            false => (self.environment.execute(&*version, &self.at(), self.index, &tx), Default::default()),
        };
        let executed = match result {
            Ok(executed) => executed,
            Err(ExecuteError::Rejected(_)) => return false,
            Err(error) => panic!("{error}"),
        };
        self.database.commit(&version.root().unwrap(), &executed.changes).unwrap();
        match self.traced {
            true => recorder.traced(&tx, &executed, &trace).unwrap(),
            false => recorder.transaction(&tx, &executed).unwrap(),
        }
        self.index += 1;
        self.made = executed.receipt.created;
        if let Some(address) = executed.receipt.created {
            let account = self.database.version().unwrap().account(&address).unwrap().unwrap();
            let list = match account.code {
                Some(code) if code == code_hash(TOKEN) => Some(&mut self.tokens),
                Some(code) if code == code_hash(&script_contract()) => Some(&mut self.scripts),
                _ => None,
            };
            list.filter(|list| list.len() < 8).into_iter().for_each(|list| list.push(address));
        }
        let ending = match executed.receipt.status {
            Status::Ok => "ok",
            Status::Reverted => "reverted",
            Status::Trapped(_) => "trapped",
            Status::Misuse(_) => "misuse",
        };
        *self.endings.entry(ending).or_default() += 1;
        true
    }

    fn create<W: Write>(&mut self, recorder: &mut Recorder<W>, user: usize, code: &Hash, salt: u64) -> bool {
        let mut salted = [0; 32];
        salted[..8].copy_from_slice(&salt.to_le_bytes());
        let input = match *code == code_hash(TOKEN) {
            true => input("init", ("Gold", SUPPLY)),
            false => script(&[], &[], 0),
        };
        let value = match *code == code_hash(TOKEN) {
            true => 0,
            false => u128::from(self.rng.random_range(0..3_u32)) * 1_000_000,
        };
        let action = Action::Create { code_hash: *code, salt: salted, value, input };
        self.apply(recorder, user, action, GAS)
    }

    fn user(&mut self) -> usize {
        self.rng.random_range(0..self.users.len())
    }

    fn of(&mut self, list: fn(&Self) -> &Vec<Address>) -> Address {
        let index = self.rng.random_range(0..list(self).len());
        list(self)[index]
    }

    /// Some transaction; false if it was rejected.
    fn any<W: Write>(&mut self, recorder: &mut Recorder<W>) -> bool {
        let user = self.user();
        let kind = self.rng.random_range(0..1_000);
        let gas = match self.rng.random_range(0..20) {
            0 => self.rng.random_range(85_000..200_000),
            _ => GAS,
        };
        match kind {
            0..400 => {
                let call = self.token_call();
                self.apply(recorder, user, call, gas)
            }
            400..620 => match self.others {
                Some(others) => {
                    let (call, gas) = self.other_call(others, gas);
                    self.apply(recorder, user, call, gas)
                }
                None => false,
            },
            620..780 => {
                let to = match self.rng.random_range(0..4) {
                    0 => Address(self.rng.random()),
                    _ => self.of(|stream| &stream.users),
                };
                let amount = match self.rng.random_range(0..8) {
                    0 => 0,
                    _ => self.rng.random_range(0..1 << 40),
                };
                self.apply(recorder, user, Action::Transfer { to, amount }, gas)
            }
            780..950 => {
                let (to, input) = (self.of(|stream| &stream.scripts), self.script(2));
                let value = u128::from(self.rng.random_range(0..3_u32));
                self.apply(recorder, user, Action::Call { to, value, input }, gas)
            }
            950..970 => {
                let code = [code_hash(TOKEN), code_hash(&script_contract()), Hash([9; 32])];
                let code = code[self.rng.random_range(0..3)];
                let salt = self.rng.random_range(0..1 << 20);
                self.create(recorder, user, &code, salt)
            }
            970..985 => {
                let code = self.upload();
                self.apply(recorder, user, Action::Upload { code }, GAS)
            }
            _ => {
                let to = self.of(|stream| &stream.users);
                self.apply(recorder, user, Action::Call { to, value: 1, input: vec![1] }, gas)
            }
        }
    }

    /// A call of a token: most do something, some ask for too much, some say nothing that it knows.
    fn token_call(&mut self) -> Action {
        let to = self.of(|stream| &stream.tokens);
        let [a, b] = [self.of(|stream| &stream.users), self.of(|stream| &stream.users)];
        let amount = match self.rng.random_range(0..10) {
            0 => u128::MAX,
            _ => self.rng.random_range(0..1_u128 << 30),
        };
        let input = match self.rng.random_range(0..20) {
            0..10 => input("transfer", (a, amount)),
            10 => input("balance_of", a),
            11 => input("mint", (a, amount)),
            12 => input("burn", amount),
            13..16 => input("approve", (a, amount)),
            16..19 => input("transfer_from", (a, b, amount)),
            _ => vec![self.rng.random(), 1, 2],
        };
        let value = u128::from(self.rng.random_range(0..20_u32) == 0);
        Action::Call { to, value, input }
    }

    /// A call of the market, the vault or the misbehaving contract; and its gas.
    fn other_call(&mut self, [amm, vault, misbehaving]: [Address; 3], gas: u64) -> (Action, u64) {
        let token = self.of(|stream| &stream.tokens);
        let amount = self.rng.random_range(0..1_u128 << 32);
        let call = |to, value, input| Action::Call { to, value, input };
        match self.rng.random_range(0..22) {
            0..7 => (call(amm, 0, input("swap", (token, amount, 0_u128))), gas),
            7 => (call(amm, 0, input("quote", (token, amount))), gas),
            8..10 => (call(amm, 0, input("add_liquidity", (amount, amount * 2, 0_u128))), gas),
            10 => (call(amm, 0, input("remove_liquidity", (amount, 0_u128, 0_u128))), gas),
            11 => (call(vault, amount, input("deposit", ())), gas),
            12 => (call(vault, 0, input("withdraw", amount / 2)), gas),
            13 => (call(misbehaving, 1_000, input("fund", vault)), gas),
            14 | 15 => {
                let careless = self.rng.random_range(0..2) == 0;
                (call(misbehaving, 0, input("attack", (vault, 100_u128, careless, 3_u32))), gas)
            }
            16 => (call(misbehaving, 0, input("recurse", self.rng.random_range(0..300_u32))), LITTLE_GAS),
            17 => (call(misbehaving, 0, input("ladder", 60_u32)), LITTLE_GAS * 2),
            18 => (call(misbehaving, 0, input("revert_after_writes", 5_u32)), gas),
            19 => (call(misbehaving, 0, input("trap_after_writes", 5_u32)), gas),
            _ => {
                let names = [
                    "spin",
                    "memory_bomb",
                    "storage_bomb",
                    "event_bomb",
                    "loud_static",
                    "wild_pointer",
                    "huge_key",
                    "unknown_flag",
                ];
                let name = names[self.rng.random_range(0..names.len())];
                (call(misbehaving, 0, input(name, ())), LITTLE_GAS)
            }
        }
    }

    /// Code that is accepted, or not, or no code at all.
    fn upload(&mut self) -> Vec<u8> {
        let number: u32 = self.rng.random();
        match self.rng.random_range(0..4) {
            0 => number.to_le_bytes().to_vec(),
            1 => wat::parse_str("(module (func (export \"deploy\")))").unwrap(),
            2 => [b"\0asm\x01\0\0\0\xff".as_slice(), &number.to_le_bytes()].concat(),
            _ => wat::parse_str(format!("(module (func (export \"call\") (drop (i32.const {number}))))"))
                .unwrap(),
        }
    }

    /// The input of a contract that does what it says, with calls nested so deep.
    fn script(&mut self, depth: u32) -> Vec<u8> {
        let (mut steps, mut data) = (Vec::new(), Vec::new());
        let count = self.rng.random_range(1..6);
        for _ in 0..count {
            let mut put = |bytes: &[u8]| {
                let place = at(data.len() as u32);
                data.extend(bytes);
                place
            };
            let byte: u8 = self.rng.random_range(0..32);
            let kind = self.rng.random_range(0..24);
            steps.push(match kind {
                0..6 => {
                    let len = self.rng.random_range(0..80);
                    let value: Vec<u8> = (0..len).map(|_| self.rng.random()).collect();
                    let (key, value) = (put(&[byte, 7]), put(&value));
                    step(F::StorageSet, &[key, 2, value, len])
                }
                6..8 => step(F::StorageRemove, &[put(&[byte, 7]), 2]),
                8..11 => step(F::StorageGet, &[put(&[byte, 7]), 2, put(&[0; 100]), 100]),
                11 => step(F::StorageNext, &[put(&[]), 0, put(&[0; 256]), 0, 256]),
                12 => step(F::TransientSet, &[put(&[byte]), 1, put(&[byte; 9]), 9]),
                13..15 => step(F::Event, &[put(&[byte; 32]), 1, put(&[byte, 1, 2]), 3]),
                15 => {
                    let to = self.users[usize::from(byte % USERS)];
                    step(F::Transfer, &[put(&to.0), put(&u128::from(byte).to_le_bytes())])
                }
                16 => step(F::HashBlake3, &[put(&[byte; 100]), 100, put(&[0; 32])]),
                17 => step(F::Output, &[put(&[byte; 10]), 10]),
                18..22 if depth > 0 => {
                    let nested = self.script(depth - 1);
                    let list = &self.scripts;
                    let to = list[self.rng.random_range(0..list.len())];
                    let gas = [u64::MAX, 5_000, 400_000][self.rng.random_range(0..3)];
                    let allow = self.rng.random_range(0..2);
                    let (to, input) = (put(&to.0), put(&nested));
                    let value = match self.rng.random_range(0..3) {
                        0 => put(&1_u128.to_le_bytes()),
                        _ => u64::from(NONE),
                    };
                    step(F::Call, &[allow, gas, to, value, input, nested.len() as u64])
                }
                22 => match self.rng.random_range(0..4) {
                    0 => crate::support::Step { function: TRAP, args: Vec::new() },
                    1 => crate::support::Step { function: SPIN, args: Vec::new() },
                    2 => step(F::Revert, &[put(b"no"), 2]),
                    _ => step(F::StorageSet, &[put(&[]), 0, put(&[]), 0]),
                },
                _ => step(F::GasLeft, &[]),
            });
        }
        script(&steps, &data, 0)
    }
}

/// A contract that computes, branches, writes its memory, and tells what came of it; `call` works through another frame
/// of itself where the input says so.
pub(crate) fn worker_text() -> String {
    format!(
        r#"(module {} (memory (export "memory") 1)
            (func $work (export "call") (local $i i32) (local $sum i64)
                (drop (call $input_read (i32.const 0) (i32.const 64) (i32.const 16)))
                (local.set $sum (i64.load (i32.const 64)))
                (loop $next
                    (i64.store offset=128 (i32.shl (local.get $i) (i32.const 3))
                        (i64.add (i64.mul (local.get $sum) (i64.const 6364136223846793005)) (i64.const 11)))
                    (local.set $sum (i64.load offset=128 (i32.shl (local.get $i) (i32.const 3))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.const 20))))
                (drop (call $storage_set (i32.const 64) (i32.const 8) (i32.const 128) (i32.const 160)))
                (i64.store (i32.const 512) (i64.rotl (local.get $sum) (i64.const 7)))
                (call $event (i32.const 64) (i32.const 0) (i32.const 512) (i32.const 8))
                (if (i64.eqz (i64.and (local.get $sum) (i64.const 7))) (then (call $revert (i32.const 512) (i32.const 8))))
                (call $output (i32.const 512) (i32.const 8))))"#,
        imports()
    )
}
