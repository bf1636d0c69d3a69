//! Calls between contracts: statuses and their order, gas, reentry, value, static frames, creation, depth.

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{
    Action, Address, Environment, HostLimits, HostSchedule, Misuse, NONE, Status, Tx, Unit, created_address,
};
use lockstep_vm::Backend;
use support::{CHAIN, Chain, GAS, SPIN, Step, TRAP, at, contract, cost, engine, script, step, told};

const ALL: u64 = u64::MAX;
const NO_VALUE: u64 = NONE as u64;

/// Data in which pieces are found again.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: impl AsRef<[u8]>) -> u64 {
        let place = at(self.0.len() as u32);
        self.0.extend(bytes.as_ref());
        place
    }

    fn call(&mut self, flags: u64, to: Address, input: &[u8]) -> Step {
        let (to, input, len) = (self.put(to.0), self.put(input), input.len() as u64);
        step(F::Call, &[flags, ALL, to, NO_VALUE, input, len])
    }

    fn call_static(&mut self, to: Address, input: &[u8]) -> Step {
        let (to, input, len) = (self.put(to.0), self.put(input), input.len() as u64);
        step(F::CallStatic, &[0, ALL, to, input, len])
    }
}

/// The status of a call from one account of another, with a script of one step.
fn status_of(chain: &Chain, from: Address, to: Address, inner: &[Step], inner_data: &[u8]) -> i64 {
    let mut data = Data::default();
    let call = data.call(0, to, &script(inner, inner_data, 0));
    chain.run(from, &[call], &data.0, 0).results[0]
}

#[test]
fn a_frame_that_does_not_end_well_leaves_nothing() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let set = step(F::StorageSet, &[at(0), 1, at(1), 1]);
    let transient = step(F::TransientSet, &[at(0), 1, at(1), 1]);
    let event = step(F::Event, &[at(0), 0, at(1), 1]);
    let endings = [
        (None, 0),
        (Some(step(F::Exit, &[])), 0),
        (Some(step(F::Revert, &[at(0), 2])), 1),
        (Some(Step { function: TRAP, args: vec![] }), 2),
        (Some(step(F::StorageLen, &[at(0), 0])), 2),
        (Some(Step { function: SPIN, args: vec![] }), 3),
    ];
    for (key, (ending, expected)) in endings.into_iter().enumerate() {
        let mut steps = vec![set.clone(), transient.clone(), event.clone()];
        steps.extend(ending);
        let inner_data = [key as u8, 9];
        let mut data = Data::default();
        let call = data.call(0, b, &script(&steps, &inner_data, 0));
        let steps = [call, step(F::ResultLen, &[]), step(F::ResultRead, &[0, at(0), 100])];
        let executed = chain.call(a, script(&steps, &data.0, 2));
        assert_eq!(executed.receipt.status, Status::Ok);
        let told = told(&executed.receipt.output, 3);
        assert_eq!(told.results[0], expected);
        let kept = expected == 0;
        assert_eq!(chain.storage(&b, &inner_data[..1]).is_some(), kept);
        assert_eq!(executed.receipt.events.len(), usize::from(kept));
        if expected == 1 {
            assert_eq!((told.results[1], &told.memory[..]), (2, &inner_data[..]));
        } else if !kept {
            assert_eq!(told.results[1..], [0, 0]);
        }
    }
}

