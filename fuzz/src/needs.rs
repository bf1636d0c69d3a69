//! What a module needs an engine's limits to be.
//!
//! Owns the measuring of a module in the terms in which limits are set, with nothing but a reader of the
//! binary format: heights are numbers here, not stacks, so a module that makes a validator's stack explode is
//! measured in no memory. It must not know any limit.

use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, ExternalKind, FunctionBody, Operator, Parser, Payload,
    TypeRef,
};

/// The greatest numbers that occur in a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Bytes of the module.
    pub module_bytes: u64,
    /// Function types.
    pub types: u64,
    /// Functions that the module defines.
    pub functions: u64,
    /// Imports of every kind.
    pub imports: u64,
    /// Exports.
    pub exports: u64,
    /// Parameters of one type.
    pub params: u64,
    /// Results of one type.
    pub results: u64,
    /// Locals that one function declares, parameters not counted.
    pub locals: u64,
    /// Locals that all functions declare.
    pub module_locals: u64,
    /// Bytes of one function body.
    pub body_bytes: u64,
    /// Constructs within one another, the function's own not counted.
    pub nesting: u64,
    /// Targets of one `br_table`, the default not counted.
    pub br_table_targets: u64,
    /// Operands at once on the stack of one function, in live code.
    pub operand_height: u64,
    /// Slots of one frame: four, parameters, locals and the operand height, rounded up to an even number.
    pub frame_slots: u64,
    /// Globals, imported ones included.
    pub globals: u64,
    /// Tables, imported ones included.
    pub tables: u64,
    /// Elements that one table starts with.
    pub table_elements: u64,
    /// Pages that a memory starts with.
    pub memory_pages: u64,
    /// Data segments.
    pub data_segments: u64,
    /// Element segments.
    pub element_segments: u64,
    /// Bytes of one name of an import or export.
    pub name_bytes: u64,
}

/// What the operators of a body refer to.
#[derive(Default)]
struct Module {
    /// Parameters and results of each type.
    types: Vec<(u64, u64)>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    imported_functions: usize,
    bodies: usize,
}

impl Needs {
    /// Measures a module.
    ///
    /// # Errors
    /// When the module cannot be read. A module that can be read but is not valid gives numbers that mean
    /// little.
    pub fn measure(bytes: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut needs = Self { module_bytes: bytes.len() as u64, ..Self::default() };
        let mut module = Module::default();
        for payload in Parser::new(0).parse_all(bytes) {
            needs.read(&mut module, payload?)?;
        }
        Ok(needs)
    }

    fn read(&mut self, module: &mut Module, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.types() {
                        let CompositeInnerType::Func(ty) = &ty.composite_type.inner else { continue };
                        let arity = (ty.params().len() as u64, ty.results().len() as u64);
                        module.types.push(arity);
                        self.params = self.params.max(arity.0);
                        self.results = self.results.max(arity.1);
                    }
                }
                self.types = module.types.len() as u64;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports += 1;
                    self.name_bytes =
                        self.name_bytes.max(import.module.len() as u64).max(import.name.len() as u64);
                    match import.ty {
                        TypeRef::Func(ty) => {
                            module.functions.push(ty);
                            module.imported_functions += 1;
                        }
                        TypeRef::Table(ty) => self.table(ty.initial),
                        TypeRef::Memory(ty) => self.memory_pages = self.memory_pages.max(ty.initial),
                        TypeRef::Global(_) => self.globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                self.functions = u64::from(section.count());
                for ty in section {
                    module.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.table(table?.ty.initial);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memory_pages = self.memory_pages.max(memory?.initial);
                }
            }
            Payload::GlobalSection(section) => self.globals += u64::from(section.count()),
            Payload::ExportSection(section) => {
                self.exports = u64::from(section.count());
                for export in section {
                    let export = export?;
                    debug_assert!(!matches!(export.kind, ExternalKind::Tag), "tags are no feature of ours");
                    self.name_bytes = self.name_bytes.max(export.name.len() as u64);
                }
            }
            Payload::ElementSection(section) => self.element_segments = u64::from(section.count()),
            Payload::DataSection(section) => self.data_segments = u64::from(section.count()),
            Payload::CodeSectionEntry(body) => self.body(module, &body)?,
            _ => {}
        }
        Ok(())
    }

    fn table(&mut self, elements: u64) {
        self.tables += 1;
        self.table_elements = self.table_elements.max(elements);
    }

    fn body(&mut self, module: &mut Module, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let range = body.range();
        self.body_bytes = self.body_bytes.max(range.end - range.start);
        let mut locals = 0;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
        }
        self.locals = self.locals.max(locals);
        self.module_locals += locals;
        let ty = module.functions.get(module.imported_functions + module.bodies).copied();
        module.bodies += 1;
        let (params, results) = module.arity(ty);
        let mut heights =
            Heights { frames: vec![Frame { below: 0, params: 0, results, live: true }], ..Heights::new() };
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            if let Operator::BrTable { targets } = &operator {
                self.br_table_targets = self.br_table_targets.max(u64::from(targets.len()));
            }
            heights.visit(module, &operator);
            self.nesting = self.nesting.max(heights.frames.len().saturating_sub(1) as u64);
        }
        self.operand_height = self.operand_height.max(heights.greatest);
        self.frame_slots = self.frame_slots.max((4 + params + locals + heights.greatest).next_multiple_of(2));
        Ok(())
    }
}

