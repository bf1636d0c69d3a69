//! Accesses to memory, and what keeps stores from being written in part.
//!
//! Owns which instructions are accesses, and what their addresses are made of. It must not know branches.

use super::{ANCHOR, Bounds, Code, Counts, Function, IMPORTED_BASE, LENGTH, NEAR, PASSING, TEMP};
use yaxpeax_arm::armv8::a64::{Instruction, Opcode, Operand, ShiftStyle, SizeCode};

/// What the first temporary register is known to hold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Temp {
    Unknown,
    Constant(u64),
    /// An index, and an offset or none.
    Index,
    /// The memory's base and an index.
    MemoryIndex,
}

/// An access to memory: its width in bytes, and whether it is known to be aligned.
#[derive(Clone, Copy, Debug)]
struct Access {
    bytes: u32,
    is_store: bool,
    is_aligned: bool,
}

/// What the first temporary register holds behind an instruction, as far as constants go.
pub(super) fn constant(line: &Instruction, before: Temp) -> Temp {
    let (Operand::Register(size, TEMP) | Operand::RegisterOrSP(size, TEMP)) = line.operands[0] else {
        return before;
    };
    let mask = if size == SizeCode::W { u64::from(u32::MAX) } else { u64::MAX };
    match (line.opcode, line.operands[1], before) {
        (Opcode::MOVZ, Operand::ImmShift(half, by), _) => Temp::Constant(u64::from(half) << by),
        (Opcode::MOVN, Operand::ImmShift(half, by), _) => Temp::Constant(!(u64::from(half) << by) & mask),
        (Opcode::MOVK, Operand::ImmShift(half, by), Temp::Constant(value)) => {
            Temp::Constant(value & !(0xffff << by) | u64::from(half) << by)
        }
        (Opcode::ORR, Operand::Register(_, 31), _) => match line.operands[2] {
            Operand::Imm64(value) => Temp::Constant(value & mask),
            Operand::Immediate(value) => Temp::Constant(value.into()),
            _ => Temp::Unknown,
        },
        // Stores and comparisons write no register.
        (
            Opcode::STR
            | Opcode::STRH
            | Opcode::STRB
            | Opcode::STUR
            | Opcode::STURH
            | Opcode::STURB
            | Opcode::CBZ
            | Opcode::CBNZ
            | Opcode::BR
            | Opcode::BLR
            | Opcode::CCMP,
            ..,
        ) => before,
        _ => Temp::Unknown,
    }
}

/// Memory.
impl Code<'_> {
    pub(super) fn accesses(
        &self,
        function: &Function,
        counts: &mut Counts,
        guards: &mut Vec<usize>,
    ) -> Result<(), String> {
        let mut temp = Temp::Unknown;
        for (index, line) in function.lines.iter().enumerate() {
            let Some(line) = line else {
                temp = Temp::Unknown;
                continue;
            };
            let at = function.entry + 4 * index as i64;
            let wrong = |what: &str| Err(format!("{at:#x}: {line}: {what}"));
            let access = match access(line, temp, self.kind.imports_memory) {
                Ok(access) => access,
                Err(what) => return wrong(what),
            };
            if let Some(access) = access {
                let guard = match self.kind.bounds {
                    Bounds::Guard => self.probe(function, index, access, counts),
                    Bounds::Explicit => compared(function, index).inspect(|_| counts.compared += 1).map(Some),
                };
                match guard {
                    Some(guard) => guards.extend(guard.map(|index| function.entry as usize + 4 * index)),
                    None if access.is_store => return wrong("a store may be written in part"),
                    None => return wrong("an access is not compared"),
                }
            }
            temp = next_temp(line, temp, self.kind.imports_memory);
        }
        Ok(())
    }

    /// The probe of an access, where it needs one; nothing if that is not there.
    fn probe(
        &self,
        function: &Function,
        index: usize,
        access: Access,
        counts: &mut Counts,
    ) -> Option<Option<usize>> {
        if !access.is_store {
            return Some(None);
        }
        if access.bytes == 1 {
            counts.bytes += 1;
            return Some(None);
        }
        if access.is_aligned {
            counts.aligned += 1;
            return Some(None);
        }
        let store = function.lines[index].as_ref()?;
        let load = function.lines[index.checked_sub(1)?].as_ref()?;
        let is_probe = width(load) == width(store)
            && !is_store(load)
            && load.operands[1] == store.operands[1]
            && matches!(load.operands[0], Operand::Register(_, 31));
        counts.probed += usize::from(is_probe);
        is_probe.then_some(Some(index - 1))
    }
}

/// The conditional branch behind which an access is within memory.
fn compared(function: &Function, index: usize) -> Option<usize> {
    (index.saturating_sub(NEAR)..index).rev().find(|at| {
        let lines = at.checked_sub(2).and_then(|from| function.lines.get(from..=*at));
        let Some([Some(length), Some(compare), Some(branch)]) = lines else { return false };
        let loads_length =
            matches!(length.operands[1], Operand::RegPreIndex(ANCHOR | IMPORTED_BASE, LENGTH, false))
                && length.operands[0] == Operand::Register(SizeCode::X, PASSING);
        loads_length && compare.to_string() == "cmp x16, x17" && branch.to_string().starts_with("b.hi ")
    })
}