#[test]
fn what_starts_no_frame_is_tested_in_order_and_costs_little() {
    let chain = Chain::default();
    let a = chain.scripted(1);
    let nobody = Address([9; 32]);
    let mut data = Data::default();
    let (self_, other, one) = (data.put(a.0), data.put(nobody.0), data.put(1_u128.to_le_bytes()));
    let code = data.put(chain.account(&a).code.unwrap().0);
    let salt = data.put([1; 32]);
    let (unknown, out) = (data.put([3; 32]), data.put([0; 32]));
    let steps = [
        // self-call without the flag; the same with a value that is not there: reentrant comes first
        step(F::Call, &[0, ALL, self_, NO_VALUE, at(0), 3]),
        step(F::Call, &[0, ALL, self_, one, at(0), 3]),
        // no code comes before no balance
        step(F::Call, &[1, ALL, other, one, at(0), 3]),
        step(F::CallStatic, &[0, ALL, other, at(0), 3]),
        step(F::CallDelegate, &[0, ALL, unknown, at(0), 3]),
        // allowed to enter itself, and too poor
        step(F::Call, &[1, ALL, self_, one, at(0), 3]),
        step(F::Create, &[ALL, unknown, one, salt, at(0), 3, out]),
        step(F::Create, &[ALL, code, one, salt, at(0), 3, out]),
        step(F::Transfer, &[other, one]),
        step(F::CodeSet, &[unknown]),
    ];
    let told = chain.run(a, &steps, &data.0, 0);
    assert_eq!(told.results, [6, 6, 7, 7, 7, 4, 7, 4, 4, 7]);
    for (done, gas) in steps.iter().zip(&told.gas) {
        let function = F::all().nth(done.function as usize).unwrap();
        let has_input = !matches!(function, F::Transfer | F::CodeSet);
        let parts = [(Unit::Read, 3)];
        assert_eq!(
            *gas,
            cost(chain.schedule(), function, if has_input { &parts } else { &[] }),
            "{function:?}"
        );
    }
}

#[test]
fn reentry_needs_the_flag_of_every_waiting_call() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    // a calls b, b calls a.
    for (flag, expected) in [(0, 6), (1, 0)] {
        for is_static in [false, true] {
            let mut inner = Data::default();
            let back = match is_static {
                true => inner.call_static(a, &script(&[], &[], 0)),
                false => inner.call(0, a, &script(&[], &[], 0)),
            };
            let mut data = Data::default();
            let call = data.call(flag, b, &script(&[back], &inner.0, 0));
            let read = step(F::ResultRead, &[0, at(0), 16]);
            let told = chain.run(a, &[call, read], &data.0, 16);
            assert_eq!(told.results[0], 0);
            assert_eq!(told.memory[..8], u64::to_le_bytes(expected), "flag {flag}");
        }
    }
    // a delegates without the flag to code that calls b with it, which calls a: the delegating frame still waits.
    let code = chain.account(&a).code.unwrap();
    for (flag, expected) in [(0, 6), (1, 0)] {
        let mut innermost = Data::default();
        let back = innermost.call(0, a, &script(&[], &[], 0));
        let mut inner = Data::default();
        let call = inner.call(1, b, &script(&[back], &innermost.0, 0));
        let read = step(F::ResultRead, &[0, at(0), 16]);
        let input = script(&[call, read], &inner.0, 16);
        let mut data = Data::default();
        let (code, place) = (data.put(code.0), data.put(&input));
        let delegate = step(F::CallDelegate, &[flag, ALL, code, place, input.len() as u64]);
        let told = chain.run(a, &[delegate, step(F::ResultRead, &[0, at(0), 64])], &data.0, 64);
        assert_eq!(told.results, [0, 48]);
        assert_eq!(told.memory[32..40], u64::to_le_bytes(expected), "flag {flag}");
    }
}

