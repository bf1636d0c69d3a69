//! Calls: arguments and results of any number, from any place, by every kind of call.
//!
//! Owns the callees and who forwards to them. It must not know engines.

use std::fmt::Write as _;

use lockstep_vm::{Limits, Val};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection,
    MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

use crate::engines::Ways;
use crate::numeric::val;
use crate::operators::{F32, F64, I32, I64, Ty, special};
use crate::places::{constant, to_bits, val_type};

/// How a callee is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Kind {
    tail: bool,
    indirect: bool,
    imported: bool,
}

fn kinds() -> impl Iterator<Item = Kind> {
    (0..8).map(|bits| Kind { tail: bits & 1 != 0, indirect: bits & 2 != 0, imported: bits & 4 != 0 })
}

/// Numbers that follow from the one before.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 20) as usize % bound.max(1)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Signature {
    parameters: Vec<Ty>,
    results: Vec<Ty>,
}

impl Signature {
    fn encoded(&self) -> (Vec<ValType>, Vec<ValType>) {
        let encode = |types: &[Ty]| types.iter().map(|ty| val_type(*ty)).collect();
        (encode(&self.parameters), encode(&self.results))
    }
}

/// Who calls.
struct Forwarder {
    signature: Signature,
    body: Function,
    says: String,
}

/// Turns an i64 into a value of a type.
fn of_bits(code: &mut InstructionSink<'_>, ty: Ty) {
    match ty {
        I32 => code.i32_wrap_i64(),
        I64 => code,
        F32 => code.i32_wrap_i64().f32_reinterpret_i32(),
        F64 => code.f64_reinterpret_i64(),
    };
}

/// Adds the value on top, of this type, to a local, so that order matters.
fn fold(code: &mut InstructionSink<'_>, ty: Ty, into: u32) {
    to_bits(code, ty);
    code.local_get(into).i64_const(5).i64_rotl().i64_xor().i64_const(0x9e37).i64_add().local_set(into);
}

/// A callee whose every result depends on all arguments.
fn callee(signature: &Signature) -> Function {
    let hash = signature.parameters.len() as u32;
    let mut function = Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    for (local, ty) in (0..).zip(&signature.parameters) {
        code.local_get(local);
        fold(&mut code, *ty, hash);
    }
    for (number, ty) in (0..).zip(&signature.results) {
        code.local_get(hash).i64_const(number).i64_rotl();
        of_bits(&mut code, *ty);
    }
    code.end();
    function
}

/// A callee that reads the memory at one of its parameters.
fn reader(address: u32) -> Function {
    let mut function = Function::new([]);
    let at = MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None };
    function.instructions().local_get(address).i64_load(at).local_get(address).i64_extend_i32_u().i64_xor();
    function.instructions().end();
    function
}

/// The functions of a module, in order: imported callees, own callees, one that does nothing, forwarders. Slots of its
/// table: imported callees, own callees.
struct World {
    signatures: Vec<Signature>,
    callees: Vec<Function>,
    forwarders: Vec<Forwarder>,
}

impl World {
    fn nothing(&self) -> u32 {
        2 * self.signatures.len() as u32
    }

    /// Writes a call of a callee; arguments are there.
    fn call(&self, code: &mut InstructionSink<'_>, callee: usize, kind: Kind) {
        let index = callee as u32 + if kind.imported { 0 } else { self.signatures.len() as u32 };
        // Signatures are the first types.
        let ty = callee as u32;
        match (kind.indirect, kind.tail) {
            (false, false) => code.call(index),
            (false, true) => code.return_call(index),
            (true, false) => code.i32_const(index as i32).call_indirect(0, ty),
            (true, true) => code.i32_const(index as i32).return_call_indirect(0, ty),
        };
    }