fn width(line: &Instruction) -> Option<u32> {
    let whole = || match line.operands[0] {
        Operand::Register(SizeCode::W, _) => 4,
        _ => 8,
    };
    Some(match line.opcode {
        Opcode::STRB | Opcode::STURB | Opcode::LDRB | Opcode::LDURB | Opcode::LDRSB | Opcode::LDURSB => 1,
        Opcode::STRH | Opcode::STURH | Opcode::LDRH | Opcode::LDURH | Opcode::LDRSH | Opcode::LDURSH => 2,
        Opcode::LDRSW | Opcode::LDURSW => 4,
        Opcode::STR | Opcode::STUR | Opcode::LDR | Opcode::LDUR => whole(),
        _ => return None,
    })
}

fn is_store(line: &Instruction) -> bool {
    use Opcode::{STR, STRB, STRH, STUR, STURB, STURH};
    matches!(line.opcode, STR | STRB | STRH | STUR | STURB | STURH)
}

/// What an instruction does with memory 0, or what it must not do with the memory's base.
fn access(line: &Instruction, temp: Temp, imports: bool) -> Result<Option<Access>, &'static str> {
    let is_base = |register: u16| register == if imports { IMPORTED_BASE } else { ANCHOR };
    let Some(bytes) = width(line) else {
        // Nothing but its sum with an index is made of the base: there are no addresses but those below.
        let sum = adds_index(line, is_base);
        let uses = !sum && line.operands[1..].iter().any(|operand| names(operand, is_base));
        return if uses { Err("uses the base") } else { Ok(None) };
    };
    let aligned = |offset: u64| offset.is_multiple_of(bytes.into());
    let is_store = is_store(line);
    let found = |is_aligned| Ok(Some(Access { bytes, is_store, is_aligned }));
    match line.operands[1] {
        // Before the base there is the context.
        Operand::RegPreIndex(base, offset, false) if is_base(base) && offset >= 0 => {
            found(aligned(offset as u64))
        }
        Operand::RegPreIndex(TEMP, _, false) if temp == Temp::MemoryIndex => found(false),
        Operand::RegRegOffset(base, TEMP, SizeCode::X, ShiftStyle::LSL, 0) if is_base(base) => match temp {
            Temp::Constant(offset) => found(aligned(offset)),
            Temp::Index => found(false),
            _ => Err("an index of unknown making"),
        },
        // A constant displacement of the context.
        Operand::RegRegOffset(ANCHOR, PASSING, SizeCode::X, ShiftStyle::LSL, 0) => Ok(None),
        Operand::RegRegOffset(base, _, SizeCode::W, ShiftStyle::UXTW, 0) if is_base(base) => found(false),
        Operand::RegRegOffset(base, ..) if is_base(base) => Err("an index of unknown making"),
        Operand::RegPreIndex(base, _, true) | Operand::RegPostIndex(base, _) if is_base(base) => {
            Err("changes the base")
        }
        _ => Ok(None),
    }
}

fn names(operand: &Operand, is_base: impl Fn(u16) -> bool) -> bool {
    match *operand {
        Operand::Register(_, register) | Operand::RegisterOrSP(_, register) => is_base(register),
        Operand::RegShift(_, _, _, register) => is_base(register),
        Operand::RegRegOffset(base, index, ..) => is_base(base) || is_base(index),
        Operand::RegPreIndex(base, ..) | Operand::RegPostIndex(base, _) => is_base(base),
        _ => false,
    }
}

/// `add x16, base, wN, uxtw`; the disassembler calls this extension a shift by nothing.
fn adds_index(line: &Instruction, is_base: impl Fn(u16) -> bool) -> bool {
    let (Operand::RegisterOrSP(SizeCode::X, base) | Operand::Register(SizeCode::X, base)) = line.operands[1]
    else {
        return false;
    };
    line.opcode == Opcode::ADD
        && is_base(base)
        && matches!(line.operands[0], Operand::RegisterOrSP(_, TEMP) | Operand::Register(_, TEMP))
        && matches!(line.operands[2], Operand::RegShift(ShiftStyle::LSL, 0, SizeCode::W, _))
}

/// What the first temporary register holds behind an instruction.
fn next_temp(line: &Instruction, before: Temp, imports: bool) -> Temp {
    let is_base = |register: u16| register == if imports { IMPORTED_BASE } else { ANCHOR };
    if adds_index(line, is_base) {
        return Temp::MemoryIndex;
    }
    // A constant and an index.
    let is_sum = adds_index(line, |register| register == TEMP);
    if is_sum && matches!(before, Temp::Constant(_)) {
        return Temp::Index;
    }
    // The destination of a load is its first operand too.
    constant(line, before)
}
