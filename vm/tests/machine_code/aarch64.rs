//! Decodes code of aarch64 and holds it against what must be true of all of it. The disassembler shares nothing with the
//! encoder.
//!
//! Owns two questions. Does every branch go to an instruction, as far as it may reach? Is every store to memory that is
//! wider than a byte preceded by a load of as much at the same place, or by a comparison with the memory's length, or known
//! to be aligned? Memory 0 is what is at an index from the anchor, or behind it; what is before it is the context. It
//! must not know how code is made.
#![allow(dead_code, reason = "each test uses some of it")]

use lockstep_vm::CodeMap;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand, ShiftStyle, SizeCode};

/// How accesses to memory are kept within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bounds {
    Guard,
    Explicit,
}

/// What code is made of and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) bounds: Bounds,
    /// Whether memory 0 is another module's, so that its base is in a register of its own.
    pub(crate) imports_memory: bool,
}

/// What has been seen.
#[derive(Clone, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) functions: usize,
    pub(crate) instructions: usize,
    /// Branches within functions, and out of them.
    pub(crate) branches: usize,
    pub(crate) calls: usize,
    /// Entries of tables of labels.
    pub(crate) entries: usize,
    /// Conditional branches to others, and computed ones.
    pub(crate) veneers: usize,
    pub(crate) far: usize,
    /// Stores to memory: of bytes, behind a probe, aligned. And accesses behind a comparison.
    pub(crate) bytes: usize,
    pub(crate) probed: usize,
    pub(crate) aligned: usize,
    pub(crate) compared: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        for (sum, part) in [
            (&mut self.functions, other.functions),
            (&mut self.instructions, other.instructions),
            (&mut self.branches, other.branches),
            (&mut self.calls, other.calls),
            (&mut self.entries, other.entries),
            (&mut self.veneers, other.veneers),
            (&mut self.far, other.far),
            (&mut self.bytes, other.bytes),
            (&mut self.probed, other.probed),
            (&mut self.aligned, other.aligned),
            (&mut self.compared, other.compared),
        ] {
            *sum += part;
        }
    }
}

const DIVIDED_BY: i64 = if cfg!(feature = "short-branches") { 1024 } else { 1 };
/// Bytes that branches reach, to either side.
const SHORT: i64 = (1 << 20) / DIVIDED_BY;
const LONG: i64 = (1 << 27) / DIVIDED_BY;

/// Registers that code uses within one operator, the memory's base where that is imported, the anchor, and the stack
/// pointer.
const TEMP: u16 = 16;
const PASSING: u16 = 17;
const IMPORTED_BASE: u16 = 15;
const ANCHOR: u16 = 28;
const SP: u16 = 31;
/// Where the memory's length is, from its base.
const LENGTH: i32 = -16;
/// A comparison and what it compares stand so many instructions before an access at most.
const NEAR: usize = 12;

/// What the first temporary register is known to hold.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Temp {
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

/// Code that is being read.
struct Code<'c> {
    code: &'c [u8],
    map: &'c CodeMap,
    kind: Kind,
}

/// The code of a function.
struct Function {
    entry: i64,
    /// Each instruction, but for those in place of which there is data.
    lines: Vec<Option<Instruction>>,
    /// Where the entries of tables of labels go.
    entries: Vec<i64>,
}

impl Function {
    fn opcode(&self, at: i64) -> Option<Opcode> {
        let index = usize::try_from(at - self.entry).ok()? / 4;
        Some(self.lines.get(index)?.as_ref()?.opcode)
    }

    fn is_instruction(&self, target: i64) -> bool {
        let at = target - self.entry;
        at >= 0 && at % 4 == 0 && matches!(self.lines.get(at as usize / 4), Some(Some(_)))
    }
}

/// Holds all functions of a module against what must be true of them.
pub(crate) fn check(code: &[u8], map: &CodeMap, kind: Kind) -> Result<Counts, String> {
    let code = Code { code, map, kind };
    let mut counts = Counts::default();
    for &(index, entry, end) in &map.functions {
        let function = code.read(entry, end).map_err(|error| format!("function {index}: {error}"))?;
        counts.functions += 1;
        counts.instructions += function.lines.iter().flatten().count();
        code.branches(&function, &mut counts).map_err(|error| format!("function {index}: {error}"))?;
        code.accesses(&function, &mut counts, &mut Vec::new())
            .map_err(|error| format!("function {index}: {error}"))?;
    }
    Ok(counts)
}

/// Where the instructions are that keep stores from being written in part.
pub(crate) fn guards(code: &[u8], map: &CodeMap, kind: Kind) -> Vec<usize> {
    let code = Code { code, map, kind };
    let mut guards = Vec::new();
    for &(_, entry, end) in &map.functions {
        let function = code.read(entry, end).unwrap();
        code.accesses(&function, &mut Counts::default(), &mut guards).unwrap();
    }
    guards
}

fn decoded(word: u32) -> Result<Instruction, String> {
    let bytes = word.to_le_bytes();
    InstDecoder::default()
        .decode(&mut U8Reader::new(&bytes))
        .map_err(|error| format!("{error:?}: {word:#010x}"))
}

/// A branch: what it goes to, in bytes from itself, and how far it may.
fn branch(line: &Instruction) -> Option<(i64, i64)> {
    let (at, reach) = match line.opcode {
        Opcode::B | Opcode::BL => (0, LONG),
        Opcode::Bcc(_) => (0, SHORT),
        Opcode::CBZ | Opcode::CBNZ => (1, SHORT),
        _ => return None,
    };
    match line.operands[at] {
        Operand::PCOffset(distance) => Some((distance, reach)),
        _ => None,
    }
}

