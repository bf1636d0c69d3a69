//! Modules with more values at once than there are registers.
//!
//! Owns the module around the bodies: signatures of up to sixteen parameters and results, a table of all functions, one page
//! of memory, globals. Straight code keeps many locals and a deep operand stack alive across calls, loops and ifs, and all
//! of it is folded into the results at the end. Calls go to functions with greater numbers and loops count down, so that
//! every execution ends. It must not know any engine.

mod body;
mod operator;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

use super::{Allowed, HOST_FUNCTIONS};
use crate::random::Random;
use body::Body;

/// Mutable globals, of type i64; the first takes what is folded away in passing.
const GLOBALS: u32 = 4;

/// Parameters and results.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Signature {
    params: Vec<ValType>,
    results: Vec<ValType>,
}

/// What bodies know of the module.
struct Layout {
    allowed: Allowed,
    /// Types by index: first the functions' own, then those of constructs.
    types: Vec<Signature>,
    /// How many functions are imported.
    imports: u32,
    /// The type of each function that is defined.
    functions: Vec<usize>,
    /// Operators that a call of each function executes, at most; known from the last one down.
    costs: Vec<u64>,
    /// Whether operators that may trap are written.
    wild: bool,
}

impl Layout {
    fn intern(&mut self, signature: Signature) -> u32 {
        if let Some(known) = self.types.iter().position(|other| *other == signature) {
            return known as u32;
        }
        self.types.push(signature);
        self.types.len() as u32 - 1
    }

    fn signature(&self, function: usize) -> &Signature {
        &self.types[self.functions[function]]
    }

    /// A type of value.
    fn ty(&self, random: &mut Random) -> ValType {
        let floats = if self.allowed.floats { 12 } else { 0 };
        [ValType::I32, ValType::I64, ValType::F32, ValType::F64][random.weighted(&[45, 45, floats, floats])]
    }

    fn types(&self, random: &mut Random, count: usize) -> Vec<ValType> {
        (0..count).map(|_| self.ty(random)).collect()
    }
}

/// The module of `seed`. It is valid under [`crate::features::FEATURES`].
pub fn pressure(seed: u64, allowed: Allowed) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0x7072_6573_7375_7265);
    let mut layout = Layout {
        allowed,
        types: Vec::new(),
        imports: if allowed.imports { HOST_FUNCTIONS.len() as u32 } else { 0 },
        functions: Vec::new(),
        costs: Vec::new(),
        wild: random.percent(25),
    };
    let host_types: Vec<u32> = HOST_FUNCTIONS
        .iter()
        .map(|host| {
            let params = host.params.iter().map(|ty| ty.val_type()).collect();
            layout
                .intern(Signature { params, results: host.results.iter().map(|ty| ty.val_type()).collect() })
        })
        .collect();
    let count = random.range(2, 7);
    for function in 0..count {
        // The last one is the host's callback.
        let signature = if function + 1 == count {
            Signature { params: vec![ValType::I32], results: vec![ValType::I32] }
        } else if function > 0 && random.percent(25) {
            // Functions of one type, for calls through the table and in tail position.
            layout.signature(function - 1).clone()
        } else {
            let params = many(&mut random);
            let results = [1, 0, 2, random.range(3, 16)][random.weighted(&[60, 8, 16, 16])];
            Signature {
                params: layout.types(&mut random, params),
                results: layout.types(&mut random, results),
            }
        };
        let ty = layout.intern(signature);
        layout.functions.push(ty as usize);
    }
    layout.costs = vec![0; count];
    let mut bodies = Vec::new();
    for function in (0..count).rev() {
        let (body, cost) = Body::write(&mut layout, &mut random, function);
        layout.costs[function] = cost;
        bodies.push(body);
    }
    bodies.reverse();
    encode(&layout, &mut random, &host_types, &bodies)
}

/// How many parameters: often more than there are registers for.
fn many(random: &mut Random) -> usize {
    match random.weighted(&[50, 35, 15]) {
        0 => random.range(0, 6),
        1 => random.range(5, 9),
        _ => random.range(0, 16),
    }
}

fn encode(
    layout: &Layout,
    random: &mut Random,
    host_types: &[u32],
    bodies: &[wasm_encoder::Function],
) -> Vec<u8> {
    let mut types = TypeSection::new();
    for ty in &layout.types {
        types.ty().function(ty.params.iter().copied(), ty.results.iter().copied());
    }
    let mut imports = ImportSection::new();
    for (host, ty) in HOST_FUNCTIONS.iter().zip(host_types).take(layout.imports as usize) {
        imports.import(host.module, host.name, EntityType::Function(*ty));
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    let count = layout.functions.len();
    for (number, body) in bodies.iter().enumerate() {
        functions.function(layout.functions[number] as u32);
        code.function(body);
        let name = if number + 1 == count { "callback".to_string() } else { format!("f{number}") };
        exports.export(&name, ExportKind::Func, layout.imports + number as u32);
    }
    let mut tables = TableSection::new();
    let all: Vec<u32> = (0..layout.imports + count as u32).collect();
    let minimum = all.len() as u64 + 1;
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum,
        maximum: None,
        shared: false,
    });
    let mut memories = MemorySection::new();
    let maximum = random.percent(50).then_some(3);
    memories.memory(MemoryType { minimum: 1, maximum, memory64: false, shared: false, page_size_log2: None });
    let mut globals = GlobalSection::new();
    for global in 0..GLOBALS {
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(i64::from(global) * 0x0101_0101_0101));
        exports.export(&format!("g{global}"), ExportKind::Global, global);
    }
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("t0", ExportKind::Table, 0);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(all.into()));
    let mut data = DataSection::new();
    for at in [0, 30_000, 65_536 - 256] {
        data.active(0, &ConstExpr::i32_const(at), random.bytes(256));
    }
    let mut module = Module::new();
    module.section(&types);
    if layout.imports > 0 {
        module.section(&imports);
    }
    module.section(&functions).section(&tables).section(&memories).section(&globals).section(&exports);
    module.section(&elements).section(&code).section(&data);
    module.finish()
}