#[test]
fn static_frames_change_nothing() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let mut inner = Data::default();
    let (code, zero) = (inner.put(chain.account(&a).code.unwrap().0), inner.put([0; 32]));
    let to = inner.put(a.0);
    let changes = [
        step(F::StorageSet, &[at(0), 1, at(0), 1]),
        step(F::StorageRemove, &[at(0), 1]),
        step(F::TransientSet, &[at(0), 1, at(0), 1]),
        step(F::Event, &[at(0), 0, at(0), 0]),
        step(F::Transfer, &[to, zero]),
        step(F::Call, &[0, ALL, to, zero, at(0), 0]),
        step(F::Create, &[ALL, code, NO_VALUE, zero, at(0), 0, zero]),
        step(F::CodeSet, &[code]),
        // before the ranges, which are wrong too
        step(F::StorageSet, &[u64::from(NONE), 1, at(0), 1]),
    ];
    for change in changes {
        // Directly, through a call, and through a delegate call below a static frame.
        let mut data = Data::default();
        let call = data.call_static(b, &script(std::slice::from_ref(&change), &inner.0, 0));
        assert_eq!(chain.run(a, &[call], &data.0, 0).results, [2], "{change:?}");

        let input = script(std::slice::from_ref(&change), &inner.0, 0);
        let mut middle = Data::default();
        let (code, place) = (middle.put(chain.account(&a).code.unwrap().0), middle.put(&input));
        let delegate = step(F::CallDelegate, &[0, ALL, code, place, input.len() as u64]);
        let mut data = Data::default();
        let call = data.call_static(b, &script(&[delegate], &middle.0, 0));
        let told = chain.run(a, &[call, step(F::ResultRead, &[0, at(0), 8])], &data.0, 8);
        assert_eq!((told.results[0], &told.memory[..]), (0, &2_u64.to_le_bytes()[..]), "{change:?}");
    }
    let mut data = Data::default();
    let inner = script(&[step(F::IsStatic, &[]), step(F::StorageLen, &[at(0), 1])], &[1], 0);
    let call = data.call_static(b, &inner);
    let told = chain.run(a, &[call, step(F::ResultRead, &[0, at(0), 32])], &data.0, 32);
    assert_eq!(told.memory[..8], 1_u64.to_le_bytes());
    // A call with a value that is none may be made.
    let mut middle = Data::default();
    let call = middle.call(0, a, &script(&[], &[], 0));
    assert_eq!(status_of(&chain, a, b, &[call], &middle.0), 0);
}

#[test]
fn value_moves_with_the_frame_and_comes_back() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    chain.give(a, 100);
    let call = |amount: u128, inner: &[Step]| {
        let mut data = Data::default();
        let (to, value) = (data.put(b.0), data.put(amount.to_le_bytes()));
        let input = script(inner, &[], 48);
        let place = data.put(&input);
        let call = step(F::Call, &[0, ALL, to, value, place, input.len() as u64]);
        let told = chain.run(a, &[call, step(F::ResultRead, &[0, at(0), 256])], &data.0, 256);
        (told.results[0], told.memory)
    };
    let look =
        [step(F::Value, &[at(0)]), step(F::SelfAddress, &[at(16)]), step(F::Balance, &[at(16), at(0)])];
    let (status, memory) = call(30, &look);
    assert_eq!((status, &memory[48..64]), (0, &30_u128.to_le_bytes()[..]));
    assert_eq!((chain.account(&a).balance, chain.account(&b).balance), (70, 30));
    assert_eq!(call(30, &[step(F::Revert, &[at(0), 0])]).0, 1);
    assert_eq!(call(71, &[]).0, 4);
    assert_eq!((chain.account(&a).balance, chain.account(&b).balance), (70, 30));
    assert_eq!(call(70, &[]).0, 0);
    assert_eq!((chain.account(&a).balance, chain.account(&b).balance), (0, 100));

    // A transfer to itself changes nothing; to nobody it makes an account, unless it is of nothing.
    let mut data = Data::default();
    let (own, amount, zero) = (data.put(b.0), data.put(40_u128.to_le_bytes()), data.put([0; 16]));
    let (new, other) = (data.put([8; 32]), data.put([7; 32]));
    let steps = [
        step(F::Transfer, &[own, amount]),
        step(F::Transfer, &[other, zero]),
        step(F::Transfer, &[new, amount]),
        step(F::Transfer, &[new, amount]),
        step(F::Transfer, &[new, amount]),
    ];
    let told = chain.run(b, &steps, &data.0, 0);
    assert_eq!(told.results, [0, 0, 0, 0, 4]);
    let plain = cost(chain.schedule(), F::Transfer, &[]);
    let with_new = cost(chain.schedule(), F::Transfer, &[(Unit::NewEntry, 1)]);
    assert_eq!(told.gas, [plain, plain, with_new, plain, plain]);
    assert_eq!(chain.account(&b).balance, 20);
    let state = lockstep_host_env::Database::version(&chain.database).unwrap();
    assert_eq!(state.account(&Address([7; 32])).unwrap(), None);
    assert_eq!(state.account(&Address([8; 32])).unwrap().unwrap().balance, 80);
}

