//! Profiles: whose gas it was, to the unit, whatever happens; and that nothing happens otherwise for it.

use lockstep_vm::{
    Backend, Caller, Config, Engine, Error, Linker, Module, Profile, ProfileFrame, ProfileOptions, Store,
    Trap, Val,
};

/// A tree as lines: depth, name, calls, own gas.
fn lines(profile: &Profile) -> Vec<String> {
    let nodes: Vec<_> = profile.nodes().collect();
    nodes
        .iter()
        .filter(|node| node.gas() > 0)
        .map(|node| {
            let mut path = vec![name(node.frame())];
            let mut at = node.parent();
            while let Some(parent) = at {
                path.push(name(nodes[parent].frame()));
                at = nodes[parent].parent();
            }
            path.reverse();
            format!("{} x{} {}", path[1..].join(";"), node.calls(), node.gas())
        })
        .collect()
}

fn name(frame: ProfileFrame<'_>) -> String {
    match frame {
        ProfileFrame::Function { module, function } => {
            module.function_name(function).unwrap_or("?").to_owned()
        }
        ProfileFrame::Host(name) | ProfileFrame::Label(name) => name.to_owned(),
        ProfileFrame::Instantiation(_) => "instantiation".to_owned(),
        ProfileFrame::Beyond => "beyond".to_owned(),
        _ => "all".to_owned(),
    }
}

struct Run {
    profile: Profile,
    trap: Option<Trap>,
    used: u64,
}

fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("env", "pay", |mut caller: Caller<'_, ()>, gas: i64| -> Result<(), Error> {
            Ok(caller.charge(gas as u64)?)
        })
        .unwrap();
    // Calls the export `back`, and goes on whatever came of it.
    linker
        .func_wrap("env", "back", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
            caller.charge(7)?;
            let back = caller.get_export("back").unwrap().into_func().unwrap();
            drop(back.call(&mut caller, &[], &mut []));
            caller.charge(3)?;
            Ok(())
        })
        .unwrap();
    // Hides a failed charge by giving itself gas.
    linker
        .func_wrap("env", "hide", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
            let _ = caller.charge(u64::MAX);
            caller.set_gas(500)
        })
        .unwrap();
    linker
}

fn run_with(
    engine: &Engine,
    wat: &str,
    arguments: &[Val],
    gas: u64,
    options: Option<ProfileOptions>,
) -> (Option<Profile>, Option<Trap>, u64) {
    let module = Module::new(engine, wat::parse_str(wat).unwrap()).unwrap();
    let mut store = Store::new(engine, ());
    store.set_gas(gas).unwrap();
    if let Some(options) = options {
        store.start_profile(options);
    }
    let played = linker(engine)
        .instantiate(&mut store, &module)
        .and_then(|instance| instance.get_func(&store, "run").unwrap().call(&mut store, arguments, &mut []));
    let trap = played.err().map(|error| error.trap().expect("a trap"));
    (store.take_profile(), trap, gas - store.gas())
}

fn run_as(wat: &str, arguments: &[Val], gas: u64, options: ProfileOptions) -> Run {
    let engine = Engine::default();
    let (profile, trap, used) = run_with(&engine, wat, arguments, gas, Some(options));
    let profile = profile.unwrap();
    // Nothing is otherwise without it, nor with the interpreter.
    for backend in [Backend::default(), Backend::Interpreter] {
        let engine = Engine::new(&Config::new().backend(backend)).unwrap();
        assert_eq!(run_with(&engine, wat, arguments, gas, None).1, trap);
        assert_eq!(run_with(&engine, wat, arguments, gas, None).2, used);
    }
    for node in profile.nodes() {
        if let ProfileFrame::Function { .. } = node.frame() {
            assert_eq!(node.places().map(|(_, gas)| gas).sum::<u64>(), node.gas());
        }
    }
    Run { profile, trap, used }
}

