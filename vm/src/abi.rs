//! The native ABI: what compiled code and the runtime agree on.
//!
//! Owns the layout of the blocks that both touch (a store's [`State`], an instance's context), the reasons for which
//! guest code comes back to the host, and the numbers of what it asks for. The compiler and the runtime know this page
//! and not each other. It must not know how code is made, nor how it is run.
//!
//! # Where things are
//!
//! Guest code runs on a stack of its own. One register, the *anchor*, points behind the context of the instance whose
//! code runs; where the module defines a memory, that memory begins at the anchor.
//!
//! ```text
//!            context, growing downwards                 | anchor
//!   ... | imported functions | tables | globals | fields | memory: byte 0 ... | guard |
//! ```
//! A memory that no module defines has the same field for its length before its first byte.
//!
//! # Registers of x86-64
//!
//! | register | holds |
//! |---|---|
//! | `rsp` | the frame; it moves at entry and exit of functions only |
//! | `r14` | the anchor |
//! | `r15` | gas left, at most 2^63 - 1 |
//! | `r13` | the base of memory 0, in modules that import it; otherwise any value |
//! | `rdi rsi r8 r9 rcx rdx` | arguments 0 to 5; further ones are in `State::values[6..]` |
//! | `rbp r10 r11 r12` | kept by every call |
//! | `rax` | the result, where there is one; several are in `State::values[0..]` |
//!
//! A call may change every register but `rsp`, `r15`, those that are kept, and, between functions of one instance, `r14` (and `r13` where it is
//! a base). Who calls a function that may be another instance's keeps the anchor in its frame's first slot and takes it
//! back afterwards; in a module with tail calls that is every call, because the callee may end in another instance.
//!
//! # Registers of aarch64
//!
//! | register | holds |
//! |---|---|
//! | `sp` | the frame, always a multiple of 16; it moves at entry and exit of functions only |
//! | `x28` | the anchor |
//! | `x27` | gas left |
//! | `x15` | the base of memory 0, in modules that import it; otherwise any value |
//! | `x1` to `x6` | arguments 0 to 5 |
//! | `x19` to `x26` | kept by every call |
//! | `x0` | the result, where there is one |
//! | `x30` | the return address, at entry and exit of functions; within them any value |
//! | `x18 x29` | never touched |
//!
//! The same holds of calls, with `x28`, `x15`, `x27` and `sp`.
//!
//! # Frames
//!
//! ```text
//!   slot   0        1, 2      3 ..                                  frame_slots - 1
//!        | anchor | scratch | parameters, locals, operands, padding | return address |
//!          ^ rsp, a multiple of 16                                     ^ rsp at entry
//! ```
//! On aarch64 the prologue puts the return address there, from `x30`, and `sp` at entry is where the caller's frame begins.
//!
//! A frame is exactly `8 * frame_slots` bytes, the plan's number, so that the height of the stack is a difference of two
//! stack pointers. Nothing is kept below `rsp`.
//!
//! Values are 64 bits wide everywhere; an `i32`'s or `f32`'s upper half is zero, in registers too. Floats are bits.
//!
//! # Leaving guest code
//!
//! Guest code leaves by a `call` to a thunk, which is compiled with each module. The thunk stores gas, anchor and stack
//! pointer in the [`State`], says why in `exit`, and jumps to `State::exit_pc` with the state's address in `rax`, still on
//! the guest's stack. The runtime resumes it by jumping to `State::resume_pc`, with anchor, gas and guest's stack pointer in
//! their registers. On aarch64 it is `x0`, the thunk puts the return address on the stack and takes it back when resumed, and
//! `sp` is the multiple of 16 below that address meanwhile. So at `State::guest_sp` there is always a return address into the
//! function that left, and above it that function's frame.

use crate::module::info::ModuleInfo;
use core::mem::offset_of;

/// The most values that are passed through [`State::values`]; more than any ceiling on parameters and results.
pub(crate) const VALUES: usize = 1024;

/// How many registers every call keeps, on the machine that keeps most; the others leave the last ones alone.
pub(crate) const KEPT: usize = 8;

/// How many arguments are passed in registers.
pub(crate) const REGISTER_ARGUMENTS: usize = 6;