#[test]
fn a_delegate_call_is_the_callers_frame_with_other_code() {
    let chain = Chain::default();
    let a = chain.scripted(1);
    let code = chain.upload(contract(
        r#"(func (export "call")
            (call $self_address (i32.const 0))
            (call $caller (i32.const 32))
            (call $value (i32.const 64))
            (drop (call $storage_set (i32.const 100) (i32.const 1) (i32.const 0) (i32.const 1)))
            (call $output (i32.const 0) (i32.const 80)))"#,
    ));
    let mut data = Data::default();
    let code = data.put(code.0);
    let steps = [
        step(F::CallDelegate, &[0, ALL, code, at(0), 0]),
        step(F::ResultRead, &[0, at(32), 80]),
        step(F::CodeSet, &[code]),
    ];
    let input = script(&steps, &data.0, 112);
    let executed = chain.apply(Action::Call { to: a, value: 6, input });
    let told = told(&executed.receipt.output, 3);
    assert_eq!(told.results, [0, 80, 0]);
    assert_eq!(told.memory[32..64], a.0);
    assert_eq!(told.memory[64..96], chain.sender.0);
    assert_eq!(told.memory[96..], 6_u128.to_le_bytes());
    assert_eq!(chain.storage(&a, &[0]), Some(vec![a.0[0]]));
    // The other code runs from the next frame on.
    assert_eq!(chain.call(a, vec![]).receipt.output[..32], a.0);
}

#[test]
fn created_accounts_have_the_address_that_was_known_before() {
    let chain = Chain::default();
    let a = chain.scripted(1);
    chain.give(a, 10);
    let code = chain.account(&a).code.unwrap();
    let create = |salt: u8, inner: &[Step], value: Option<u128>| {
        let mut data = Data::default();
        let out = data.put([0; 32]);
        let (code, salt) = (data.put(code.0), data.put([salt; 32]));
        let value = value.map_or(NO_VALUE, |value| data.put(value.to_le_bytes()));
        let input = script(inner, b"k", 0);
        let place = data.put(&input);
        let create = step(F::Create, &[ALL, code, value, salt, place, input.len() as u64, out]);
        let told = chain.run(a, &[create], &data.0, 32);
        (told.results[0], Address(told.memory.try_into().unwrap()))
    };
    let address = |salt: u8| created_address(CHAIN, &a, &code, &[salt; 32]);
    let set = step(F::StorageSet, &[at(0), 1, at(0), 1]);
    assert_eq!(create(5, std::slice::from_ref(&set), Some(4)), (0, address(5)));
    assert_eq!(chain.account(&address(5)).balance, 4);
    assert_eq!(chain.storage(&address(5), b"k"), Some(b"k".to_vec()));
    assert_eq!(create(5, &[], Some(1_000)), (8, address(5))); // exists comes before no balance
    assert_eq!(create(6, &[], Some(1_000)), (4, Address([0; 32])));
    for (ending, expected) in [
        (step(F::Revert, &[at(0), 0]), 1),
        (Step { function: TRAP, args: vec![] }, 2),
        (Step { function: SPIN, args: vec![] }, 3),
    ] {
        assert_eq!(create(7, &[set.clone(), ending], Some(1)), (expected, address(7)));
        assert_eq!(chain.account(&address(7)), Default::default());
        assert_eq!(chain.storage(&address(7), b"k"), None);
    }
    // What is at the address already stays there.
    chain.give(address(7), 3);
    assert_eq!(create(7, &[], Some(1)), (0, address(7)));
    assert_eq!(chain.account(&address(7)).balance, 4);
}

