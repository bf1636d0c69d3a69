//! The harness itself: what a failure says, what a snapshot is, what is rejected.

use super::token::token;
use super::{contract, people};
use lockstep_test::*;

#[test]
fn a_failure_says_it_all() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    chain.call(alice, token, ("approve", bob, 40u128)).ok()?;
    let failure =
        chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).gas(3_000_000).ok().unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Expectation);
    let text = failure.to_string();
    let lines: Vec<&str> = text.lines().collect();
    let title =
        "transfer_from(alice, carol, 60) by bob on token: expected ok, got reverted \"allowance\"     gas ";
    assert!(lines[0].starts_with(title) && lines[0].ends_with(" of 3,000,000"), "{text}");
    assert!(lines[1].starts_with("  token::"), "{text}");
    assert!(text.contains("token::spend_allowance"), "{text}");
    assert!(text.contains("reverted\n"), "{text}");
    assert!(text.contains("\n  storage read  allowance/alice/bob = 40"), "{text}");
    assert!(
        lines.last().is_some_and(|last| last.starts_with("  at ") && last.contains("harness.rs:")),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_trap_says_where() -> Result {
    let (mut chain, [alice, ..]) = people();
    let contract = chain.deploy(alice, contract!("misbehaving"), ())?;
    let text = chain.call(alice, contract, ("trap_after_writes", 0u32)).ok().unwrap_err().to_string();
    assert!(
        text.starts_with("trap_after_writes(0) by alice on misbehaving: expected ok, got trapped: "),
        "{text}"
    );
    assert!(text.contains("  misbehaving::"), "{text}");
    Ok(())
}

#[test]
fn what_ends_well_unexpectedly_fails() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let pay = ("transfer", bob, 1u128);
    let text = chain.call(alice, token, pay).reverts_with("balance").unwrap_err().to_string();
    assert!(text.contains("expected reverted \"balance\", got ok"), "{text}");
    let text = chain.call(alice, token, pay).traps(Trap::Unreachable).unwrap_err().to_string();
    assert!(text.contains("got ok"), "{text}");
    let text = chain.call(alice, token, pay).misuses(Misuse::BadArgument).unwrap_err().to_string();
    assert!(text.contains("expected misuse: bad argument, got ok"), "{text}");
    let text = chain.call(alice, token, pay).rejected(Rejected::Balance).unwrap_err().to_string();
    assert!(text.contains("expected rejected for its Balance, got ok"), "{text}");
    let text = chain.call(alice, token, pay).value(1_001).ok().unwrap_err().to_string();
    assert!(text.contains("the transaction is rejected: the sender owns 1000"), "{text}");
    let text = chain.call(alice, token, ("burn", 501u128)).reverts_with("supply").unwrap_err().to_string();
    assert!(text.contains("expected reverted \"supply\", got reverted \"balance\""), "{text}");
    Ok(())
}

#[test]
fn an_event_that_is_not_there_fails() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    let paid = chain.call(alice, token, ("transfer", bob, 60u128)).ok()?;
    let text = paid.event(token, "Approval").unwrap_err().to_string();
    assert!(text.contains("expected an event Approval of token, got"), "{text}");
    assert!(text.contains("(alice, bob, 60) of token"), "{text}");
    assert!(paid.event(bob, "Transfer").is_err());
    let event = paid.event(token, "Transfer")?;
    let text = event.is((alice, carol, 60u128)).unwrap_err().to_string();
    assert!(text.contains("expected event Transfer with (alice, carol, 60), got alice, bob, 60"), "{text}");
    let text = event.topics(&[bob, alice]).unwrap_err().to_string();
    assert!(text.contains("with the topics [bob, alice], got [alice, bob]"), "{text}");
    assert!(paid.event_count(2).is_err());
    Ok(())
}

#[test]
fn gas_above_what_is_expected_fails() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let paid = chain.call(alice, token, ("transfer", bob, 60u128)).ok()?;
    paid.gas_at_most(paid.gas_used())?;
    let text = paid.gas_at_most(paid.gas_used() - 1).unwrap_err().to_string();
    assert!(text.contains("expected at most"), "{text}");
    Ok(())
}