impl Code<'_> {
    fn word(&self, at: i64) -> Result<u32, String> {
        let at = usize::try_from(at).map_err(|_| "before the code".to_string())?;
        let bytes = self.code.get(at..at + 4).ok_or("behind the code")?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn read(&self, entry: u32, end: u32) -> Result<Function, String> {
        let (entry, end) = (i64::from(entry), i64::from(end));
        let mut function = Function { entry, lines: Vec::new(), entries: Vec::new() };
        let mut number = Temp::Unknown;
        let mut at = entry;
        while at < end {
            let line = decoded(self.word(at)?).map_err(|error| format!("{at:#x}: {error}"))?;
            number = constant(&line, number);
            function.lines.push(Some(line));
            at += 4;
            // `adr x17, #16`, three instructions, and the table, whose last entry's number is in x16.
            if is_table(&line) {
                let Temp::Constant(last) = number else {
                    return Err(format!("{at:#x}: a table without an end"));
                };
                for _ in 0..3 {
                    function.lines.push(Some(decoded(self.word(at)?)?));
                    at += 4;
                }
                let table = at;
                for _ in 0..=last {
                    function.entries.push(table + i64::from(self.word(at)? as i32));
                    function.lines.push(None);
                    at += 4;
                }
            }
        }
        if at == end { Ok(function) } else { Err("a table reaches behind the function".into()) }
    }

    /// Whether something outside functions, or the beginning of one, is there.
    fn is_entry(&self, target: i64) -> bool {
        let first = self.map.functions.first().map_or(0, |(_, entry, _)| i64::from(*entry));
        let is_thunk = (0..first).contains(&target) && target % 4 == 0;
        is_thunk || self.map.functions.binary_search_by_key(&target, |(_, at, _)| i64::from(*at)).is_ok()
    }

    fn branches(&self, function: &Function, counts: &mut Counts) -> Result<(), String> {
        for (line, at) in function.lines.iter().zip((function.entry..).step_by(4)) {
            let Some(line) = line else { continue };
            let wrong = |what: &str| Err(format!("{at:#x}: {line}: {what}"));
            if let Some((distance, reach)) = branch(line) {
                let target = at + distance;
                if distance.abs() > reach {
                    return wrong("out of reach");
                }
                match line.opcode {
                    Opcode::BL if self.is_entry(target) => counts.calls += 1,
                    Opcode::BL => return wrong("calls no function"),
                    _ if function.is_instruction(target) => counts.branches += 1,
                    Opcode::B if self.is_entry(target) => counts.calls += 1,
                    _ => return wrong("goes to no instruction"),
                }
                let is_veneer = reach == SHORT && function.opcode(target) == Some(Opcode::B);
                counts.veneers += usize::from(is_veneer);
            }
            if let Some(target) = self.computed(function, at)? {
                match function.is_instruction(target) {
                    true => counts.far += 1,
                    false => return wrong("a computed branch goes to no instruction"),
                }
            }
            if line.opcode == Opcode::ADRP {
                let Operand::PCOffset(pages) = line.operands[1] else { return wrong("no page") };
                let page = (at & !0xfff) + pages;
                let within = decoded(self.word(at + 4)?)?;
                let (Opcode::ADD, Operand::Immediate(low)) = (within.opcode, within.operands[2]) else {
                    return wrong("a page without an address");
                };
                let target = page + i64::from(low);
                let end = self.map.functions.last().map_or(0, |(_, _, end)| i64::from(*end));
                if !(self.is_entry(target) || target >= end && target < end + 16) {
                    return wrong("the address of nothing");
                }
            }
        }
        for target in &function.entries {
            if !function.is_instruction(*target) {
                return Err(format!("an entry of a table goes to {target:#x}, where no instruction is"));
            }
        }
        counts.entries += function.entries.len();
        Ok(())
    }

    /// Where a branch goes that begins here with `adr x16, #0`.
    fn computed(&self, function: &Function, at: i64) -> Result<Option<i64>, String> {
        let begin = (at - function.entry) as usize / 4;
        let Some([Some(adr), Some(low), Some(high), Some(add), Some(br)]) =
            function.lines.get(begin..begin + 5)
        else {
            return Ok(None);
        };
        let is_here = adr.opcode == Opcode::ADR
            && adr.operands[0] == Operand::Register(SizeCode::X, TEMP)
            && adr.operands[1] == Operand::PCOffset(0);
        if !is_here {
            return Ok(None);
        }
        let half = |line: &Instruction, opcode, shift| match (line.operands[0], line.operands[1]) {
            (Operand::Register(SizeCode::W, PASSING), Operand::ImmShift(half, by)) => {
                (line.opcode == opcode && by == shift).then_some(half)
            }
            _ => None,
        };
        let (Some(low), Some(high)) = (half(low, Opcode::MOVZ, 0), half(high, Opcode::MOVK, 16)) else {
            return Err(format!("{at:#x}: a computed branch without its distance"));
        };
        let texts = (add.to_string(), br.to_string());
        if texts != ("add x16, x16, w17, sxtw".to_string(), "br x16".to_string()) {
            return Err(format!("{at:#x}: {texts:?} is no end of a computed branch"));
        }
        let distance = (u32::from(high) << 16 | u32::from(low)) as i32;
        Ok(Some(at + i64::from(distance)))
    }
}

/// `adr x17, #16`.
fn is_table(line: &Instruction) -> bool {
    line.opcode == Opcode::ADR
        && line.operands[0] == Operand::Register(SizeCode::X, PASSING)
        && line.operands[1] == Operand::PCOffset(16)
}

/// What the first temporary register holds behind an instruction, as far as constants go.
fn constant(line: &Instruction, before: Temp) -> Temp {
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
    fn accesses(
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