/// Gas to the unit: a 64th stays, what is asked for is given, what is left comes back.
#[test]
fn nested_frames_get_what_is_asked_for_but_a_64th() {
    let chain = Chain::default();
    let told_gas = contract(
        r#"(func (export "call")
            (i64.store (i32.const 0) (call $gas_left))
            (call $output (i32.const 0) (i32.const 8)))"#,
    );
    let len = told_gas.len() as u64;
    let inner = chain.create_plain(chain.upload(told_gas));
    // Outputs the gas before the call, its status, the gas after it and what the frame saw.
    let outer = chain.create_plain(chain.upload(contract(
        r#"(func (export "call")
            (drop (call $input_read (i32.const 0) (i32.const 0) (i32.const 40)))
            (i64.store (i32.const 100) (call $gas_left))
            (i64.store (i32.const 108) (i64.extend_i32_u (call $call (i32.const 0) (i64.load (i32.const 32))
                (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0))))
            (i64.store (i32.const 116) (call $gas_left))
            (drop (call $result_read (i32.const 0) (i32.const 124) (i32.const 8)))
            (call $output (i32.const 100) (i32.const 32)))"#,
    )));
    let run = |gas: u64, asked: u64| {
        let input = [&inner.0[..], &asked.to_le_bytes()].concat();
        let tx = chain.tx(Action::Call { to: outer, value: 0, input });
        let executed = chain.execute(&Tx { gas_limit: gas, ..tx }).unwrap();
        assert_eq!(executed.receipt.status, Status::Ok);
        let words = executed.receipt.output.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        <[u64; 4]>::try_from(words.collect::<Vec<_>>()).unwrap()
    };
    let schedule = chain.schedule();
    let price = cost(schedule, F::Call, &[(Unit::Code, len)]); // with what the second `gas_left` costs
    let call = price - 1 - u64::from(schedule.base(F::GasLeft));
    let [before, status, after, seen] = run(GAS, 1_000_000);
    assert_eq!(status, 0);
    let inside = 1_000_000 - seen; // instantiation, entry, and its own `gas_left`
    let spent = before - after - price;
    assert!(inside < spent && spent < inside + 1_000); // the frame's output too
    for gas in [GAS, GAS - 1, GAS - 63, GAS - 64, GAS - 65, 3_000_000] {
        let [before, status, after, seen] = run(gas, u64::MAX);
        let left = before - call;
        assert_eq!((status, seen), (0, left - left / 64 - inside), "{gas}");
        assert_eq!(before - after, price + spent, "{gas}");
    }
    // Asking for one less than it takes: the frame runs out of what it got, and the caller goes on with the rest.
    for asked in [0, 1, inside - 1] {
        let [before, status, after, seen] = run(GAS, asked);
        assert_eq!((status, before - after, seen), (3, price + asked, 0), "{asked}");
    }
    assert_eq!(run(GAS, spent)[1], 0);
    assert_eq!(run(GAS, spent - 1)[1], 3);
}

impl Chain {
    fn create_plain(&self, code_hash: lockstep_host_env::Hash) -> Address {
        let executed = self.apply(Action::Create { code_hash, salt: [0; 32], value: 0, input: vec![] });
        assert_eq!(executed.receipt.status, Status::Ok);
        executed.receipt.created.unwrap()
    }
}

