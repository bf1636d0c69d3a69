//! Profiles of transactions: their sum is the receipt's gas used, however the transaction ends. The other tests hold this
//! too, for each transaction that they execute on the chain of `support`.

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{Action, Address, Database, NONE, Status, Tx};
use lockstep_vm::{Profile, ProfileFrame, ProfileOptions};
use support::{Chain, Step, TRAP, at, script, step};

fn path(profile: &Profile, index: usize) -> String {
    let nodes: Vec<_> = profile.nodes().collect();
    let mut path = Vec::new();
    let mut at = Some(index);
    while let Some(index) = at {
        path.push(match nodes[index].frame() {
            ProfileFrame::Root => String::new(),
            ProfileFrame::Instantiation(_) => "instantiation".to_owned(),
            ProfileFrame::Function { module, function } => {
                module.function_name(function).unwrap_or("?").to_owned()
            }
            ProfileFrame::Host(name) | ProfileFrame::Label(name) => name.to_owned(),
            _ => "beyond".to_owned(),
        });
        at = nodes[index].parent();
    }
    path.reverse();
    path[1..].join("; ")
}

fn nested(to: Address, inner: &[Step]) -> Vec<u8> {
    let inner = script(inner, b"kv", 0);
    let mut data = to.0.to_vec();
    data.extend(&inner);
    let call = step(F::Call, &[0, u64::MAX, at(0), NONE as u64, at(32), inner.len() as u64]);
    script(&[call], &data, 0)
}

fn profile(chain: &Chain, tx: &Tx) -> (Status, u64, Profile) {
    let version = chain.database.version().unwrap();
    let options = ProfileOptions::default();
    let executed = chain.environment.execute_profiled(&*version, &chain.block, 0, tx, options).unwrap();
    let plain = chain.environment.execute(&*version, &chain.block, 0, tx).unwrap();
    assert_eq!(executed.receipt, plain.receipt);
    assert!(plain.report.profile.is_none());
    (executed.receipt.status, executed.receipt.gas_used, executed.report.profile.unwrap())
}

#[test]
fn a_nested_frame_stands_under_the_host_function_that_called_it() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let set = step(F::StorageSet, &[at(0), 1, at(1), 1]);
    let trap = Step { function: TRAP, args: vec![] };
    for inner in [vec![set.clone()], vec![set.clone(), step(F::Revert, &[at(0), 2])], vec![set, trap]] {
        let tx = chain.tx(Action::Call { to: a, value: 3, input: nested(b, &inner) });
        let (status, used, profile) = profile(&chain, &tx);
        assert_eq!((status, profile.gas()), (Status::Ok, used));
        let paths: Vec<String> =
            profile.nodes().filter(|node| node.gas() > 0).map(|node| path(&profile, node.index())).collect();
        for expected in [
            "transaction".to_owned(),
            "code and value".to_owned(),
            format!("0x{a} call; instantiation"),
            format!("0x{a} call; run; lockstep.call"),
            format!("0x{a} call; run; lockstep.call; 0x{b} call; run"),
            format!("0x{a} call; run; lockstep.call; 0x{b} call; run; lockstep.storage_set"),
        ] {
            assert!(paths.contains(&expected), "{expected} is not in {paths:#?}");
        }
    }
}

#[test]
fn the_sum_is_the_gas_used_whatever_gas_there_is() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let set = step(F::StorageSet, &[at(0), 1, at(1), 1]);
    let mut tx = chain.tx(Action::Call { to: a, value: 3, input: nested(b, &[set]) });
    let (_, all, _) = profile(&chain, &tx);
    let least = chain.environment.intrinsic_gas(&tx);
    let mut ended = [0, 0];
    for part in 0..=150 {
        tx.gas_limit = least + (all - least) * part / 120;
        let (status, used, profile) = profile(&chain, &tx);
        assert_eq!(profile.gas(), used, "with {} gas", tx.gas_limit);
        ended[usize::from(status == Status::Ok)] += 1;
    }
    assert!(ended.iter().all(|&times| times > 10), "{ended:?}");
}