fn run(wat: &str, gas: u64) -> Run {
    run_as(wat, &[], gas, ProfileOptions::default())
}

const CALLS: &str = r#"(module
    (import "env" "pay" (func $pay (param i64)))
    (memory 1)
    (func $leaf (drop (i32.const 1)))
    (func $middle (call $leaf) (call $leaf) (call $pay (i64.const 100)))
    (func $tail (return_call $leaf))
    (func $pays (return_call $pay (i64.const 1000)))
    (func $main (export "run")
        (call $middle) (call $leaf) (call $tail) (call $pays)
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 50))
        (call $middle)))"#;

#[test]
fn each_pays_for_itself() {
    let run = run(CALLS, 1_000_000);
    assert_eq!((run.profile.gas(), run.trap), (run.used, None));
    let lines = lines(&run.profile);
    let paths: Vec<&str> = lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(
        paths,
        [
            "instantiation x1",
            "main x1",
            "main;middle x2",
            "main;middle;leaf x4",
            "main;middle;env.pay x2",
            // The tail call's, too: its caller is gone.
            "main;leaf x2",
            "main;tail x1",
            "main;pays x1",
            "main;pays;env.pay x1",
        ]
    );
    assert!(lines.contains(&"main;middle;env.pay x2 200".to_owned()), "{lines:?}");
    assert!(lines.contains(&"main;pays;env.pay x1 1000".to_owned()), "{lines:?}");
}

#[test]
fn the_sum_is_what_was_used_whatever_gas_there_is() {
    let all = run(CALLS, 1_000_000).used;
    for gas in (0..=all).step_by(61).chain([all - 1, all]) {
        let run = run(CALLS, gas);
        assert_eq!(run.profile.gas(), run.used, "with {gas} gas");
        assert_eq!(run.trap, (gas < all).then_some(Trap::OutOfGas));
    }
}

#[test]
fn nested_activations_stand_under_the_host_function_and_end_with_their_trap() {
    let wat = r#"(module
        (import "env" "back" (func $back))
        (func $deep unreachable)
        (func $nested (export "back") (call $deep))
        (func $after)
        (func $main (export "run") (call $back) (call $after)))"#;
    let run = run(wat, 1_000_000);
    assert_eq!((run.profile.gas(), run.trap), (run.used, None));
    let lines = lines(&run.profile);
    let paths: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "instantiation",
            "main",
            "main;env.back",
            "main;env.back;nested",
            "main;env.back;nested;deep",
            "main;after"
        ]
    );
    assert!(lines.contains(&"main;env.back x1 10".to_owned()), "{lines:?}");
}

#[test]
fn what_a_host_function_loses_is_its_own() {
    let wat = r#"(module (import "env" "hide" (func $hide)) (func $main (export "run") (call $hide)))"#;
    let run = run(wat, 100_000);
    // The 500 came from nowhere, and went.
    assert_eq!((run.profile.gas(), run.trap), (run.used, Some(Trap::OutOfGas)));
    assert!(lines(&run.profile).last().unwrap().starts_with("main;env.hide x1 "));
}

const RECURSION: &str = r#"(module
    (func $even (param i32) (if (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1))))))
    (func $odd (param i32) (if (local.get 0) (then (call $even (i32.sub (local.get 0) (i32.const 1))))))
    (func $main (export "run") (param i32) (call $even (local.get 0))))"#;

#[test]
fn recursion_is_folded_or_is_not() {
    let folded = run_as(RECURSION, &[Val::I32(99)], 1_000_000, ProfileOptions::default());
    assert_eq!(folded.profile.gas(), folded.used);
    let paths: Vec<String> =
        lines(&folded.profile).iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(paths, ["instantiation x1", "main x1", "main;even x50", "main;even;odd x50"]);

    let options = ProfileOptions { fold_recursion: false, ..ProfileOptions::default() };
    let whole = run_as(RECURSION, &[Val::I32(99)], 1_000_000, options);
    assert_eq!((whole.profile.gas(), whole.used), (folded.used, folded.used));
    assert_eq!(lines(&whole.profile).len(), 102);
}