    /// The module that has the imported callees, and the one that calls.
    fn modules(&self) -> (Vec<u8>, Vec<u8>) {
        let count = self.signatures.len() as u32;
        let memory =
            MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
        let mut types = TypeSection::new();
        for signature in &self.signatures {
            let (parameters, results) = signature.encoded();
            types.ty().function(parameters, results);
        }
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        for (ty, callee) in (0..).zip(&self.callees) {
            functions.function(ty);
            code.function(callee);
        }
        let mut memories = MemorySection::new();
        memories.memory(memory);
        let mut exports = ExportSection::new();
        (0..count).for_each(|callee| {
            exports.export(&callee.to_string(), ExportKind::Func, callee);
        });
        exports.export("memory", ExportKind::Memory, 0);
        let mut provider = Module::new();
        provider.section(&types).section(&functions).section(&memories).section(&exports).section(&code);

        types.ty().function([], []);
        for forwarder in &self.forwarders {
            let (parameters, results) = forwarder.signature.encoded();
            types.ty().function(parameters, results);
        }
        let mut imports = ImportSection::new();
        (0..count).for_each(|callee| {
            imports.import("provider", &callee.to_string(), EntityType::Function(callee));
        });
        let mut functions = functions.clone();
        let mut code = CodeSection::new();
        self.callees.iter().for_each(|callee| {
            code.function(callee);
        });
        functions.function(count);
        let mut nothing = Function::new([]);
        nothing.instructions().end();
        code.function(&nothing);
        let mut exports = ExportSection::new();
        for (number, forwarder) in (0..).zip(&self.forwarders) {
            functions.function(count + 1 + number);
            code.function(&forwarder.body);
            exports.export(&number.to_string(), ExportKind::Func, self.nothing() + 1 + number);
        }
        let mut tables = TableSection::new();
        let minimum = u64::from(2 * count);
        let element_type = RefType::FUNCREF;
        tables.table(TableType { element_type, table64: false, minimum, maximum: None, shared: false });
        let mut elements = ElementSection::new();
        let all: Vec<u32> = (0..2 * count).collect();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(all.into()));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&tables).section(&memories);
        module.section(&exports).section(&elements).section(&code);
        (provider.finish(), module.finish())
    }

    /// Calls every forwarder; answers what differs.
    fn differences(&self, inputs: impl Fn(&Forwarder) -> Vec<Vec<Val>>) -> String {
        let (provider, module) = self.modules();
        let limits = Limits { exports: 100_000, imports: 10_000, ..Limits::default() };
        let mut ways = Ways::new(Some(&provider), &module, limits);
        let mut report = String::new();
        let mut calls = 0;
        for (number, forwarder) in self.forwarders.iter().enumerate() {
            for arguments in inputs(forwarder) {
                calls += 1;
                if let Err(difference) = ways.call(&number.to_string(), &arguments) {
                    let _ = writeln!(report, "{}: {difference}", forwarder.says);
                }
            }
        }
        println!("{} functions, {calls} calls", self.forwarders.len());
        report
    }
}

/// Distinct arguments.
fn distinct(parameters: &[Ty], salt: u64) -> Vec<Val> {
    let bits = |at: u64| (at + 1 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..).zip(parameters).map(|(at, ty)| val(*ty, bits(at))).collect()
}

/// All orders, and all maps up to four arguments: parameters forwarded as they are, in homes and in slots.
pub(crate) fn permutations() -> String {
    let mut world = World { signatures: Vec::new(), callees: Vec::new(), forwarders: Vec::new() };
    for count in 0..=6 {
        let signature = Signature { parameters: vec![I64; count], results: vec![I64] };
        world.callees.push(callee(&signature));
        world.signatures.push(signature);
    }
    let mut random = Random(7);
    for count in 1..=6_usize {
        let maps = count.pow(count as u32);
        for map in 0..maps {
            let chosen: Vec<usize> = (0..count).map(|at| map / count.pow(at as u32) % count).collect();
            let is_permutation = (0..count).all(|wanted| chosen.contains(&wanted));
            if count > 4 && !is_permutation && random.below(20) > 0 {
                continue;
            }
            for (turn, kind) in kinds().enumerate() {
                // Each kind for small ones; of the others, where all are, one that is chosen by the map.
                if count > 4 && turn != map % 8 && turn != (map / 8) % 8 {
                    continue;
                }
                let mut function = Function::new([(10, ValType::I64)]);
                let mut code = function.instructions();
                // Some parameters have no home.
                if random.below(3) == 0 {
                    for heavy in 0..8 + random.below(2) as u32 {
                        let local = count as u32 + heavy;
                        code.i64_const(i64::from(heavy)).local_set(local);
                        (0..6).for_each(|_| {
                            code.local_get(local).drop();
                        });
                    }
                }
                for &argument in &chosen {
                    (0..random.below(10)).for_each(|_| {
                        code.local_get(argument as u32).drop();
                    });
                }
                for &argument in &chosen {
                    code.local_get(argument as u32);
                }
                world.call(&mut code, count, kind);
                if !kind.tail {
                    let hash = count as u32 + 9;
                    code.local_set(hash);
                    for local in 0..count as u32 {
                        code.local_get(local);
                        fold(&mut code, I64, hash);
                    }
                    code.local_get(hash);
                }
                code.end();
                let says = format!("{kind:?} {chosen:?}");
                let signature = world.signatures[count].clone();
                world.forwarders.push(Forwarder { signature, body: function, says });
            }
        }
    }
    world.differences(|forwarder| vec![distinct(&forwarder.signature.parameters, 0)])
}

const TYPES: [Ty; 4] = [I32, I64, F32, F64];

