//! Activations of compiled code.
//!
//! Owns where an activation's frames begin on the stack, and the exchange with compiled code each time that it is entered
//! and left: gas, height, peak, arguments, results. It must not know operators.
//!
//! ```text
//!   top | frames of outer activations | base | frames of this one | guest_sp: a return address | ...
//! ```
//! Height is counted in stack pointers: an activation's frames take `base` minus the stack pointer below them.

use super::backtrace::{self, Innermost};
use super::builtin::{self, Interrupt, Resumption};
use crate::FloatPolicy;
use crate::abi::{KEPT, exit};
use crate::store::objects::{Callee, InstanceId, Objects};
use crate::store::step::{FrameSite, Step};
use crate::sys::{enter, float_environment};
use crate::trap::Trap;
use alloc::vec::Vec;

/// A call from the host into a guest function, with all guest frames above it.
#[derive(Debug)]
pub(crate) struct Activation {
    /// The function that is called.
    instance: InstanceId,
    function: u32,
    results: usize,
    stage: Stage,
    /// Slots of the frames of all outer activations.
    height: u64,
    /// Up to where the stack was in use, and where the frames begin: a multiple of 16.
    outer: u64,
    base: u64,
    /// Where compiled code left: the stack pointer, the instance, and where the frame stood that a tail call released.
    guest_sp: u64,
    anchor: u64,
    tail_pc: u64,
    /// Registers that compiled code expects again.
    kept: [u64; KEPT],
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Entered,
    /// A host function is called from this instance.
    Calling {
        caller: InstanceId,
        arguments: usize,
    },
    Returned,
    Trapped(Innermost),
}

impl Activation {
    /// Prepares to enter a guest function. Its frame is taken when the activation is resumed.
    pub(crate) fn enter(
        objects: &mut Objects,
        instance: InstanceId,
        function: u32,
        arguments: &[u64],
    ) -> Activation {
        let results = objects.function_type(Callee::Wasm { instance, function }).results().len();
        let (anchor, height) = (objects.anchor(instance), objects.height);
        let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
        machine.state_mut().values[..arguments.len()].copy_from_slice(arguments);
        Activation {
            instance,
            function,
            results,
            stage: Stage::Entered,
            height,
            outer: machine.in_use,
            base: 0,
            guest_sp: 0,
            anchor,
            tail_pc: 0,
            kept: [0; KEPT],
        }
    }

    /// Runs until there is something for the host to do. The processor's float environment is the default one
    /// meanwhile, and the host's again afterwards; code without floats has no use for it.
    pub(crate) fn resume(&mut self, objects: &mut Objects) -> Step {
        let floats = objects.instances[self.instance.index()].module.engine().config().floats;
        match floats {
            FloatPolicy::Reject => self.resume_in_any_environment(objects),
            FloatPolicy::Canonical => {
                let _restored_on_drop = float_environment::enter_default();
                self.resume_in_default_environment(objects)
            }
        }
    }

    /// Not inlined: nothing of it may move to where the float environment is another.
    #[inline(never)]
    fn resume_in_default_environment(&mut self, objects: &mut Objects) -> Step {
        self.resume_in_any_environment(objects)
    }

    #[inline]
    fn resume_in_any_environment(&mut self, objects: &mut Objects) -> Step {
        let mut resume_pc = match self.stage {
            Stage::Entered => match self.begin(objects) {
                Ok(entry) => entry,
                Err(_) => return Step::OutOfMemory,
            },
            Stage::Calling { caller, .. } => resumption(objects, caller, Resumption::WithResult),
            Stage::Returned => return Step::Returned,
            Stage::Trapped(_) => panic!("a trapped activation goes no further"),
        };
        loop {
            self.run(objects, resume_pc);
            let (why, payload) = {
                let state = machine(objects).state();
                (state.exit, state.payload)
            };
            if why == exit::RETURNED {
                self.stage = Stage::Returned;
                return Step::Returned;
            }
            if why == exit::TRAPPED {
                return self.trapped(objects, payload);
            }
            let caller = self.caller(objects);
            match why {
                exit::HOST_IMPORT => {
                    let imports = &objects.instances[caller.index()].imported_functions;
                    match imports[payload as usize].callee() {
                        Some(Callee::Host(host)) => return self.call_host(objects, caller, host),
                        other => panic!("compiled code called {other:?} as a host function"),
                    }
                }
                // A host function's index in the store, as it was put there.
                exit::HOST_INDIRECT => return self.call_host(objects, caller, payload as u32),
                exit::BUILTIN => match builtin::run(objects, caller, payload) {
                    Ok(how) => resume_pc = resumption(objects, caller, how),
                    Err(Interrupt::OutOfMemory) => return Step::OutOfMemory,
                    Err(Interrupt::Trapped(trap)) => {
                        self.stage = Stage::Trapped(Innermost::Returning);
                        return Step::Trapped(trap);
                    }
                },
                other => panic!("compiled code left for a reason that there is not: {other}"),
            }
        }
    }

    /// Finds the place of the first frame, and answers where to enter.
    fn begin(&mut self, objects: &mut Objects) -> Result<u64, crate::store::objects::OutOfMemory> {
        let limits = objects.limits;
        let callee = objects.function_address(self.instance, self.function);
        let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
        machine.make_stack(&limits)?;
        self.outer = machine.in_use;
        self.base = machine.in_use & !15;
        self.guest_sp = self.base;
        machine.state_mut().callee = callee;
        let code = objects.code(self.instance);
        let thunks = code.thunks();
        Ok(code.address(if self.results == 1 { thunks.enter } else { thunks.enter_values }))
    }

