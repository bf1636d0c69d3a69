//! The frame that families fill.
//!
//! Owns the order of sections, so that a family only says what it has much of.

use wasm_encoder::{
    CodeSection, CustomSection, DataCountSection, DataSection, ElementSection, ExportSection, Function,
    FunctionSection, GlobalSection, ImportSection, MemorySection, MemoryType, Module, RefType, TableSection,
    TableType, TypeSection, ValType,
};

/// A module in the making.
#[derive(Default)]
pub(super) struct Skeleton {
    pub(super) types: TypeSection,
    pub(super) imports: ImportSection,
    pub(super) functions: FunctionSection,
    pub(super) tables: TableSection,
    pub(super) memories: MemorySection,
    pub(super) globals: GlobalSection,
    pub(super) exports: ExportSection,
    pub(super) elements: ElementSection,
    pub(super) code: CodeSection,
    pub(super) data: DataSection,
    pub(super) customs: Vec<(&'static str, Vec<u8>)>,
}

impl Skeleton {
    /// An empty module.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a type; answers its index.
    pub(super) fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.types.len() - 1
    }

    /// Adds a function; `code` is without the last `end`.
    pub(super) fn function(&mut self, ty: u32, locals: &[(u32, ValType)], code: &[u8]) {
        self.functions.function(ty);
        let mut function = Function::new(locals.iter().copied());
        function.raw(code.iter().copied()).instructions().end();
        self.code.function(&function);
    }

    /// Adds a memory of that many pages.
    pub(super) fn memory(&mut self, pages: u64) {
        self.memories.memory(MemoryType {
            minimum: pages,
            maximum: Some(pages),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }

    /// Adds a table of functions.
    pub(super) fn table(&mut self, elements: u64) {
        self.tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: elements,
            maximum: None,
            shared: false,
        });
    }

    /// The module.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        macro_rules! sections {
            ($($name:ident)*) => { $( if !self.$name.is_empty() { module.section(&self.$name); } )* };
        }
        sections!(types imports functions tables memories globals exports elements);
        if !self.data.is_empty() {
            module.section(&DataCountSection { count: self.data.len() });
        }
        sections!(code data);
        for (name, data) in &self.customs {
            module.section(&CustomSection { name: (*name).into(), data: data.into() });
        }
        module.finish()
    }
}

/// A module of one function without parameters and results.
pub(super) fn one_function(locals: &[(u32, ValType)], code: &[u8]) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.function(ty, locals, code);
    skeleton.finish()
}

/// `piece` as often as it fits `n` bytes.
pub(super) fn repeat(piece: &[u8], n: usize) -> Vec<u8> {
    piece.repeat((n / piece.len()).max(1))
}

/// A number as an unsigned LEB128.
pub(super) fn leb(mut value: u32, code: &mut Vec<u8>) {
    while value >= 0x80 {
        code.push(value as u8 | 0x80);
        value >>= 7;
    }
    code.push(value as u8);
}
