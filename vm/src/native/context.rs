//! Contexts: what an instance's code reaches its things by.
//!
//! Owns where a context is and what is in it, except for the values of globals. It must not know how code runs.

use super::code::ModuleCode;
use crate::abi::{GlobalPlace, field, import_word, table_header};
use crate::store::objects::{Callee, Cell, GlobalId, InstanceId, MemoryId, Objects, OutOfMemory};
use crate::sys::words::Words;

const _: () = assert!(table_header::BASE == 0 && table_header::LENGTH == 8, "as `Elements` has its header");

/// The context of an instance.
#[derive(Debug)]
pub(crate) struct Context {
    /// Behind its last word.
    anchor: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Before the memory that the instance defines.
    Memory(MemoryId),
    /// The instance defines no memory.
    Block(Words),
}

impl Context {
    /// A context of zeros, before a memory or alone.
    pub(crate) fn new(
        objects: &mut Objects,
        code: &ModuleCode,
        memory: Option<MemoryId>,
    ) -> Result<Context, OutOfMemory> {
        let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
        machine.make_state()?;
        Ok(match memory {
            Some(memory) => {
                let anchor = objects.memories[memory.index()].bytes.address();
                Context { anchor, place: Place::Memory(memory) }
            }
            None => {
                let words = Words::new(code.context_words())?;
                let anchor = words.address() + 8 * words.len() as u64;
                Context { anchor, place: Place::Block(words) }
            }
        })
    }
}

/// The place, among words that end at the anchor, of the one at an offset.
#[inline]
fn at(words: usize, offset: i32) -> usize {
    // What is outside wraps to a place that does not exist.
    words.wrapping_sub(offset.unsigned_abs() as usize / 8)
}

impl Objects {
    fn context(&self, instance: InstanceId) -> &Context {
        self.instances[instance.index()].context.as_ref().expect("an instance of compiled code has a context")
    }

    /// The anchor of an instance.
    #[inline]
    pub(super) fn anchor(&self, instance: InstanceId) -> u64 {
        self.context(instance).anchor
    }

    /// The word of an instance's context at an offset from the anchor.
    #[inline]
    pub(crate) fn context_word(&self, instance: InstanceId, offset: i32) -> u64 {
        let words = match &self.context(instance).place {
            Place::Memory(memory) => self.memories[memory.index()].bytes.prefix(),
            Place::Block(words) => words,
        };
        words[at(words.len(), offset)]
    }

    /// Sets a word of an instance's context.
    #[inline]
    pub(crate) fn set_context_word(&mut self, instance: InstanceId, offset: i32, value: u64) {
        let Objects { instances, memories, .. } = self;
        let context = &mut instances[instance.index()].context;
        let words = match &mut context.as_mut().expect("an instance of compiled code has a context").place {
            Place::Memory(memory) => memories[memory.index()].bytes.prefix_mut(),
            Place::Block(words) => words,
        };
        let at = at(words.len(), offset);
        words[at] = value;
    }

    /// Puts into a new instance's context all but the values of its globals, and notes its anchor.
    pub(crate) fn fill_context(&mut self, instance: InstanceId) {
        let module = self.instances[instance.index()].module.clone();
        let Some(code) = module.native() else { return };
        let layout = *code.layout();
        let anchor = self.anchor(instance);
        let machine = self.machine.as_mut().expect("an engine with compiled code has a machine");
        machine.instances.insert(anchor, instance);
        let state = machine.state().address();
        self.set_context_word(instance, field::STATE, state);
        let memory = self.instances[instance.index()].memories.first();
        let base = memory.map_or(0, |memory| self.memories[memory.index()].bytes.address());
        self.set_context_word(instance, field::MEMORY_BASE, base);
        self.set_context_word(instance, field::INSTANCE, (u64::from(instance.0) + 1) << 32);
        self.set_context_word(instance, field::MEMORY_FAULT, code.address(code.thunks().memory_fault));

        // There are fewer than 2^32 of each.
        for table in 0..module.info().tables.len() as u32 {
            let id = self.instances[instance.index()].tables[table as usize];
            let header = self.tables[id.index()].elements.header();
            self.set_context_word(instance, layout.table(table), header);
        }
        for global in 0..module.info().imported_globals {
            let id = self.instances[instance.index()].globals[global as usize];
            let address = self.global_address(id);
            if let GlobalPlace::Address(offset) = layout.global(global) {
                self.set_context_word(instance, offset, address);
            }
        }
        for function in 0..module.info().imported_functions {
            let reference = self.instances[instance.index()].imported_functions[function as usize];
            let callee = reference.callee().expect("an import is never null");
            let (entry, target, anchor) = match callee {
                Callee::Host(_) => (code.thunks().host_import, 0, 0),
                Callee::Wasm { instance, function } => (
                    code.thunks().switch_import,
                    self.function_address(instance, function),
                    self.anchor(instance),
                ),
            };
            let words = layout.imported_function(function);
            self.set_context_word(instance, words + import_word::ENTRY, code.address(entry));
            self.set_context_word(instance, words + import_word::CODE, target);
            self.set_context_word(instance, words + import_word::ANCHOR, anchor);
            self.set_context_word(instance, words + import_word::REFERENCE, reference.to_bits());
        }
    }

    /// Where a global's value is, for good.
    fn global_address(&self, global: GlobalId) -> u64 {
        match &self.globals[global.index()].cell {
            Cell::Alone(words) => words.address(),
            Cell::Context { instance, offset } => {
                self.anchor(*instance).wrapping_add_signed(i64::from(*offset))
            }
            Cell::Inline(_) => unreachable!("compiled code has an address for every global"),
        }
    }

    /// Where a function is that an instance's module defines, by its index in the function space.
    pub(super) fn function_address(&self, instance: InstanceId, function: u32) -> u64 {
        let module = &self.instances[instance.index()].module;
        self.code(instance).function(function - module.info().imported_functions)
    }

    /// The code of an instance.
    #[inline]
    pub(super) fn code(&self, instance: InstanceId) -> &ModuleCode {
        self.instances[instance.index()]
            .module
            .native()
            .expect("an engine with compiled code compiles every module")
    }
}