#[test]
fn an_output_of_another_type_fails() -> Result {
    let (mut chain, [alice, ..], token) = token()?;
    assert!(chain.view::<u64>(token, ("balance_of", alice)).is_err(), "bytes are left");
    assert!(chain.view::<(u128, u128)>(token, ("balance_of", alice)).is_err(), "bytes are missing");
    assert!(chain.storage(token).get::<u64>(("balance", alice)).is_err());
    let text = chain.view::<u128>(token, ("no_such",)).unwrap_err().to_string();
    assert!(
        text.contains("no_such() by viewer on token: expected ok, got reverted \"no such function\""),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_snapshot_is_a_value() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let start = chain.snapshot();
    let (root, receipts, time) = (chain.root(), chain.receipts(), chain.time());
    let mut roots = Vec::new();
    for amount in [1u128, 2, 1] {
        chain.restore(&start);
        chain.call(alice, token, ("transfer", bob, amount)).ok()?;
        chain.advance(3.days());
        roots.push((chain.root(), chain.receipts()));
    }
    assert_eq!(roots[0], roots[2]);
    assert_ne!(roots[0], roots[1]);
    let later = chain.snapshot();
    chain.restore(&start);
    assert_eq!((chain.root(), chain.receipts(), chain.time()), (root, receipts, time));
    chain.restore(&later);
    assert_eq!((chain.root(), chain.receipts()), roots[2]);
    Ok(())
}

#[test]
fn clones_go_their_own_ways() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let mut other = chain.clone();
    chain.call(alice, token, ("transfer", bob, 1u128)).ok()?;
    assert_eq!(other.view::<u128>(token, ("balance_of", bob))?, 0);
    other.call(alice, token, ("transfer", bob, 2u128)).ok()?;
    assert_eq!(chain.view::<u128>(token, ("balance_of", bob))?, 1);
    Ok(())
}

#[test]
fn code_that_is_no_contract_is_refused() -> Result {
    let (mut chain, [alice, ..]) = people();
    let wasm = wat::parse_str(r#"(module (func (export "deploy")))"#).unwrap();
    let text = chain.deploy(alice, Code::new("none", wasm), ()).unwrap_err().to_string();
    assert!(text.contains("none is refused as a contract: the module exports no function `call`"), "{text}");
    let text = chain.deploy(alice, Code::new("text", &b"no module"[..]), ()).unwrap_err().to_string();
    assert!(text.contains("text is refused as a contract"), "{text}");
    Ok(())
}

#[test]
fn a_transfer_moves_value_and_no_more() -> Result {
    let (mut chain, [alice, bob, _]) = people();
    chain.transfer(alice, bob, 400)?;
    assert_eq!((chain.balance(alice), chain.balance(bob)), (600, 1_400));
    assert!(chain.transfer(alice, bob, 601).is_err());
    assert_eq!((chain.nonce(alice), chain.nonce(bob)), (1, 0));
    Ok(())
}

#[test]
fn history_is_every_transaction_in_order() -> Result {
    let (mut chain, [alice, bob, _]) = people();
    chain.keep_history();
    let token = chain.deploy(alice, contract!("token"), ("init", "Gold", 500u128))?;
    chain.advance(1.blocks());
    chain.call(alice, token, ("transfer", bob, 1u128)).ok()?;
    chain.view::<u128>(token, ("balance_of", bob))?;
    let places: Vec<_> = chain.history().iter().map(|done| (done.block.height, done.index)).collect();
    assert_eq!(places, [(1, 0), (1, 1), (2, 0)], "a view is none of them");
    assert_eq!(chain.history()[2].root, chain.root());
    Ok(())
}

#[test]
fn every_engine_gives_the_same_receipt() -> Result {
    let story = |mut chain: Chain| -> Result<Hash> {
        let [alice, bob, carol] = chain.accounts(["alice", "bob", "carol"], 1_000);
        let token = chain.deploy(alice, contract!("token"), ("init", "Gold", 500u128))?;
        chain.call(alice, token, ("approve", bob, 100u128)).ok()?;
        chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).ok()?;
        chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).reverts_with("allowance")?;
        let every = chain.call(carol, token, ("burn", 1u128)).on_every_engine()?;
        every.same_receipt()?;
        assert!(every.engines().any(|engine| engine == "interpreter"));
        Ok(chain.receipts())
    };
    let reference = story(Chain::on(Backend::Interpreter)?)?;
    for backend in [Backend::Native, Backend::CrossCheck] {
        if let Ok(chain) = Chain::on(backend) {
            assert_eq!(story(chain)?, reference);
        }
    }
    assert_eq!(story(Chain::on_every_engine())?, reference);
    Ok(())
}

#[test]
fn what_a_contract_says_is_heard() -> Result {
    let (mut chain, [alice, ..]) = people();
    let wasm = wat::parse_str(
        r#"(module
            (import "lockstep" "debug" (func $debug (param i32 i32)))
            (import "lockstep" "revert" (func $revert (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 8) "so\1b[2J it is")
            (func $inner (call $debug (i32.const 8) (i32.const 12)) (call $revert (i32.const 8) (i32.const 2)))
            (func (export "call") (call $inner)))"#,
    )
    .unwrap();
    let talker = chain.deploy(alice, Code::new("talker", wasm), ())?;
    let text = chain.call(alice, talker, Bytes(Vec::new())).ok().unwrap_err().to_string();
    assert!(text.contains("talker::inner"), "{text}");
    assert!(text.contains("  debug  so") && !text.contains('\u{1b}'), "{text}");
    let ended = chain.call(alice, talker, ()).run()?;
    assert_eq!(ended.debug().count(), 1);
    Ok(())
}