#[test]
fn what_has_no_room_is_summed_up() {
    for options in [
        ProfileOptions { fold_recursion: false, depth: 10, ..ProfileOptions::default() },
        ProfileOptions { fold_recursion: false, nodes: 10, ..ProfileOptions::default() },
        ProfileOptions { fold_recursion: false, nodes: 0, depth: 0, ..ProfileOptions::default() },
    ] {
        let run = run_as(RECURSION, &[Val::I32(10_000)], 10_000_000, options);
        assert_eq!(run.profile.gas(), run.used);
        assert!(run.profile.nodes().len() <= 14, "{}", run.profile.nodes().len());
        let beyond: u64 =
            run.profile.nodes().filter(|node| node.frame().is_beyond()).map(|node| node.gas()).sum();
        assert!(beyond > run.used / 2);
    }
}

#[test]
fn a_refused_frame_pays_nothing() {
    let wat = r#"(module (func $main (export "run") (call $main)))"#;
    let run = run(wat, 1 << 40);
    assert_eq!((run.profile.gas(), run.trap), (run.used, Some(Trap::StackOverflow)));
}

#[test]
fn a_profile_takes_another_under_labels() {
    let inner = run(CALLS, 1_000_000).profile;
    let mut outer = Profile::new(ProfileOptions::default());
    outer.append(&["a", "b"], &inner);
    outer.append(&["a"], &inner);
    outer.add(&["a", "b"], 5);
    assert_eq!(outer.gas(), 2 * inner.gas() + 5);
    let lines = lines(&outer);
    assert!(lines.contains(&"a;b x0 5".to_owned()), "{lines:?}");
    assert!(lines.contains(&"a;b;main;middle;env.pay x2 200".to_owned()), "{lines:?}");
    assert!(lines.contains(&"a;main;middle;env.pay x2 200".to_owned()), "{lines:?}");
    let places = |profile: &Profile| -> u64 {
        profile.nodes().flat_map(|node| node.places()).map(|(_, gas)| gas).sum()
    };
    assert_eq!(places(&outer), 2 * places(&inner));

    let mut small = Profile::new(ProfileOptions { nodes: 4, ..ProfileOptions::default() });
    small.append(&["a", "b", "c", "d"], &inner);
    assert_eq!((small.gas(), small.nodes().len()), (inner.gas(), 4));
}

#[test]
fn other_instances_have_their_own_module() {
    let engine = Engine::default();
    let module = |wat| Module::new(&engine, wat::parse_str(wat).unwrap()).unwrap();
    let callee = module(r#"(module (func $far (export "far") (param i32) (drop (i32.const 1))))"#);
    let caller = module(
        r#"(module (import "m" "far" (func $far (param i32)))
            (func $near (call $far (i32.const 1)) (call $far (i32.const 1)))
            (func $main (export "run") (call $near) (return_call $far (i32.const 2))))"#,
    );
    let mut store = Store::new(&engine, ());
    store.set_gas(100_000).unwrap();
    store.start_profile(ProfileOptions::default());
    let mut linker = Linker::new(&engine);
    let far = linker.instantiate(&mut store, &callee).unwrap();
    linker.define(&store, "m", "far", far.get_export(&store, "far").unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &caller).unwrap();
    instance.get_func(&store, "run").unwrap().call(&mut store, &[], &mut []).unwrap();
    let profile = store.take_profile().unwrap();
    assert_eq!(profile.gas(), 100_000 - store.gas());
    let paths: Vec<String> =
        lines(&profile).iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(
        paths,
        ["instantiation x1", "instantiation x1", "main x1", "main;near x1", "main;near;far x2", "far x1"]
    );
    assert!(store.take_profile().is_none());
}