    /// Lets compiled code run until it leaves.
    fn run(&mut self, objects: &mut Objects, resume_pc: u64) {
        let Objects { machine, limits, gas, peak, .. } = objects;
        let machine = machine.as_mut().expect("an engine with compiled code has a machine");
        let (state, stack) = machine.parts();
        state.gas = *gas;
        state.guest_sp = self.guest_sp;
        state.anchor = self.anchor;
        state.resume_pc = resume_pc;
        state.limit = self.stack_pointer(limits.stack_slots);
        state.mark = self.stack_pointer(*peak);
        state.tail_pc = 0;
        state.kept = self.kept;
        enter::enter(state, stack);
        *gas = state.gas;
        *peak = self.height_at(state.mark);
        self.guest_sp = state.guest_sp;
        self.anchor = state.anchor;
        self.tail_pc = state.tail_pc;
        self.kept = state.kept;
    }

    /// The stack pointer below frames of this activation that reach a height of the store.
    fn stack_pointer(&self, height: u64) -> u64 {
        // Above the limits' ceilings nothing would fit anyway.
        self.base.saturating_sub(height.saturating_sub(self.height).saturating_mul(8))
    }

    /// The height of the store where frames of this activation reach down to a stack pointer.
    fn height_at(&self, stack_pointer: u64) -> u64 {
        self.height + (self.base - stack_pointer) / 8
    }

    /// The instance whose code left.
    fn caller(&self, objects: &Objects) -> InstanceId {
        // Mostly it is the one that was entered.
        if self.anchor == objects.anchor(self.instance) {
            return self.instance;
        }
        let machine = objects.machine.as_ref().expect("an engine with compiled code has a machine");
        *machine.instances.get(&self.anchor).expect("an anchor is an instance's")
    }

    fn call_host(&mut self, objects: &mut Objects, caller: InstanceId, host: u32) -> Step {
        // The return address is not a frame's yet.
        objects.height = self.height_at(self.guest_sp + 8);
        machine_mut(objects).in_use = self.guest_sp;
        let arguments = objects.host_types[host as usize].params().len();
        self.stage = Stage::Calling { caller, arguments };
        Step::HostCall { host, caller }
    }

    fn trapped(&mut self, objects: &mut Objects, number: u64) -> Step {
        let trap = u8::try_from(number).ok().and_then(Trap::from_number);
        let trap = trap.expect("compiled code traps with a trap's number");
        self.stage = Stage::Trapped(match trap {
            Trap::StackOverflow => Innermost::Refused,
            Trap::MemoryOutOfBounds => Innermost::Fault,
            _ => Innermost::Returning,
        });
        if trap == Trap::OutOfGas {
            objects.gas = 0;
        }
        Step::Trapped(trap)
    }

    /// The arguments of the host function that is being called, a slot each.
    pub(crate) fn arguments<'a>(&self, objects: &'a Objects) -> &'a [u64] {
        let Stage::Calling { arguments, .. } = self.stage else { return &[] };
        &machine(objects).state().values[..arguments]
    }

    /// The host function has returned; resume to go on.
    pub(crate) fn host_returned(&mut self, objects: &mut Objects, results: &[u64]) {
        assert!(matches!(self.stage, Stage::Calling { .. }), "no host function is being called");
        machine_mut(objects).state_mut().values[..results.len()].copy_from_slice(results);
    }

    /// The results, a slot each, after [`Step::Returned`].
    pub(crate) fn results<'a>(&self, objects: &'a Objects) -> &'a [u64] {
        let Stage::Returned = self.stage else { return &[] };
        &machine(objects).state().values[..self.results]
    }

    /// Ends it, however it ended: the stack is again as it was before.
    pub(crate) fn end(self, objects: &mut Objects) {
        let machine = machine_mut(objects);
        // Where it made the stack, all of that is free.
        if self.base != 0 {
            machine.in_use = self.outer;
        }
    }

    /// Where execution is, innermost first: where it trapped, or where the host function is called.
    pub(crate) fn backtrace(&self, objects: &Objects) -> Vec<FrameSite> {
        let innermost = match self.stage {
            Stage::Trapped(innermost) => innermost,
            Stage::Calling { .. } if self.tail_pc != 0 => Innermost::Released(self.tail_pc),
            Stage::Calling { .. } => Innermost::Returning,
            Stage::Entered | Stage::Returned => return Vec::new(),
        };
        backtrace::walk(objects, innermost, self.guest_sp, self.base)
    }
}

fn machine(objects: &Objects) -> &super::Machine {
    objects.machine.as_ref().expect("an engine with compiled code has a machine")
}

fn machine_mut(objects: &mut Objects) -> &mut super::Machine {
    objects.machine.as_mut().expect("an engine with compiled code has a machine")
}

/// Where the code of an instance goes on.
fn resumption(objects: &Objects, instance: InstanceId, how: Resumption) -> u64 {
    let code = objects.code(instance);
    code.address(match how {
        Resumption::WithResult => code.thunks().resume,
        Resumption::Unchanged => code.thunks().resume_unchanged,
    })
}