impl Module {
    fn arity(&self, ty: Option<u32>) -> (u64, u64) {
        ty.and_then(|ty| self.types.get(ty as usize)).copied().unwrap_or_default()
    }

    fn block_arity(&self, ty: BlockType) -> (u64, u64) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(ty) => self.arity(Some(ty)),
        }
    }
}

/// A construct: the operands below its parameters, and whether its opening operator was live.
struct Frame {
    below: u64,
    params: u64,
    results: u64,
    live: bool,
}

/// The operand height of a body as its operators go by.
struct Heights {
    frames: Vec<Frame>,
    live: bool,
    height: u64,
    greatest: u64,
}

impl Heights {
    fn new() -> Self {
        Self { frames: Vec::new(), live: true, height: 0, greatest: 0 }
    }

    fn visit(&mut self, module: &Module, operator: &Operator<'_>) {
        match *operator {
            Operator::Block { blockty } | Operator::Loop { blockty } => self.enter(module, blockty),
            Operator::If { blockty } => {
                self.change(1, 0);
                self.enter(module, blockty);
            }
            Operator::Else => {
                if let Some(frame) = self.frames.last() {
                    (self.height, self.live) = (frame.below + frame.params, frame.live);
                }
            }
            Operator::End => {
                if let Some(frame) = self.frames.pop() {
                    (self.height, self.live) = (frame.below + frame.results, frame.live);
                }
            }
            Operator::Br { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => self.live = false,
            Operator::BrIf { .. } => self.change(1, 0),
            Operator::Call { function_index } => {
                let (params, results) = module.arity(module.functions.get(function_index as usize).copied());
                self.change(params, results);
            }
            Operator::CallIndirect { type_index, .. } => {
                let (params, results) = module.arity(Some(type_index));
                self.change(params + 1, results);
            }
            _ => {
                let (operands, results) = simple_arity(operator);
                self.change(operands, results);
            }
        }
        if self.live {
            self.greatest = self.greatest.max(self.height);
        }
    }

    fn enter(&mut self, module: &Module, ty: BlockType) {
        let (params, results) = module.block_arity(ty);
        let below = self.height.saturating_sub(params);
        self.frames.push(Frame { below, params, results, live: self.live });
    }

    fn change(&mut self, operands: u64, results: u64) {
        if self.live {
            self.height = self.height.saturating_sub(operands) + results;
        }
    }
}

macro_rules! define_simple_arity {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// Operands and results of an operator whose arity is its own; nothing for those that depend on a
        /// type.
        fn simple_arity(operator: &Operator<'_>) -> (u64, u64) {
            match operator {
                $( Operator::$op { .. } => define_simple_arity!(@arity $($ann)*), )*
                _ => (0, 0),
            }
        }
    };
    (@arity arity custom) => { (0, 0) };
    (@arity arity memarg $operands:literal -> $results:literal) => { ($operands, $results) };
    (@arity arity $operands:literal -> $results:literal) => { ($operands, $results) };
    (@arity $($other:tt)*) => { (0, 0) };
}

wasmparser::for_each_operator!(define_simple_arity);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Allowed;
    use crate::generate::program::{Options, Size, program};

    /// The height measured here is the one that a real validator's stack reaches.
    #[test]
    fn heights_equal_the_validators() {
        for seed in 0..200 {
            let allowed = Allowed { floats: true, imports: true };
            let wasm = program(seed, Options { size: Size::Normal, allowed });
            let mut validator = wasmparser::Validator::new_with_features(crate::features::FEATURES);
            let mut greatest = 0;
            for payload in Parser::new(0).parse_all(&wasm) {
                let payload = validator.payload(&payload.expect("the module is valid"));
                let Ok(wasmparser::ValidPayload::Func(function, body)) = payload else { continue };
                let mut function = function.into_validator(Default::default());
                let mut reader = body.get_binary_reader();
                function.read_locals(&mut reader).expect("the module is valid");
                reader.set_features(crate::features::FEATURES);
                let mut operators = wasmparser::OperatorsReader::new(reader);
                while !operators.eof() {
                    let (operator, at) = operators.read_with_offset().expect("the module is valid");
                    function.op(at, &operator).expect("the module is valid");
                    // Code is live when no enclosing construct has come to a transfer.
                    let live = (0..function.control_stack_height() as usize)
                        .filter_map(|depth| function.get_control_frame(depth))
                        .all(|frame| !frame.unreachable);
                    if live {
                        greatest = greatest.max(u64::from(function.operand_stack_height()));
                    }
                }
            }
            let measured = Needs::measure(&wasm).expect("the module can be read").operand_height;
            assert_eq!(measured, greatest, "{seed}");
        }
    }
}