/// A contract that calls itself with reentry until it cannot, then does the dearest things to the host's stack, and
/// returns how deep it was.
fn diver() -> Vec<u8> {
    contract(&format!(r#"(func (export "call") {DIVE}"#))
}

/// The same in its start function, which runs within instantiation.
fn starter() -> Vec<u8> {
    contract(&format!(r#"(func (export "call")) (start $dive) (func $dive {DIVE}"#))
}

const DIVE: &str = r#"
            (call $self_address (i32.const 0))
            (i64.store (i32.const 1024) (i64.const 1))
            (if (i32.eqz (call $call (i32.const 1) (i64.const -1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0)))
                (then
                    (drop (call $result_read (i32.const 0) (i32.const 1024) (i32.const 8)))
                    (i64.store (i32.const 1024) (i64.add (i64.const 1) (i64.load (i32.const 1024)))))
                (else
                    (drop (call $bls12_381_map_g2 (i32.const 2048) (i32.const 4096)))
                    (drop (call $bls12_381_g2_msm (i32.const 2048) (i32.const 100) (i32.const 40000)))
                    (drop (call $bls12_381_pairing (i32.const 2048) (i32.const 20)))
                    (drop (call $bn254_pairing (i32.const 2048) (i32.const 20)))
                    (drop (call $secp256k1_recover (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048)))
                    (drop (call $ed25519_verify (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100)))
                    (call $hash_blake3 (i32.const 0) (i32.const 60000) (i32.const 2048))))
            (call $output (i32.const 1024) (i32.const 8)))"#;

/// Overflowing the host's stack would end the node, so all frames must fit a small thread, with the dearest host function
/// at the bottom, and a module that is compiled there.
#[test]
fn the_deepest_calls_fit_a_stack_of_one_mebibyte() {
    let backends = [Backend::Interpreter, Backend::Native, Backend::CrossCheck];
    for (backend, code) in
        backends.into_iter().flat_map(|backend| [(backend, diver as fn() -> _), (backend, starter)])
    {
        let run = move || {
            let chain = Chain::new(Environment::new(&engine(backend)).unwrap());
            let to = chain.create_plain(chain.upload(code()));
            // An environment of its own, whose cache is empty: the module is compiled in the first frame.
            let fresh = Chain { environment: Environment::new(&engine(backend)).unwrap(), ..chain };
            let executed = fresh.call(to, vec![]);
            assert_eq!(executed.receipt.status, Status::Ok, "{:?}", executed.report);
            assert_eq!(executed.receipt.output, 64_u64.to_le_bytes(), "{backend:?}");
        };
        std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn the_depth_is_a_limit() {
    let limits = HostLimits { depth: 3, ..HostLimits::default() };
    let environment =
        Environment::with(&engine(Backend::default()), HostSchedule::default(), limits).unwrap();
    let chain = Chain::new(environment);
    let to = chain.create_plain(chain.upload(diver()));
    assert_eq!(chain.call(to, vec![]).receipt.output, 3_u64.to_le_bytes());
}

/// 1,024 events that are not undone, and no more.
#[test]
fn events_of_undone_frames_do_not_count() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let mut inner = vec![step(F::Event, &[at(0), 0, at(0), 0]); 400];
    let mut data = Data::default();
    let kept = data.call(0, b, &script(&inner, &[], 0));
    inner.push(step(F::Revert, &[at(0), 0]));
    let undone = data.call(0, b, &script(&inner, &[], 0));
    let event = step(F::Event, &[at(0), 0, at(0), 0]);
    let mut steps = vec![kept.clone(), undone.clone(), kept, undone];
    steps.extend(vec![event.clone(); 224]);
    let executed = chain.call(a, script(&steps, &data.0, 0));
    assert_eq!((executed.receipt.status, executed.receipt.events.len()), (Status::Ok, 1_024));
    steps.push(event);
    let executed = chain.call(a, script(&steps, &data.0, 0));
    assert_eq!(executed.receipt.status, Status::Misuse(Misuse::LimitExceeded));
    assert!(executed.receipt.events.is_empty());
}
