//! Making instances.
//!
//! Owns the order: limits, price, allocation, globals, element segments, data segments, start. It must not know how
//! imports were found; they have been checked.

use super::StoreInner;
use super::objects::{Callee, Cell, GlobalData, InstanceData, InstanceId, Objects};
use super::rules::next_index;
use crate::crosscheck::Effect;
use crate::error::{Error, LinkError, Usage};
use crate::external::Extern;
use crate::limits::{Limit, RunLimits};
use crate::module::Module;
use crate::module::info::{DataMode, ElementMode};
use crate::native::{Context, Machine};
use crate::trap::Trap;
use alloc::{boxed::Box, vec, vec::Vec};

impl Objects {
    /// No objects and no gas. Where code is compiled there is a machine for it.
    pub(crate) fn new(limits: RunLimits, machine: Option<Machine>) -> Objects {
        Objects {
            limits,
            gas: 0,
            height: 0,
            peak: 0,
            depth: 0,
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            host_types: Vec::new(),
            audit: None,
            profiler: None,
            machine,
            recorder: None,
        }
    }

    /// Runs the active segments in order; each is done in full or not at all, and the first that does not fit ends it.
    fn run_segments(&mut self, instance: InstanceId, module: &Module) -> Result<(), Trap> {
        for (segment, elements) in (0..).zip(&module.info().elements) {
            match &elements.mode {
                ElementMode::Passive => continue,
                ElementMode::Declared => {}
                ElementMode::Active { table, offset } => {
                    let offset = self.eval_const(instance, offset) as u32;
                    let table = self.instances[instance.index()].tables[*table as usize];
                    // Each item took a byte of the module, whose size fits 32 bits.
                    self.init_table(instance, table, segment, offset, 0, elements.items.len() as u32)?;
                }
            }
            self.drop_elements(instance, segment);
        }
        for (segment, data) in (0..).zip(&module.info().data) {
            let DataMode::Active { offset } = &data.mode else { continue };
            let offset = self.eval_const(instance, offset) as u32;
            let memory = self.instances[instance.index()].memories[0];
            self.init_memory(instance, memory, segment, offset, 0, data.bytes.len() as u32)?;
            self.drop_data(instance, segment);
        }
        Ok(())
    }
}

impl<T> StoreInner<T> {
    /// Whether what a module declares is within the store's limits at its start.
    pub(crate) fn check_limits(&self, module: &Module) -> Result<(), LinkError> {
        let info = module.info();
        let check = |limit, allowed, declared| match declared > allowed {
            true => Err(LinkError::Limit { limit, allowed, declared }),
            false => Ok(()),
        };
        for memory in &info.memories[info.imported_memories as usize..] {
            check(Limit::MemoryPages, self.objects.limits.memory_pages, memory.minimum)?;
        }
        for table in &info.tables[info.imported_tables as usize..] {
            check(Limit::TableElements, self.objects.limits.table_elements, table.minimum)?;
        }
        Ok(())
    }

    /// Makes an instance, without its start function. The price has been paid; `imports` match. An instance whose
    /// segments trapped stays: others may hold its functions by then.
    pub(crate) fn build(&mut self, module: &Module, imports: &[Extern]) -> Result<InstanceId, Error> {
        let (info, objects) = (module.info(), &mut self.objects);
        objects.note(|| Effect::NewInstance { module: module.clone(), imports: imports.into() });
        // Where nothing runs compiled code an instance has no use for it.
        let native = if objects.machine.is_some() { module.native() } else { None };
        let mut imported_functions = Vec::new();
        let mut tables = Vec::with_capacity(info.tables.len());
        let mut memories = Vec::with_capacity(info.memories.len());
        let mut globals = Vec::with_capacity(info.globals.len());
        for import in imports {
            match import {
                Extern::Func(func) => imported_functions.push(func.reference),
                Extern::Table(table) => tables.push(table.id),
                Extern::Memory(memory) => memories.push(memory.id),
                Extern::Global(global) => globals.push(global.id),
            }
        }
        let defined = memories.len();
        let allocated = (|| {
            for &ty in &info.tables[tables.len()..] {
                tables.push(objects.add_table(ty, 0)?);
            }
            let prefix = native.map_or(0, |code| code.context_words());
            for &ty in &info.memories[defined..] {
                memories.push(objects.add_memory(ty, prefix)?);
            }
            let own_memory = memories.get(defined).copied();
            native.map(|code| Context::new(objects, code, own_memory)).transpose()
        })();
        let context = allocated.map_err(|out_of_memory| self.out_of_memory(out_of_memory))?;

        let objects = &mut self.objects;
        let instance = InstanceId(next_index(objects.instances.len()));
        let defined = globals.len();
        for (index, &ty) in info.globals.iter().enumerate().skip(defined) {
            let cell = match native {
                None => Cell::Inline(0),
                Some(code) => Cell::Context { instance, offset: code.own_global(index) },
            };
            globals.push(objects.push_global(GlobalData { ty, cell }));
        }
        let defined_globals: Box<[_]> = globals[defined..].into();
        objects.instances.push(InstanceData {
            module: module.clone(),
            imported_functions: imported_functions.into(),
            tables: tables.into(),
            memories: memories.into(),
            globals: globals.into(),
            dropped_elements: vec![false; info.elements.len()].into(),
            dropped_data: vec![false; info.data.len()].into(),
            start_pending: info.start.is_some(),
            context,
        });
        if native.is_some() {
            objects.fill_context(instance);
        }
        // In order: a later one may read those before it.
        for (global, initializer) in defined_globals.iter().zip(&info.global_initializers) {
            let value = objects.eval_const(instance, initializer);
            objects.set_global(*global, value);
        }
        objects.run_segments(instance, module)?;
        Ok(instance)
    }

    /// Calls the start function of an instance, where its module has one: an ordinary call, once.
    pub(crate) fn start(&mut self, instance: InstanceId) -> Result<(), Error> {
        self.check_alive()?;
        let data = &mut self.objects.instances[instance.index()];
        let Some(function) = data.module.info().start else { return Ok(()) };
        if !core::mem::take(&mut data.start_pending) {
            return Err(Usage::Started.into());
        }
        let callee: Callee =
            self.objects.function(instance, function).callee().expect("functions are not null");
        self.call(callee, Some(instance), &[], &mut [])
    }
}