/// Up to twenty parameters of all types, up to sixteen results, arguments from all places.
pub(crate) fn forwards() -> String {
    let mut random = Random(0x1234_5678_9abc);
    let mut world = World { signatures: Vec::new(), callees: Vec::new(), forwarders: Vec::new() };
    let types = |random: &mut Random, count: usize| -> Vec<Ty> {
        (0..count).map(|_| TYPES[random.below(4)]).collect()
    };
    for count in 0..=20 {
        for _ in 0..3 {
            let results = [0, 1, 1, 2, random.below(17)][random.below(5)];
            let (parameters, results) = (types(&mut random, count), types(&mut random, results));
            let signature = Signature { parameters, results };
            world.callees.push(callee(&signature));
            world.signatures.push(signature);
        }
    }
    for number in 0..6_000 {
        let callee = random.below(world.signatures.len());
        let kind = kinds().nth(number % 8).expect("there are eight");
        let count = [random.below(8), random.below(21)][random.below(2)];
        let parameters = types(&mut random, count);
        let forwarder = forward(&world, &mut random, callee, kind, parameters);
        world.forwarders.push(forwarder);
    }
    world.differences(|forwarder| {
        (0..3).map(|salt| distinct(&forwarder.signature.parameters, salt << 32)).collect()
    })
}

/// Calls a callee with arguments from anywhere.
fn forward(world: &World, random: &mut Random, callee: usize, kind: Kind, parameters: Vec<Ty>) -> Forwarder {
    let wanted = &world.signatures[callee];
    let heavy = parameters.len() as u32;
    let hash = heavy + 9;
    let mut function = Function::new([(10, ValType::I64)]);
    let mut code = function.instructions();
    if random.below(2) == 0 {
        for local in heavy..hash {
            code.i64_const(i64::from(local) * 0x0101_0101).local_set(local);
            (0..7).for_each(|_| {
                code.local_get(local).drop();
            });
        }
    }
    for local in 0..heavy {
        (0..random.below(10)).for_each(|_| {
            code.local_get(local).drop();
        });
    }
    // What the call must leave alone.
    let below = random.below(6);
    for at in 0..below {
        code.local_get(hash).i64_const(at as i64 + 3).i64_add();
    }
    for &ty in &wanted.parameters {
        let same: Vec<u32> =
            (0..).zip(&parameters).filter(|(_, other)| **other == ty).map(|(local, _)| local).collect();
        let bits = special(ty)[random.below(special(ty).len())];
        let from = random.below(10);
        if same.is_empty() || from == 0 {
            constant(&mut code, ty, bits);
            continue;
        }
        let local = same[random.below(same.len())];
        code.local_get(local);
        match from {
            1 | 2 => {
                to_bits(&mut code, ty);
                code.i64_const(1).i64_add();
                of_bits(&mut code, ty);
            }
            3 => {
                code.block(BlockType::Empty).end();
            }
            4 => {
                code.call(world.nothing());
            }
            5 => {
                constant(&mut code, ty, bits);
                code.local_set(local);
            }
            6 => {
                code.local_tee(local);
            }
            7 if ty == I32 => {
                code.i32_const(31).i32_lt_s();
            }
            8 => {
                code.drop().block(BlockType::Result(val_type(ty))).local_get(local).br(0).end();
            }
            _ => {}
        }
    }
    world.call(&mut code, callee, kind);
    let mut results = wanted.results.clone();
    if !kind.tail {
        for &ty in wanted.results.iter().rev() {
            fold(&mut code, ty, hash);
        }
        (0..below).for_each(|_| fold(&mut code, I64, hash));
        for (local, &ty) in (0..).zip(&parameters) {
            code.local_get(local);
            fold(&mut code, ty, hash);
        }
        for local in heavy..hash {
            code.local_get(local);
            fold(&mut code, I64, hash);
        }
        code.local_get(hash);
        results = vec![I64];
    }
    code.end();
    let says = format!("{kind:?} {:?} from {parameters:?}", wanted.parameters);
    Forwarder { signature: Signature { parameters, results }, body: function, says }
}

/// Addresses among up to twenty parameters, computed from values whose upper halves are not 0.
pub(crate) fn addresses() -> String {
    let mut world = World { signatures: Vec::new(), callees: Vec::new(), forwarders: Vec::new() };
    for count in 1..=20 {
        for address in 0..count {
            let parameters = (0..count).map(|at| if at == address { I32 } else { I64 }).collect();
            let signature = Signature { parameters, results: vec![I64] };
            world.callees.push(reader(address as u32));
            world.signatures.push(signature);
        }
    }
    for callee in 0..world.signatures.len() {
        for kind in kinds() {
            let mut function = Function::new([]);
            let mut code = function.instructions();
            for (at, ty) in world.signatures[callee].parameters.iter().enumerate() {
                match ty {
                    I32 => code.local_get(0).i32_wrap_i64(),
                    _ if at % 2 == 0 => code.i64_const(-1),
                    _ => code.local_get(0),
                };
            }
            world.call(&mut code, callee, kind);
            code.end();
            let signature = Signature { parameters: vec![I64], results: vec![I64] };
            let says = format!("{kind:?} {:?}", world.signatures[callee].parameters);
            world.forwarders.push(Forwarder { signature, body: function, says });
        }
    }
    let addresses = [0_u32, 8, 65_528, 65_529, 65_536, 1 << 31, u32::MAX];
    world.differences(|_| {
        addresses.iter().map(|low| vec![Val::I64((0xdead_beef_u64 << 32 | u64::from(*low)) as i64)]).collect()
    })
}