/// What a store and guest code tell each other. There is one to a store; compiled code reaches it by
/// [`field::STATE`].
#[derive(Debug)]
#[repr(C)]
pub(crate) struct State {
    /// Gas left, while guest code does not run.
    pub(crate) gas: u64,
    /// The lowest stack pointer of a frame since the activation began, or lower where the peak is from before it: a frame
    /// at or above it changes no peak.
    pub(crate) mark: u64,
    /// The lowest stack pointer that a frame may have.
    pub(crate) limit: u64,
    /// The guest's stack pointer, while guest code does not run.
    pub(crate) guest_sp: u64,
    /// The anchor of the instance that left, or that is entered.
    pub(crate) anchor: u64,
    /// Where guest code goes on: one of the thunks, or a function.
    pub(crate) resume_pc: u64,
    /// The host's stack pointer, while guest code runs.
    pub(crate) host_sp: u64,
    /// Where guest code jumps to, on the host's stack, when it leaves.
    pub(crate) exit_pc: u64,
    /// Why guest code left: an [`exit`].
    pub(crate) exit: u64,
    /// What goes with it.
    pub(crate) payload: u64,
    /// Where a tail call of a host function stands in the code of the frame that has been released for it; else 0.
    pub(crate) tail_pc: u64,
    /// Which function [`Thunks::enter`](Thunks) calls: its address.
    pub(crate) callee: u64,
    /// A call that [`builtin::RESOLVE`] has resolved: the address and the anchor of a function of another instance.
    pub(crate) indirect_code: u64,
    pub(crate) indirect_anchor: u64,
    /// Registers that [`builtin::RESOLVE`], [`builtin::MEMORY_FILL`] and [`builtin::MEMORY_COPY`] must leave alone.
    pub(crate) saved: [u64; 16],
    /// Registers that every call keeps, host calls and builtins too: the runtime gives back what was here when guest code
    /// left.
    pub(crate) kept: [u64; KEPT],
    /// Arguments and results.
    pub(crate) values: [u64; VALUES],
}

/// Why guest code left.
pub(crate) mod exit {
    /// The function that was entered returned; results are in `values`.
    pub(crate) const RETURNED: u64 = 0;
    /// It trapped; the payload is the trap's number. On a stack overflow the frame of the function that did not fit has
    /// not been taken: above the return address at `guest_sp` comes the one into its caller.
    pub(crate) const TRAPPED: u64 = 1;
    /// It calls the imported function whose index is the payload, a host function, with arguments in `values`.
    pub(crate) const HOST_IMPORT: u64 = 2;
    /// It calls the host function that `RESOLVE` found last, its index being the payload, with arguments in `values`.
    pub(crate) const HOST_INDIRECT: u64 = 3;
    /// It asks for what the payload says, a [`builtin`](super::builtin), with operands in `values`.
    pub(crate) const BUILTIN: u64 = 4;
}

/// What guest code asks the runtime to do. Operands come in the operator's order, then immediates; a result is given in
/// `values[0]`. Charging, bounds and traps are the runtime's.
pub(crate) mod builtin {
    /// `delta` -> pages before or -1
    pub(crate) const MEMORY_GROW: u64 = 0;
    /// `destination, value, length`
    pub(crate) const MEMORY_FILL: u64 = 1;
    /// `destination, source, length`
    pub(crate) const MEMORY_COPY: u64 = 2;
    /// `destination, source, length, segment`
    pub(crate) const MEMORY_INIT: u64 = 3;
    /// `segment`
    pub(crate) const DATA_DROP: u64 = 4;
    /// `value, delta, table` -> elements before or -1
    pub(crate) const TABLE_GROW: u64 = 5;
    /// `destination, value, length, table`
    pub(crate) const TABLE_FILL: u64 = 6;
    /// `destination, source, length, destination table, source table`
    pub(crate) const TABLE_COPY: u64 = 7;
    /// `destination, source, length, segment, table`
    pub(crate) const TABLE_INIT: u64 = 8;
    /// `segment`
    pub(crate) const ELEM_DROP: u64 = 9;
    /// `reference, type index` -> the address to call. Traps when the reference is null or its type is another. Functions
    /// of the instance itself do not come here. For a host function the address is the host thunk's and its index becomes
    /// the payload; for one of another instance it is the switching thunk's, with `State::indirect_*` set.
    pub(crate) const RESOLVE: u64 = 10;
}

/// Offsets from the anchor to the fields of every context.
pub(crate) mod field {
    /// The address of the store's [`State`](super::State).
    pub(crate) const STATE: i32 = -8;
    /// The length, in bytes, of the memory that begins at the anchor. Also there before memories that hosts define.
    pub(crate) const MEMORY_LENGTH: i32 = -16;
    /// The base of memory 0: the anchor itself where the module defines it, and 0 where there is none.
    pub(crate) const MEMORY_BASE: i32 = -24;
    /// The upper half of references to functions of this instance, in place: the instance's id + 1, shifted by 32.
    pub(crate) const INSTANCE: i32 = -32;
    /// The address of `memory_fault` among the thunks of the instance's module, for signal handlers.
    pub(crate) const MEMORY_FAULT: i32 = -40;
    /// Below this there are globals, tables and imports.
    pub(crate) const END: i32 = -40;
}

/// The two words of a table's header, to which contexts hold addresses.
pub(crate) mod table_header {
    /// The address of element 0.
    pub(crate) const BASE: i32 = 0;
    /// The number of elements.
    pub(crate) const LENGTH: i32 = 8;
}

