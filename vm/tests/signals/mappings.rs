//! Mappings: the kernel lets a process have so many, by default 65,530 (`vm.max_map_count`).

use super::traps::{self, TRAPS};
use super::{in_another_process, native};
use crate::support::module;
use lockstep_vm::{Instance, Module, Store, Val};

/// How many mappings the process has, and whether any of them can be written and executed.
fn mappings() -> (usize, bool) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let both = |line: &str| line.split_whitespace().nth(1).is_some_and(|access| access.contains("wx"));
    (maps.lines().count(), maps.lines().any(both))
}

const COUNT: usize = 1_000;

/// A store with a memory, having run; a store without; and modules.
#[test]
#[ignore = "counts what its process has"]
fn child_counts() {
    let engine = native();
    let traps = module(&engine, TRAPS);
    let small = module(&engine, r#"(module (func (export "trap") (param i32 i32)))"#);
    drop(traps::instance(&engine, &traps));

    let each = |what: &str, most: usize, make: &dyn Fn() -> Box<dyn std::any::Any>| {
        let (before, _) = mappings();
        let made: Vec<_> = (0..COUNT).map(|_| make()).collect();
        let (after, writes_code) = mappings();
        assert!(!writes_code, "W^X");
        println!("{what}: {} mappings for {COUNT}", after - before);
        assert!(after - before <= most * COUNT + 100, "{what}: {}", after - before);
        drop(made);
    };
    let run = |module: &Module| {
        let mut store: Store<()> = crate::support::store(&engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let func = instance.get_func(&store, "trap").unwrap();
        let mut results = vec![Val::I64(0); func.ty(&store).results().len()];
        drop(func.call(&mut store, &[Val::I32(0), Val::I32(0)], &mut results));
        store
    };
    each("stores with a memory", 4, &|| Box::new(run(&traps)));
    each("stores without", 2, &|| Box::new(run(&small)));
    each("modules", 2, &|| Box::new(module(&engine, TRAPS)));
    // What is given up waits in pools of bounded size, or is gone.
    let (left, _) = mappings();
    println!("{left} mappings are left");
    assert!(left < 1_500, "{left}");
}

#[test]
#[cfg_attr(
    target_arch = "aarch64",
    ignore = "only emulated so far: the emulator's own mappings are counted too"
)]
fn l94_a_store_takes_few_mappings() {
    in_another_process("mappings::child_counts");
}
