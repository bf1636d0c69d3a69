//! The cross-check: engines that agree are let through, whatever a host function does, and any difference is named.

#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod support;

/// Without a native backend there is nothing to check against.
#[test]
#[cfg(not(all(
    feature = "native",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux"
)))]
fn without_a_native_backend_it_is_refused() {
    use lockstep_vm::{Backend, Config, ConfigError, Engine, ErrorKind, Instance, Module, Store};
    for backend in [Backend::Native, Backend::CrossCheck] {
        let error = Engine::new(&Config::new().backend(backend)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::NoNativeBackend)));
        assert!(error.to_string().contains("use the interpreter"), "{error}");
    }
    // Who asks for nothing has the interpreter.
    let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#).unwrap();
    let module = Module::new(&Engine::default(), &wasm).unwrap();
    assert_eq!(module.machine_code(), None);
    let mut store = Store::new(module.engine(), ());
    store.set_gas(1_000_000).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let answer = instance.get_typed_func::<(), i32>(&store, "answer").unwrap();
    assert_eq!(answer.call(&mut store, ()).unwrap(), 42);
}

#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod checked {
    use super::support;
    use lockstep_vm::{
        Backend, Caller, Config, Engine, Error, ErrorKind, ExternRef, FloatPolicy, Func, Global, GlobalType,
        Instance, Linker, Memory, MemoryType, Module, Schedule, Seed, Stop, Store, Table, TableType, Trap,
        Val, ValType,
    };
    use serde::Deserialize;
    use std::path::Path;
    use support::{GAS, quietly, store};

    fn engine(backend: Backend) -> Engine {
        let config = Config::new().schedule(Schedule::uniform(1)).floats(FloatPolicy::Canonical);
        Engine::new(&config.backend(backend)).unwrap()
    }

    /// All that a call leaves behind.
    #[derive(PartialEq, Debug)]
    struct Left {
        ended: Result<Vec<Val>, String>,
        gas: u64,
        peak: u64,
        memory: Vec<u8>,
        seen: Vec<i64>,
    }

    #[derive(Deserialize)]
    struct Manifest {
        fixture: Vec<Fixture>,
    }

    #[derive(Deserialize)]
    struct Fixture {
        name: String,
        call: Vec<Call>,
    }

    #[derive(Deserialize)]
    struct Call {
        export: String,
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        results: Vec<String>,
        gas_limit: Option<u64>,
        gas_used: Option<u64>,
        peak_stack_slots: Option<u64>,
        trap: Option<String>,
    }

    fn value(text: &str) -> Val {
        match text.split_once(':').unwrap() {
            ("i32", number) => Val::I32(number.parse().unwrap()),
            ("i64", number) => Val::I64(number.parse().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Real contracts: results, gas and peak are the manifest's, and nothing differs.
    #[test]
    fn the_fixtures_agree() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
        let manifest = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
        let manifest: Manifest = toml::from_str(&manifest).unwrap();
        let engine = Engine::new(&Config::new().backend(Backend::CrossCheck)).unwrap();
        let mut calls = 0;
        for Fixture { name, call: list } in manifest.fixture {
            let wasm = std::fs::read(folder.join("wasm").join(format!("{name}.wasm"))).unwrap();
            let module = Module::new(&engine, wasm).unwrap();
            for call in list {
                let mut store = Store::new(&engine, ());
                let gas = call.gas_limit.unwrap_or(1_000_000_000_000);
                store.set_gas(gas).unwrap();
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let function = instance.get_func(&store, &call.export).unwrap();
                let arguments: Vec<Val> = call.args.iter().map(|text| value(text)).collect();
                let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
                let ended = function.call(&mut store, &arguments, &mut results);
                let what = format!("{name}.{}", call.export);
                match &call.trap {
                    Some(trap) => {
                        assert_eq!(ended.unwrap_err().trap().map(Trap::name), Some(&**trap), "{what}");
                    }
                    None => {
                        ended.unwrap_or_else(|error| panic!("{what}: {error}"));
                        assert_eq!(results, call.results.iter().map(|text| value(text)).collect::<Vec<_>>());
                    }
                }
                assert_eq!(Some(gas - store.gas()), call.gas_used, "{what}");
                assert_eq!(Some(store.peak_stack_slots()), call.peak_stack_slots, "{what}");
                calls += 1;
            }
        }
        assert!(calls > 50, "{calls}");
    }

    /// A contract whose every export calls the host, which does what the number says.
    const GUEST: &str = r#"(module $guest
        (import "env" "host" (func $host (param i32 i32) (result i64)))
        (memory (export "memory") 1 8)
        (data $passive "passive")
        (data (i32.const 64) "active")
        (global $count (export "count") (mut i64) (i64.const 5))
        (table (export "table") 4 16 funcref)
        (elem $segment func $add $deep)
        (elem (i32.const 1) func $add)
        (func $add (export "add") (param i64 i64) (result i64)
            (global.set $count (i64.add (global.get $count) (i64.const 1)))
            (i64.store (i32.const 256) (local.get 0))
            (i64.add (local.get 0) (local.get 1)))
        (func $deep (export "deep") (param i64) (result i64)
            (if (i64.eqz (local.get 0)) (then unreachable))
            (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)))))
        (func (export "again") (param i32 i32) (result i64)
            (call $host (local.get 0) (local.get 1)))
        (func (export "run") (param i32 i32) (result i64)
            (local $before i64)
            (local.set $before (i64.load (i32.const 256)))
            (if (i32.eqz (i32.load8_u (i32.const 16))) (then
                (memory.init $passive (i32.const 16) (i32.const 0) (i32.const 7))
                (data.drop $passive)
                (table.init $segment (i32.const 2) (i32.const 0) (i32.const 2))
                (elem.drop $segment)))
            (i32.store (i32.const 512) (local.get 0))
            (i64.add
                (i64.add (call $host (local.get 0) (local.get 1)) (local.get $before))
                (i64.add (i64.load (i32.const 1024)) (i64.extend_i32_u (memory.size)))))
        (func (export "tail") (param i32 i32) (result i64)
            (return_call $host (local.get 0) (local.get 1)))
        (func (export "once_or_twice") (param i32 i32) (result i64)
            (if (i64.ne (call $host (i32.const 0) (i32.const 0)) (i64.const 7))
                (then (drop (call $host (i32.const 1) (i32.const 2)))))
            (i64.const 1))
        (func (export "twice_or_once") (param i32 i32) (result i64)
            (if (i64.eq (call $host (i32.const 0) (i32.const 0)) (i64.const 7))
                (then (drop (call $host (i32.const 1) (i32.const 2)))))
            (i64.const 1))
        (func (export "indirect") (param i64) (result i64)
            (call_indirect (param i64 i64) (result i64) (local.get 0) (i64.const 9) (i32.const 1))))"#;

    /// What the host does, by number: everything that it can do to a store.
    const DEEDS: i32 = 28;

    fn deed(mut caller: Caller<'_, Vec<i64>>, deed: i32, x: i32) -> Result<i64, Error> {
        caller.data_mut().push(i64::from(deed));
        let export = |caller: &Caller<'_, Vec<i64>>, name: &str| caller.get_export(name).unwrap();
        let memory = caller.memory();
        let answer = match deed {
            0 => 7,
            1 => caller.charge(11).map(|()| 1)?,
            2 => caller.charge(u64::MAX).map(|()| 1)?,
            // A failure that is kept silent.
            3 => caller.charge(u64::MAX).map_or(3, |()| 1),
            4 => {
                caller.set_gas(12_345)?;
                caller.gas() as i64
            }
            5 => {
                let mut bytes = [0; 8];
                memory.unwrap().read(&caller, 512, &mut bytes)?;
                i64::from_le_bytes(bytes)
            }
            6 => {
                memory.unwrap().write(&mut caller, 1024, &[1, 2, 3])?;
                0
            }
            7 => memory.unwrap().data(&caller).iter().map(|byte| i64::from(*byte)).sum(),
            8 => {
                let bytes = memory.unwrap().data_mut(&mut caller);
                bytes[1024] += 1;
                bytes[1030] = 9;
                bytes[60_000] = 8;
                let last = bytes.len() - 1;
                bytes[last] = 7;
                i64::from(bytes[16])
            }
            9 => {
                let (bytes, data) = memory.unwrap().data_and_store_mut(&mut caller);
                bytes[1025] = data.len() as u8;
                // What was lent has changed before the guest runs again.
                let add = export(&caller, "add").into_func().unwrap();
                let sum = add.typed::<(i64, i64), i64>(&caller)?.call(&mut caller, (40, 2))?;
                memory.unwrap().data_mut(&mut caller)[1026] = sum as u8;
                sum
            }
            10 => memory.unwrap().grow(&mut caller, 2)? as i64,
            // Too much, and it goes on.
            11 => i64::from(memory.unwrap().grow(&mut caller, 100).is_err()),
            12 => {
                let error = memory.unwrap().write(&mut caller, 65_535, &[1, 2]).unwrap_err();
                let mut buffer = [0; 2];
                assert_eq!(memory.unwrap().read(&caller, 65_535, &mut buffer), Err(error));
                memory.unwrap().size(&caller) as i64 + memory.unwrap().data_size(&caller) as i64
            }
            13 => {
                let count = export(&caller, "count").into_global().unwrap();
                let Val::I64(value) = count.get(&caller) else { unreachable!() };
                count.set(&mut caller, Val::I64(value * 3))?;
                value
            }
            14 => {
                let table = export(&caller, "table").into_table().unwrap();
                assert!(table.get(&caller, 0).is_some());
                let first = table.get(&caller, 1).unwrap();
                table.set(&mut caller, 0, first)?;
                table.fill(&mut caller, 2, Val::FuncRef(None), 2)?;
                assert!(table.set(&mut caller, 100, first).is_err());
                assert_eq!(table.get(&caller, 100), None);
                table.grow(&mut caller, 3, first)? as i64 + table.size(&caller) as i64
            }
            15 => return Err(Trap::DivideByZero.into()),
            16 => return Err(Stop::host(String::from("enough")).into()),
            // OutOfGas of its own accord leaves nothing.
            17 => return Err(Trap::OutOfGas.into()),
            // A nested trap is a value.
            18 => {
                let deep = export(&caller, "deep").into_func().unwrap();
                let error = deep.call(&mut caller, &[Val::I64(6)], &mut [Val::I64(0)]).unwrap_err();
                error.trap().unwrap() as i64
            }
            // Or it is handed on, with its backtrace.
            19 => {
                let deep = export(&caller, "deep").into_func().unwrap();
                return deep.call(&mut caller, &[Val::I64(6)], &mut [Val::I64(0)]).map(|()| 0);
            }
            // Back into the host through the guest.
            20 if x > 0 => {
                let again = export(&caller, "again").into_func().unwrap();
                again.typed::<(i32, i32), i64>(&caller)?.call(&mut caller, (20, x - 1))? + 1
            }
            20 => 0,
            // Until the activation depth is reached.
            21 => {
                let again = export(&caller, "again").into_func().unwrap();
                let deeper = again.typed::<(i32, i32), i64>(&caller)?.call(&mut caller, (21, x));
                deeper.map_or_else(|error| error.trap().unwrap() as i64, |depth| depth + 1)
            }
            // A stop of a nested call goes its way.
            22 => {
                let again = export(&caller, "again").into_func().unwrap();
                let ended = again.typed::<(i32, i32), i64>(&caller)?.call(&mut caller, (16, x));
                i64::from(matches!(ended.unwrap_err().kind(), ErrorKind::Stop(_)))
            }
            // Objects of its own.
            23 => {
                let memory = Memory::new(&mut caller, MemoryType { minimum: 1, maximum: None })?;
                memory.write(&mut caller, 3, b"abc")?;
                let ty = TableType { element: ValType::ExternRef, minimum: 1, maximum: None };
                let reference = ExternRef::new(&mut caller, "value");
                let table = Table::new(&mut caller, ty, Val::ExternRef(None))?;
                table.set(&mut caller, 0, reference.into())?;
                let ty = GlobalType { content: ValType::I64, mutable: true };
                let global = Global::new(&mut caller, ty, Val::I64(3))?;
                global.set(&mut caller, Val::I64(4))?;
                let twice = Func::wrap(&mut caller, |x: i64| 2 * x);
                twice.typed::<i64, i64>(&caller)?.call(&mut caller, 21)?
            }
            // Instances of its own, with a start function, and imports of either kind.
            24 => {
                let text = r#"(module
                    (import "" "memory" (memory 1)) (import "" "log" (func $log (param i64)))
                    (data (i32.const 1028) "xyz")
                    (global $g (export "g") (mut i32) (i32.const 3))
                    (func $start (global.set $g (i32.const 4)) (call $log (i64.const 77)))
                    (start $start)
                    (func (export "f") (result i32) (i32.add (i32.load8_u (i32.const 1028)) (global.get $g))))"#;
                let module = Module::new(caller.engine(), wat::parse_str(text).unwrap())?;
                let log = Func::wrap(&mut caller, |mut c: Caller<'_, Vec<i64>>, x: i64| c.data_mut().push(x));
                let memory = memory.unwrap();
                let instance = Instance::new(&mut caller, &module, &[memory.into(), log.into()])?;
                let f = instance.get_typed_func::<(), i32>(&caller, "f")?;
                f.call(&mut caller, ())?.into()
            }
            // One that cannot be paid, and one whose segment does not fit: both go on.
            25 => {
                let module = |text: &str| Module::new(caller.engine(), wat::parse_str(text).unwrap());
                let large = module(r#"(module (memory 1) (data (i32.const 65535) "ab"))"#)?;
                let error = Instance::new(&mut caller, &large, &[]).unwrap_err();
                assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
                caller.set_gas(0)?;
                let error = Instance::new(&mut caller, &large, &[]).unwrap_err();
                assert_eq!(error.trap(), Some(Trap::OutOfGas));
                caller.set_gas(5_000)?;
                error.trap().unwrap() as i64
            }
            26 | 27 => {
                let name = if deed == 26 { "once_or_twice" } else { "twice_or_once" };
                let calls = export(&caller, name).into_func().unwrap();
                calls.typed::<(i32, i32), i64>(&caller)?.call(&mut caller, (0, 0))?
            }
            _ => unreachable!(),
        };
        Ok(answer)
    }

    fn guest(engine: &Engine, gas: u64) -> (Store<Vec<i64>>, Instance) {
        let mut linker = Linker::<Vec<i64>>::new(engine);
        linker.func_wrap("env", "host", deed).unwrap();
        let mut store = store(engine, Vec::new());
        let instance = linker.instantiate(&mut store, &support::module(engine, GUEST)).unwrap();
        store.set_gas(gas).unwrap();
        (store, instance)
    }

    fn left(store: &mut Store<Vec<i64>>, instance: Instance, export: &str, deed: i32) -> Left {
        let func = instance.get_func(&*store, export).unwrap();
        let mut results = [Val::I64(0)];
        let ended = func.call(&mut *store, &[Val::I32(deed), Val::I32(3)], &mut results);
        Left {
            ended: ended.map(|()| results.to_vec()).map_err(|error| error.to_string()),
            gas: store.gas(),
            peak: store.peak_stack_slots(),
            memory: instance.get_memory(&*store, "memory").unwrap().data(&*store).to_vec(),
            seen: std::mem::take(store.data_mut()),
        }
    }

    /// Whatever a host function does, the outcome is that of each engine alone, and it was done once.
    #[test]
    fn whatever_a_host_function_does_there_is_no_difference() {
        for export in ["run", "tail"] {
            for deed in 0..DEEDS {
                for gas in [GAS, 900, 150, 60] {
                    let run = |backend| {
                        let (mut store, instance) = guest(&engine(backend), gas);
                        // A second call begins where the first has ended.
                        let first = left(&mut store, instance, export, deed);
                        store.set_gas(gas).unwrap();
                        let second = left(&mut store, instance, export, deed);
                        (first, second, store.fault().map(ToString::to_string))
                    };
                    let [native, interpreted, checked] =
                        [Backend::Native, Backend::Interpreter, Backend::CrossCheck].map(run);
                    assert_eq!(checked.2, None, "{export} {deed} {gas}");
                    assert_eq!(checked, native, "{export} {deed} {gas}");
                    assert_eq!(checked, interpreted, "{export} {deed} {gas}");
                    // With enough gas each does what it is here for.
                    let fails = matches!(deed, 2 | 3 | 15 | 16 | 17 | 19);
                    assert_eq!(checked.0.ended.is_err(), fails || gas < GAS && checked.0.ended.is_err());
                    assert!(!checked.0.seen.is_empty() || gas < GAS);
                }
            }
        }
    }

    /// Calls of host functions by the host, and start functions, are calls like any.
    #[test]
    fn host_functions_and_start_functions_go_through_the_same_door() {
        let engine = engine(Backend::CrossCheck);
        let mut store = store(&engine, 0_i64);
        let bump = Func::wrap(&mut store, |mut caller: Caller<'_, i64>, by: i64| -> Result<i64, Error> {
            caller.charge(10)?;
            *caller.data_mut() += by;
            Ok(*caller.data())
        });
        let bump_typed = bump.typed::<i64, i64>(&store).unwrap();
        assert_eq!(bump_typed.call(&mut store, 4).unwrap(), 4);
        let text = r#"(module (import "" "" (func $bump (param i64) (result i64)))
            (global (export "seen") (mut i64) (i64.const 0))
            (func $start (global.set 0 (call $bump (i64.const 5)))) (start $start))"#;
        let instance = Instance::new(&mut store, &support::module(&engine, text), &[bump.into()]).unwrap();
        assert_eq!(instance.get_global(&store, "seen").unwrap().get(&store), Val::I64(9));
        assert_eq!(*store.data(), 9);
        store.seed_difference(Some(Seed::Gas));
        let error = Instance::new(&mut store, &support::module(&engine, text), &[bump.into()]).unwrap_err();
        assert!(error.to_string().contains("gas left: native"), "{error}");
    }

    /// Instances call each other, and the caller of a host function is the one whose code calls.
    #[test]
    fn instances_that_call_each_other_agree() {
        let engine = engine(Backend::CrossCheck);
        let mut store = store(&engine, Vec::new());
        let mut linker = Linker::<Vec<i64>>::new(&engine);
        linker.func_wrap("env", "host", deed).unwrap();
        let inner = linker.instantiate(&mut store, &support::module(&engine, GUEST)).unwrap();
        linker.instance(&store, "inner", inner).unwrap();
        let text = r#"(module
            (import "env" "host" (func $host (param i32 i32) (result i64)))
            (import "inner" "run" (func $run (param i32 i32) (result i64)))
            (import "inner" "tail" (func $tail (param i32 i32) (result i64)))
            (import "inner" "count" (global $count (mut i64)))
            (import "inner" "table" (table 4 funcref))
            (import "inner" "memory" (memory 1))
            (func (export "outer") (result i64)
                (global.set $count (i64.add (global.get $count) (i64.const 100)))
                (i64.add (call_indirect (param i64 i64) (result i64) (i64.const 1) (i64.const 2) (i32.const 1))
                (i64.add (call $run (i32.const 9) (i32.const 0))
                (i64.add (call $tail (i32.const 20) (i32.const 3)) (call $host (i32.const 8) (i32.const 0)))))))"#;
        let outer = linker.instantiate(&mut store, &support::module(&engine, text));
        let outer = outer.unwrap().get_typed_func::<(), i64>(&store, "outer").unwrap();
        // `host` gets the memory of the outer instance, which is the inner one's.
        let first = outer.call(&mut store, ()).unwrap();
        let second = outer.call(&mut store, ()).unwrap();
        assert_ne!(first, second);
        assert_eq!(inner.get_global(&store, "count").unwrap().get(&store), Val::I64(5 + 200 + 4));
    }

    /// A contract that calls contracts: each store is checked by itself, once.
    #[test]
    fn a_store_within_a_host_function_is_its_own() {
        let engine = engine(Backend::CrossCheck);
        for seed in [None, Some(Seed::Result)] {
            let mut linker = Linker::<u32>::new(&engine);
            linker
                .func_wrap(
                    "env",
                    "host",
                    move |mut caller: Caller<'_, u32>, x: i32, _: i32| -> Result<i64, Error> {
                        *caller.data_mut() += 1;
                        let (mut inner, instance) = guest(caller.engine(), GAS);
                        inner.seed_difference(seed);
                        let add = instance.get_typed_func::<(i64, i64), i64>(&inner, "add")?;
                        add.call(&mut inner, (x.into(), 1))
                    },
                )
                .unwrap();
            let mut store = store(&engine, 0);
            let instance = linker.instantiate(&mut store, &support::module(&engine, GUEST)).unwrap();
            let run = instance.get_typed_func::<(i32, i32), i64>(&store, "run").unwrap();
            match (seed, run.call(&mut store, (41, 0))) {
                (None, ended) => assert_eq!(ended.unwrap(), 42 + 1),
                // The inner fault is the outer one's too, and says where it comes from.
                (Some(_), ended) => {
                    let error = ended.unwrap_err();
                    assert!(error.is_fault() && error.to_string().contains("<add> of instance 0: result 0"));
                }
            }
            assert_eq!(*store.data(), 1);
        }
    }

    /// A fault of a host function is that fault, and nothing is compared.
    #[test]
    fn faults_and_panics_are_what_they_are() {
        for panics in [false, true] {
            let engine = engine(Backend::CrossCheck);
            let mut store = store(&engine, ());
            let host = Func::wrap(&mut store, move |_: i32, _: i32| -> Result<i64, Error> {
                assert!(!panics, "a panic");
                Err(Error::fault("the database does not answer"))
            });
            let instance =
                Instance::new(&mut store, &support::module(&engine, GUEST), &[host.into()]).unwrap();
            let run = instance.get_typed_func::<(i32, i32), i64>(&store, "run").unwrap();
            let error = quietly(|| run.call(&mut store, (0, 0)).unwrap_err()).unwrap();
            let expected = if panics { "panicked: a panic" } else { "the database does not answer" };
            assert!(error.is_fault() && error.to_string().contains(expected), "{error}");
        }
    }

    /// A recount of gas is the interpreter's: there is only one engine to listen to.
    #[test]
    fn a_recount_is_not_cross_checked() {
        let (mut store, instance) = guest(&engine(Backend::CrossCheck), GAS);
        store.seed_difference(Some(Seed::Gas));
        store.start_audit();
        left(&mut store, instance, "run", 9);
        assert_eq!(store.take_audit().unwrap().mismatch, None);
        assert!(store.fault().is_none());
    }

    /// The message of the fault that a seeded difference brings about.
    fn difference(seed: Seed, export: &str, deed: i32) -> String {
        let (mut store, instance) = guest(&engine(Backend::CrossCheck), GAS);
        store.seed_difference(Some(seed));
        let func = instance.get_func(&store, export).unwrap();
        let mut results = [Val::I64(0)];
        let error = func.call(&mut store, &[Val::I32(deed), Val::I32(3)], &mut results).unwrap_err();
        let ErrorKind::Fault(fault) = error.kind() else { panic!("{seed:?}: {error}") };
        // The store runs nothing any more, and every call answers the same.
        store.seed_difference(None);
        let again = func.call(&mut store, &[Val::I32(0), Val::I32(0)], &mut results).unwrap_err();
        let ErrorKind::Fault(same) = again.kind() else { panic!("{again}") };
        assert!(same.same(fault) && store.fault().unwrap().same(fault));
        fault.message().to_string()
    }

    /// One thing is different on the native side at a time; the fault says which.
    #[test]
    fn every_seeded_difference_is_found_and_named() {
        const RUN: &str = "function 4 <run> of instance 0";
        // Unnamed functions have no name in the text format, so the index it is.
        let run = RUN.replace(" <run>", "");
        let host = "host call 1, host function 0 `env` `host`, in function 4 at offset 0x";
        let cases: &[(Seed, &str, i32, &[&str])] = &[
            (Seed::Result, "run", 0, &[&run, ": result 0: native 0x9, interpreter 0x8"]),
            (Seed::Trap, "run", 0, &[&run, "outcome: native trapped: conversion of a NaN", "returned [0x8]"]),
            (Seed::Trap, "run", 16, &[&run, "outcome: native trapped: conversion", "interpreter stopped"]),
            (Seed::Frames, "run", 15, &["number of the trap's frames: native 2, interpreter 1"]),
            (
                Seed::Place,
                "run",
                15,
                &["frame 0 of the trap: native function 4 at offset 0x", "interpreter function 4 at"],
            ),
            (Seed::Place, "run", 19, &["frame 0 of the trap: native function 2 <deep> at offset 0x"]),
            (Seed::Gas, "run", 0, &[&run, ": gas left: native 9999", "interpreter 9999"]),
            (Seed::Peak, "run", 0, &[&run, ": peak of the stack: native "]),
            (
                Seed::MemoryByte(40_001),
                "run",
                0,
                &[&run, "byte 0x9c41 of memory 0 of instance 0: native 0x10, interpreter 0x0"],
            ),
            (
                Seed::MemorySize,
                "run",
                0,
                &["size of memory 0 of instance 0 in bytes: native 131072, interpreter 65536"],
            ),
            (
                Seed::Element,
                "run",
                0,
                &["table 0 of instance 0, element 0: native 0x100000000, interpreter 0x0"],
            ),
            (
                Seed::TableSize,
                "run",
                0,
                &["number of table 0 of instance 0, elements: native 5, interpreter 4"],
            ),
            (Seed::Global, "run", 0, &[&run, "global 0 of instance 0: native 0x1, interpreter 0x5"]),
            (
                Seed::DroppedData,
                "run",
                0,
                &["data segment 0 of instance 0: native there, interpreter dropped"],
            ),
            (
                Seed::DroppedElements,
                "run",
                0,
                &["element segment 0 of instance 0: native there, interpreter dropped"],
            ),
            (Seed::HostArgument, "run", 0, &[host, "argument 0: native 0x1, interpreter 0x0"]),
            (Seed::HostGas, "run", 0, &[host, ": gas: native 9999", "interpreter 9999"]),
            (Seed::HostHeight, "run", 0, &[host, ": height: native "]),
            (Seed::HostCaller, "run", 0, &[host, ": caller: native the host, interpreter instance 0"]),
            (
                Seed::HostFunction,
                "run",
                0,
                &[host, "function: native host function 1", "interpreter host function 0 `env` `host`"],
            ),
            (
                Seed::HostMemoryByte(515),
                "run",
                5,
                &[host, "hash of the bytes 0x200 to 0x208 that the host read in memory 0 of the store"],
            ),
            (Seed::HostMemoryByte(65_000), "run", 7, &[host, "hash of the bytes 0x0 to 0x10000 that"]),
            (Seed::HostMemoryByte(65_000), "run", 8, &[host, "hash of the bytes 0x0 to 0x10000 that"]),
            // One that the host does not look at is found at the end.
            (Seed::HostMemoryByte(65_000), "run", 5, &[&run, "byte 0xfde8 of memory 0"]),
            (
                Seed::HostGlobal,
                "run",
                13,
                &[host, "global 0 of the store, read by the host: native 0x1, inter"],
            ),
            (Seed::HostElement, "run", 0, &["table 0 of instance 0, element 0"]),
            (
                Seed::HostElement,
                "run",
                14,
                &[
                    host,
                    "element 0 of table 0 of the store, read by the host: native 0x100000000, interpreter 0x0",
                ],
            ),
            // The guest on the native side hears something else, and calls once more or once less.
            (Seed::HostAnswer, "run", 0, &[&run, ": result 0: native 0x7, interpreter 0x8"]),
            (
                Seed::HostAnswer,
                "once_or_twice",
                0,
                &[
                    "host call 2: native host function 0 `env` `host` with [0x1 0x2], interpreter returned [0x1]",
                ],
            ),
            (
                Seed::HostAnswer,
                "twice_or_once",
                0,
                &[
                    "host call 2, host",
                    "what comes next: native the end, interpreter host function 0 `env` `host` with [0x1 0x2]",
                ],
            ),
            (
                Seed::HostAnswer,
                "run",
                26,
                &[
                    "called by host call 1, in",
                    ": host call 3: native host",
                    "[0x1 0x2], interpreter returned [0x1]",
                ],
            ),
            (
                Seed::HostAnswer,
                "run",
                27,
                &["host call 3, host", "what comes next: native returned [0x1], interpreter host function 0"],
            ),
            (
                Seed::NestedResult,
                "run",
                9,
                &[
                    "function 1 <add> of instance 0, called by host call 1",
                    "result 0: native 0x2b, interpreter 0x2a",
                ],
            ),
            (
                Seed::NestedGas,
                "run",
                9,
                &["function 1 <add> of instance 0, called by host call 1, in function 4", "gas left"],
            ),
            (
                Seed::NestedGas,
                "run",
                18,
                &["<deep> of instance 0, called by host call 1, in function 2 <deep>", "gas left"],
            ),
            // The innermost of many.
            (Seed::NestedResult, "run", 20, &["function 3 of instance 0, called by host call 3", "result 0"]),
            (Seed::HostArgument, "tail", 0, &["host call 1, host function 0", "argument 0"]),
        ];
        for (seed, export, deed, expected) in cases {
            let message = difference(*seed, export, *deed);
            assert!(message.starts_with("the engines differ: "), "{seed:?}: {message}");
            for part in *expected {
                assert!(message.contains(part), "{seed:?} {deed}: {part:?} is not in: {message}");
            }
        }
    }
}
