//! Profiles of transactions, and lines of sources where a module names them.

use super::token::token;
use super::{contract, people};
use lockstep_test::*;

fn view(outcome: &Outcome) -> Result<ProfileView> {
    let view = ProfileView::new(&outcome.profile(ProfileOptions::default())?, outcome.names());
    assert_eq!(view.gas(), outcome.gas_used(), "{}", outcome.title());
    assert_eq!(view.rows().iter().map(|row| row.own).sum::<u64>(), outcome.gas_used());
    Ok(view)
}

fn paths(view: &ProfileView) -> Vec<String> {
    (0..view.items().len()).map(|index| view.path(index).join("; ")).collect()
}

#[test]
fn accounts_have_their_names() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let paid = chain.call(alice, token, ("transfer", bob, 60u128)).ok()?;
    let view = view(&paid)?;
    let paths = paths(&view);
    for part in ["transaction", "code and value", "token call; instantiation", "token call; call"] {
        assert!(paths.iter().any(|path| path == part), "{part}: {paths:#?}");
    }
    let leaf = paths.iter().find(|path| path.ends_with("lockstep.storage_set")).unwrap();
    assert!(leaf.contains("token::"), "{leaf}");
    let tree = view.tree();
    assert!(tree.starts_with("all ") && tree.contains("\n  token call "), "{tree}");
    assert!(tree.contains("lockstep.event"), "{tree}");
    Ok(())
}

#[test]
fn a_frame_stands_under_who_called_it() -> Result {
    let (mut chain, [alice, ..]) = people();
    let registry = chain.deploy(alice, contract!("registry"), ())?;
    let counter = chain.deploy(alice, contract!("counter"), ("init", 1u64))?;
    chain.call(alice, registry, ("register", "count", counter)).ok()?;
    let input = ("increment", 2u64).said().bytes;
    let done = chain.call(alice, registry, ("forward", "count", input)).ok()?;
    let paths = paths(&view(&done)?);
    let inner = paths.iter().find(|path| path.ends_with("; counter call; call")).unwrap();
    assert!(inner.starts_with("registry call; call; ") && inner.contains("lockstep.call; "), "{inner}");
    Ok(())
}

/// However it ends.
#[test]
fn the_sum_is_the_gas_used_with_any_gas() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let all = chain.call(alice, token, ("transfer", bob, 1u128)).ok()?.gas_used();
    let mut failed = 0;
    for part in 0..40 {
        let outcome = match chain.call(alice, token, ("transfer", bob, 1u128)).gas(all * part / 38).run() {
            Ok(outcome) => outcome,
            Err(_) => continue,
        };
        failed += usize::from(outcome.status() != Status::Ok);
        view(&outcome)?;
    }
    assert!(failed > 5, "{failed}");
    Ok(())
}

/// `lines.c` has these lines, and no other operators than theirs.
#[test]
fn gas_is_told_by_lines_and_inlined_functions() -> Result {
    let (mut chain, [alice, ..]) = people();
    let lines = chain.deploy(alice, wasm!(path "tests/lines/lines.wasm"), ())?;
    let few = view(&chain.call(alice, lines, Bytes(10u32.to_le_bytes().to_vec())).ok()?)?;
    let many = chain.call(alice, lines, Bytes(110u32.to_le_bytes().to_vec())).ok()?;
    assert_eq!(many.output::<u64>()?, (1..=110u64).map(|n| n * n % 1_000_003).sum());
    let many = view(&many)?;
    for view in [&few, &many] {
        for item in view.items().iter().filter(|item| item.kind == ProfileKind::Guest) {
            assert_eq!(item.lines.iter().map(|line| line.gas).sum::<u64>(), item.own, "{item:?}");
        }
    }
    let gas = |view: &ProfileView, place: &str, function: &str| {
        let line = |line: &ProfileLine| line.place.ends_with(place) && line.function == function;
        view.lines().into_iter().find(|found| line(found)).map(|found| found.gas)
    };
    let source = include_str!("../lines/lines.c");
    let place = |text: &str| {
        let number = source.lines().position(|line| line.contains(text)).unwrap() + 1;
        format!("lines.c:{number}")
    };
    let square = place("return n * n");
    let (before, after) = (gas(&few, &square, "square").unwrap(), gas(&many, &square, "square").unwrap());
    assert_eq!(after, before * 11, "ten squares, and a hundred and ten: {:#?}", many.lines());
    let read = place("lockstep_input_read(");
    assert_eq!(gas(&few, &read, "call"), gas(&many, &read, "call"));
    assert!(gas(&few, &read, "call").is_some_and(|gas| gas > 0), "{:#?}", few.lines());
    assert!(
        few.lines().iter().all(|line| line.place.starts_with("/lines/lines.c:") || line.place == "no line")
    );
    assert_eq!(many.lines()[0].function, "square");
    Ok(())
}

#[test]
fn a_module_without_lines_has_none() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let paid = chain.call(alice, token, ("transfer", bob, 60u128)).ok()?;
    assert_eq!(view(&paid)?.lines(), []);
    Ok(())
}