/// The words of an imported function in a context.
pub(crate) mod import_word {
    /// The address to call: the host thunk's of the importing module, or its switching thunk's.
    pub(crate) const ENTRY: i32 = 0;
    /// Where the switching thunk goes: the function's address and its instance's anchor.
    pub(crate) const CODE: i32 = 8;
    pub(crate) const ANCHOR: i32 = 16;
    /// The function as a reference.
    pub(crate) const REFERENCE: i32 = 24;
    /// The bytes of all.
    pub(crate) const BYTES: i32 = 32;
}

/// Where the parts of a module's contexts are, as offsets from the anchor.
///
/// ```text
///   imported functions, 32 bytes each | imported globals: addresses | tables: addresses of headers | own globals | fields
/// ```
/// Within each part higher indices are at lower addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ContextLayout {
    imported_globals: u32,
    tables: i32,
    global_addresses: i32,
    functions: i32,
    bytes: i32,
}

impl ContextLayout {
    /// The layout for a module. Ceilings on what a module contains keep all of it below 2^27 bytes.
    pub(crate) fn new(info: &ModuleInfo) -> ContextLayout {
        let words = |count: usize, bytes: i32| {
            i32::try_from(count).ok().and_then(|count| count.checked_mul(bytes)).expect("ceilings are low")
        };
        let own_globals = info.globals.len() - info.imported_globals as usize;
        let tables = field::END - words(own_globals, 8);
        let global_addresses = tables - words(info.tables.len(), 8);
        let functions = global_addresses - words(info.imported_globals as usize, 8);
        let end = functions - words(info.imported_functions as usize, import_word::BYTES);
        ContextLayout {
            imported_globals: info.imported_globals,
            tables,
            global_addresses,
            functions,
            bytes: -end,
        }
    }

    /// Bytes of the whole context.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Where a global is: its value where the instance defines it, or else the address of its value.
    pub(crate) fn global(&self, global: u32) -> GlobalPlace {
        match global.checked_sub(self.imported_globals) {
            Some(own) => GlobalPlace::Value(field::END - 8 * (own as i32 + 1)),
            None => GlobalPlace::Address(self.global_addresses - 8 * (global as i32 + 1)),
        }
    }

    /// Where the address of a table's header is.
    pub(crate) fn table(&self, table: u32) -> i32 {
        self.tables - 8 * (table as i32 + 1)
    }

    /// Where the words of an imported function are.
    pub(crate) fn imported_function(&self, function: u32) -> i32 {
        self.functions - import_word::BYTES * (function as i32 + 1)
    }
}

/// Where to find a global from the anchor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GlobalPlace {
    /// The value is at this offset.
    Value(i32),
    /// The value's address is at this offset.
    Address(i32),
}

/// Offsets of what every module's code begins with, from the start of its code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Thunks {
    /// Calls `State::callee` with arguments from `values`, and leaves with `RETURNED`. To be resumed at with
    /// `guest_sp` a multiple of 16: the height 0 of the activation.
    pub(crate) enter: u32,
    /// The same for a function with more than one result, or none: what it returns is in `values` already.
    pub(crate) enter_values: u32,
    /// Goes on behind a host call or builtin, with the first result from `values[0]`.
    pub(crate) resume: u32,
    /// Goes on behind `RESOLVE`, `MEMORY_FILL` and `MEMORY_COPY`, which leave every register but the result's alone.
    pub(crate) resume_unchanged: u32,
    /// Leaves with `HOST_IMPORT`.
    pub(crate) host_import: u32,
    /// Leaves with `HOST_INDIRECT`.
    pub(crate) host_indirect: u32,
    /// Goes to the function of another instance that an import names.
    pub(crate) switch_import: u32,
    /// Goes to the function of another instance that `RESOLVE` found.
    pub(crate) switch_indirect: u32,
    /// Leaves with `TRAPPED` and `MemoryOutOfBounds`. A signal handler goes there, having put the address of the
    /// instruction at fault where a call has its return address.
    pub(crate) memory_fault: u32,
}

/// Offsets into [`State`].
pub(crate) mod state {
    use super::{State, offset_of};

    macro_rules! offsets {
        ($($name:ident = $field:ident,)*) => {
            $(pub(crate) const $name: i32 = offset_of!(State, $field) as i32;)*
        };
    }
    offsets! {
        GAS = gas,
        MARK = mark,
        LIMIT = limit,
        GUEST_SP = guest_sp,
        ANCHOR = anchor,
        RESUME_PC = resume_pc,
        HOST_SP = host_sp,
        EXIT_PC = exit_pc,
        EXIT = exit,
        PAYLOAD = payload,
        TAIL_PC = tail_pc,
        CALLEE = callee,
        INDIRECT_CODE = indirect_code,
        INDIRECT_ANCHOR = indirect_anchor,
        SAVED = saved,
        KEPT = kept,
        VALUES = values,
    }
}
