//! A token written in Rust with the guest header, from upload to allowance, on the embedded database.

use lockstep_host_env::{
    Action, Address, Block, Database, EmbeddedDatabase, Environment, Executed, Status, Tx, code_hash,
};
use lockstep_vm::{Backend, Config, Engine};
use std::path::Path;

const TOKEN: &[u8] = include_bytes!("../contracts/token.wasm");
const ALICE: Address = Address([0xa1; 32]);
const BOB: Address = Address([0xb0; 32]);
const CAROL: Address = Address([0xca; 32]);

struct Chain {
    environment: Environment,
    database: EmbeddedDatabase,
}

impl Chain {
    fn open(path: &Path, backend: Backend) -> Chain {
        let engine = Engine::new(&Config::new().backend(backend)).unwrap();
        let environment = Environment::new(&engine).unwrap();
        Chain { environment, database: EmbeddedDatabase::open(path).unwrap() }
    }

    fn apply(&self, sender: Address, action: Action) -> Executed {
        let version = self.database.version().unwrap();
        let nonce = version.account(&sender).unwrap().map_or(0, |account| account.nonce);
        let tx = Tx { chain: 1, sender, nonce, gas_limit: 10_000_000, action };
        let block = Block { chain: 1, height: 1, time: 0 };
        let executed = self.environment.execute(&*version, &block, 0, &tx).unwrap();
        self.database.commit(&version.root().unwrap(), &executed.changes).unwrap();
        executed
    }

    fn call(&self, sender: Address, to: Address, input: &[&[u8]]) -> Executed {
        self.apply(sender, Action::Call { to, value: 0, input: input.concat() })
    }

    fn balance(&self, token: Address, of: Address) -> u128 {
        let output = self.call(CAROL, token, &[&[1], &of.0]).receipt.output;
        u128::from_le_bytes(output.try_into().unwrap())
    }
}

fn amount(amount: u128) -> [u8; 16] {
    amount.to_le_bytes()
}

fn story(backend: Backend) -> (Vec<lockstep_host_env::Hash>, lockstep_host_env::Hash) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let chain = Chain::open(&path, backend);
    let mut receipts = Vec::new();
    let mut note = |executed: Executed| {
        receipts.push(executed.receipt.hash());
        executed.receipt
    };
    note(chain.apply(ALICE, Action::Upload { code: TOKEN.to_vec() }));
    let create = Action::Create {
        code_hash: code_hash(TOKEN),
        salt: [0; 32],
        value: 0,
        input: amount(1_000).to_vec(),
    };
    let receipt = note(chain.apply(ALICE, create));
    assert_eq!(receipt.status, Status::Ok);
    let token = receipt.created.unwrap();

    let receipt = note(chain.call(ALICE, token, &[&[0], &BOB.0, &amount(300)]));
    assert_eq!(receipt.status, Status::Ok);
    assert_eq!(receipt.events[0].topics, [ALICE.0, BOB.0]);
    assert_eq!(receipt.events[0].data, amount(300));
    let receipt = note(chain.call(BOB, token, &[&[0], &CAROL.0, &amount(301)]));
    assert_eq!((receipt.status, &receipt.output[..]), (Status::Reverted, &b"balance"[..]));

    // The node is started again in between.
    drop(chain);
    let chain = Chain::open(&path, backend);
    note(chain.call(ALICE, token, &[&[2], &BOB.0, &amount(100)]));
    let spend = [&[3][..], &ALICE.0, &CAROL.0, &amount(60)];
    assert_eq!(note(chain.call(BOB, token, &spend)).status, Status::Ok);
    let receipt = note(chain.call(BOB, token, &spend));
    assert_eq!((receipt.status, &receipt.output[..]), (Status::Reverted, &b"allowance"[..]));
    assert_eq!(note(chain.call(BOB, token, &[&[9]])).output, b"no such action");
    let balances = [ALICE, BOB, CAROL].map(|of| chain.balance(token, of));
    assert_eq!(balances, [640, 300, 60]);
    (receipts, chain.database.version().unwrap().root().unwrap())
}

#[test]
fn a_token_lives_on_the_embedded_database() {
    let reference = story(Backend::Interpreter);
    assert_eq!(story(Backend::Native), reference);
    assert_eq!(story(Backend::CrossCheck), reference);
}
